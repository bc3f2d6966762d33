//! The built program as a child process that never outlives its test.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::server::client::plain;

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

/// What becomes of standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Log {
    /// A pipe that nobody reads.
    Unread,
    /// A pipe whose reader is gone.
    Closed,
    /// A full disk.
    Full,
}

/// A running `pillion serve` on loopback ports of its own.
pub(crate) struct Server {
    child: Child,
    /// The end of a pipe that nobody reads.
    _unread: Option<ChildStderr>,
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

    /// Starts the server with a development certificate and a log that cannot be read. Its addresses
    /// are chosen beforehand, as no line tells them.
    pub(crate) fn start_unlogged(log: Log, flags: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let authority = directory.path().join("ca.crt").display().to_string();
        let [webhook, admin] = [(); 2].map(|()| {
            let free = TcpListener::bind("127.0.0.1:0").unwrap();
            free.local_addr().unwrap()
        });
        let (listen, admin_listen) = (webhook.to_string(), admin.to_string());
        let addresses = ["--listen", &listen, "--admin-listen", &admin_listen];
        let flags = [&["--write-dev-ca", &authority], &addresses[..], flags].concat();
        let mut command = command(&flags);
        if log == Log::Full {
            command.stderr(File::options().write(true).open("/dev/full").unwrap());
        }
        let mut child = command.spawn().unwrap();
        let unread = child.stderr.take().filter(|_| log == Log::Unread);
        let server = Self {
            child,
            _unread: unread,
            log: Arc::default(),
            webhook,
            admin,
            directory,
        };
        wait_for("the admin port", || TcpStream::connect(admin).ok());
        server
    }

    /// Starts the server with a development certificate and these paths in its environment.
    pub(crate) fn start_with_environment(variables: &[(&str, &Path)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let authority = directory.path().join("ca.crt").display().to_string();
        let mut command = command(&["--write-dev-ca", &authority]);
        command.envs(variables.iter().copied());
        Self::start_command(directory, &mut command)
    }

    fn start_in(directory: tempfile::TempDir, flags: &[&str]) -> Self {
        Self::start_command(directory, &mut command(flags))
    }

    /// Starts the server with a development certificate and this hard limit of open files.
    pub(crate) fn start_with_open_files(limit: u32) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let authority = directory.path().join("ca.crt").display().to_string();
        let inner = command(&["--write-dev-ca", &authority]);
        let script = format!(
            "ulimit -S -n {}; ulimit -H -n {limit}; exec \"$0\" \"$@\"",
            limit / 2
        );
        let mut limited = Command::new("sh");
        limited.arg("-c").arg(script).arg(inner.get_program());
        limited.args(inner.get_args());
        limited
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        Self::start_command(directory, &mut limited)
    }

    fn start_command(directory: tempfile::TempDir, command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
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
            _unread: None,
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
        self.signal("TERM");
    }

    /// Memory in use, in bytes.
    pub(crate) fn resident(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes: u64 = line.unwrap().trim_end_matches("kB").trim().parse().unwrap();
        kibibytes * 1024
    }

    /// The value of a metric without labels.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let metrics = plain(self.admin).unwrap().get("/metrics").unwrap().body;
        let prefix = format!("{name} ");
        let value = metrics.lines().find_map(|line| line.strip_prefix(&prefix));
        value
            .unwrap_or_else(|| panic!("{name} in {metrics}"))
            .parse()
            .unwrap()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, name: &str) {
        let script = format!("kill -{name} {}", self.child.id());
        let status = Command::new("sh").args(["-c", &script]).status().unwrap();
        assert!(status.success());
    }

    /// Stops the process, and waits until each of its threads stands.
    pub(crate) fn stop(&self) {
        self.signal("STOP");
        wait_for("all threads to stand", || {
            let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
            let stands = |path: &Path| {
                let status = std::fs::read_to_string(path.join("status")).unwrap();
                status.contains("State:\tT")
            };
            let mut threads = threads.map(|thread| thread.unwrap().path());
            threads.all(|path| stands(&path)).then_some(())
        });
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
