//! The built program as a child process that never outlives its test.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long anything may take that is waited for. Far above what is needed on a busy machine.
const BOUND: Duration = Duration::from_secs(40);

/// Asks again and again until there is an answer.
pub(crate) fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(started.elapsed() < BOUND, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A running `pillion serve` on loopback ports of its own.
pub(crate) struct Server {
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
    /// The webhook port.
    pub(crate) webhook: SocketAddr,
    /// The admin port.
    pub(crate) admin: SocketAddr,
    /// Where the development authority is, if there is one.
    directory: tempfile::TempDir,
}

impl Server {
    /// Starts the server with a development certificate.
    pub(crate) fn start(flags: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let authority = directory.path().join("ca.crt").display().to_string();
        let flags = [&["--write-dev-ca", &authority], flags].concat();
        Self::start_in(directory, &flags)
    }

    /// Starts the server with these certificate flags.
    pub(crate) fn start_with_files(flags: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), flags)
    }

    fn start_in(directory: tempfile::TempDir, flags: &[&str]) -> Self {
        let mut child = command(flags).spawn().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let written = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                written.lock().unwrap().push(line);
            }
        });
        let mut server = Self {
            child,
            log,
            webhook: SocketAddr::from(([127, 0, 0, 1], 0)),
            admin: SocketAddr::from(([127, 0, 0, 1], 0)),
            directory,
        };
        let listening = wait_for("the line `listening`", || server.logged("listening"));
        let address = |field: &str| listening[field].as_str().unwrap().parse().unwrap();
        server.webhook = address("webhook");
        server.admin = address("admin");
        server
    }

    /// The first log line with this message.
    pub(crate) fn logged(&self, message: &str) -> Option<Value> {
        let log = self.log.lock().unwrap();
        log.iter()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .find(|line| line["message"] == message)
    }

    /// Everything that was written to standard error.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    /// The development authority in PEM.
    pub(crate) fn authority(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("ca.crt")).unwrap()
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) {
        let script = format!("kill -TERM {}", self.child.id());
        let status = Command::new("sh").args(["-c", &script]).status().unwrap();
        assert!(status.success());
    }

    /// How the process ended, or `None` while it runs.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits for the end of the process.
    pub(crate) fn exit_code(&mut self) -> Option<i32> {
        wait_for("the end of the process", || self.ended()).code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Ended already, or to be ended now; a panicking test shows the log.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("{}", self.log());
        }
    }
}

/// Runs `pillion serve` that is expected not to start: its exit code and standard error.
pub(crate) fn refused(flags: &[&str]) -> (Option<i32>, String) {
    let mut child = Ended(command(flags).spawn().unwrap());
    let status = wait_for("a refusal to start", || child.0.try_wait().unwrap());
    let mut text = String::new();
    let mut stderr = child.0.stderr.take().unwrap();
    stderr.read_to_string(&mut text).unwrap();
    (status.code(), text)
}

/// A process that is ended when its test panics.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn command(flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pillion"));
    command.arg("serve").args(flags);
    for flag in ["--listen", "--admin-listen"] {
        if !flags.contains(&flag) {
            command.args([flag, "127.0.0.1:0"]);
        }
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}
