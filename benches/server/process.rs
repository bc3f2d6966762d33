//! A server under load: its ports, its certificate, and what it has used of the machine.
//!
//! `pillion serve` and the no-op are started and asked in the same way. Both end with their value
//! here, and at the latest with this process, however that ends.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use serde_json::Value;

use super::client::trusting;
use super::failure::{During, Failure, Outcome};
use super::no_op;
use super::processes::ProcessGroup;
use super::schedstat;

/// How long a start may take; ten thousand templates need the most of it.
const START: Duration = Duration::from_mins(1);

/// How often is looked whether a server is ready: the exactness of the times of starts.
const LOOK: Duration = Duration::from_micros(500);

/// What the process is called in its group.
const NAME: &str = "server";

/// A running server.
pub(crate) struct Server {
    /// Where reviews are answered, over TLS.
    pub(crate) webhook: SocketAddr,
    /// Where its health is told, if it has such a port.
    pub(crate) admin: Option<SocketAddr>,
    /// What clients that trust the server's certificate, and speak HTTP/1.1, are made of.
    pub(crate) trust: Arc<ClientConfig>,
    /// From the moment before the process was started until it was ready.
    pub(crate) started_in: Duration,
    process: u32,
    log: PathBuf,
    _processes: ProcessGroup,
}

impl Server {
    /// Starts `pillion serve` as it is by default, with a development certificate and these further
    /// arguments, and waits until it says that it is ready.
    pub(crate) fn pillion(arguments: &[&str]) -> Outcome<Self> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pillion"));
        command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(["--admin-listen", "127.0.0.1:0"])
            .args(arguments)
            .arg("--write-dev-ca");
        Self::start(command)
    }

    /// Starts the no-op, which is this executable.
    pub(crate) fn no_op() -> Outcome<Self> {
        let executable = std::env::current_exe().during("find this executable")?;
        let mut command = Command::new(executable);
        command.arg(no_op::ARGUMENT);
        Self::start(command)
    }

    /// Starts a command whose last argument is to be the file of its authority, and that writes
    /// a line with its addresses.
    fn start(mut command: Command) -> Outcome<Self> {
        let folder = tempfile::Builder::new()
            .prefix("pillion-bench-")
            .tempdir()
            .during("make a folder for a server")?
            .keep();
        let (log, authority) = (folder.join("log"), folder.join("ca.crt"));
        let mut processes = ProcessGroup::new(&folder)?;
        // A line for each review is written, as it would be on a node. Appended to, so that it can be emptied between measures.
        let written = OpenOptions::new().create(true).append(true).open(&log);
        let written = written.during("make a server's log")?;
        command
            .arg(&authority)
            .current_dir(&folder)
            .stdout(Stdio::null())
            .stderr(written);
        let begun = Instant::now();
        let process = processes.spawn(NAME, &mut command)?.id();
        let (webhook, admin) = until(&log, &mut processes, || addresses(&log))?;
        if let Some(admin) = admin {
            until(&log, &mut processes, || is_ready(admin).then_some(()))?;
        }
        let started_in = begun.elapsed();
        let pem = fs::read_to_string(&authority).during("read a server's authority")?;
        Ok(Self {
            webhook,
            admin,
            trust: trusting(&[&pem], &["http/1.1"]),
            started_in,
            process,
            log,
            _processes: processes,
        })
    }

    /// CPU time that all threads have taken so far.
    pub(crate) fn cpu(&self) -> Outcome<Duration> {
        cpu(&self.process.to_string())
    }

    /// Resident memory in bytes.
    pub(crate) fn memory(&self) -> Outcome<f64> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.process));
        let text = text.during("read a server's memory")?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<f64>().ok());
        let kilobytes = kilobytes.ok_or_else(|| Failure::new("a server has no VmRSS"))?;
        Ok(kilobytes * 1024.0)
    }

    /// Empties the log, which grows by a line with every review.
    pub(crate) fn forget_log(&self) -> Outcome {
        let log = File::options().write(true).open(&self.log);
        let emptied = log.and_then(|log| log.set_len(0));
        emptied.during("empty a server's log")
    }
}

/// CPU time that the threads of a process have taken so far.
pub(crate) fn cpu(process: &str) -> Outcome<Duration> {
    schedstat::used(&Path::new("/proc").join(process)).during("read the CPU time of a process")
}

/// Asks again and again until there is an answer or the process has ended.
fn until<T>(
    log: &Path,
    processes: &mut ProcessGroup,
    mut ask: impl FnMut() -> Option<T>,
) -> Outcome<T> {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return Ok(answer);
        }
        let ended = processes.ended().map(|(_, status)| status.to_string());
        if ended.is_some() || begun.elapsed() > START {
            let ended = ended.unwrap_or_else(|| "not ready in time".to_owned());
            let log = fs::read_to_string(log).unwrap_or_default();
            return Err(Failure::new(format!("a server: {ended}; its log:\n{log}")));
        }
        std::thread::sleep(LOOK);
    }
}

/// The webhook's address and the admin port's, once the line that tells them is written.
fn addresses(log: &Path) -> Option<(SocketAddr, Option<SocketAddr>)> {
    let lines = BufReader::new(File::open(log).ok()?).lines();
    lines.map_while(Result::ok).find_map(|line| {
        let line: Value = serde_json::from_str(&line).ok()?;
        let address = |field: &str| line.get(field)?.as_str()?.parse().ok();
        (line.get("message")? == "listening").then_some((address("webhook")?, address("admin")))
    })
}

fn is_ready(admin: SocketAddr) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect(admin)?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok::<_, std::io::Error>(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}
