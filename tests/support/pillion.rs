//! The program under test, running.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::certificates::{Authority, SecretMount};
use super::failure::{During, Failure, Outcome};
use super::processes::ProcessGroup;
use super::wait::wait_until;
use super::webhook::SERVER_NAME;

/// A start takes a tenth of a second; this is for busy machines.
const START: Duration = Duration::from_secs(20);

/// Longer than the server's own time to drain.
const STOP: Duration = Duration::from_secs(40);

/// How to start the server.
#[derive(Debug)]
pub(crate) struct Settings<'a> {
    /// The binary.
    pub(crate) program: &'a Path,
    /// The folder that the server runs in; this process' own when absent.
    pub(crate) folder: Option<&'a Path>,
    /// A folder of templates; the built-in catalog when absent.
    pub(crate) templates: Option<&'a Path>,
    /// The port to listen on for the API server; 0 for any.
    pub(crate) port: u16,
    /// Further arguments.
    pub(crate) arguments: &'a [&'a str],
}

impl<'a> Settings<'a> {
    /// The built-in catalog on any port.
    pub(crate) fn new(program: &'a Path) -> Self {
        Self {
            program,
            folder: None,
            templates: None,
            port: 0,
            arguments: &[],
        }
    }
}

/// A serving certificate in a mounted Secret, and the authority that vouches for it. It
/// outlives a server, so that another one can take over.
pub(crate) struct Identity {
    authority: Authority,
    /// Where the server reads it.
    pub(crate) mount: SecretMount,
    _folder: tempfile::TempDir,
}

impl Identity {
    /// A new authority and a first certificate for the webhook's Service.
    pub(crate) fn new() -> Outcome<Self> {
        let authority = Authority::new("pillion-test-webhook")?;
        let folder = tempfile::tempdir().during("make a folder for a certificate")?;
        let first = authority.serving(&[SERVER_NAME])?;
        let mount = SecretMount::new(&folder.path().join("tls"), &first)?;
        Ok(Self {
            authority,
            mount,
            _folder: folder,
        })
    }

    /// What the webhook configuration trusts, PEM.
    pub(crate) fn authority(&self) -> &str {
        self.authority.pem()
    }

    /// Replaces the certificate as a mounted Secret is replaced.
    pub(crate) fn swap(&mut self) -> Outcome {
        let next = self.authority.serving(&[SERVER_NAME])?;
        self.mount.swap(&next)
    }

    /// Replaces the certificate by one that has ended.
    pub(crate) fn expire(&mut self) -> Outcome {
        let ended = self.authority.expired(&[SERVER_NAME])?;
        self.mount.swap(&ended)
    }

    /// Replaces certificate and key one after the other.
    pub(crate) fn rename(&self) -> Outcome {
        let next = self.authority.serving(&[SERVER_NAME])?;
        self.mount.rename(&next)
    }
}

/// A running `pillion serve`, ended with this value and at the latest with this process.
pub(crate) struct Pillion {
    /// Where the API server calls.
    pub(crate) webhook: SocketAddr,
    /// Health and metrics, plain HTTP.
    pub(crate) admin: SocketAddr,
    log: Log,
    process: u32,
    processes: ProcessGroup,
}

/// The lines that the server has written so far.
type Log = Arc<Mutex<Vec<String>>>;

impl Pillion {
    /// Starts the server and waits until it says that it is ready.
    pub(crate) async fn start(settings: &Settings<'_>, identity: &Identity) -> Outcome<Self> {
        let server = Self::launch(settings, Some(identity)).await?;
        server.ready().await?;
        Ok(server)
    }

    /// Starts the server and waits until it listens; without an identity it has to get its
    /// certificate by itself.
    pub(crate) async fn launch(
        settings: &Settings<'_>,
        identity: Option<&Identity>,
    ) -> Outcome<Self> {
        let folder = tempfile::Builder::new()
            .prefix("pillion-serve-")
            .tempdir()
            .during("make a folder for the server")?
            .keep();
        let mut processes = ProcessGroup::new(&folder)?;
        let child = processes.spawn("pillion", &mut command(settings, identity))?;
        let process = child.id();
        let log = Log::default();
        if let Some(stderr) = child.stderr.take() {
            let copy = Arc::clone(&log);
            std::thread::spawn(move || collect(stderr, &copy));
        }
        let waited = wait_until("the server to listen", START, async || {
            if let Some((_, status)) = processes.ended() {
                return Ok(Err(Failure::new(format!("pillion ended: {status}"))));
            }
            let found = lines(&log).iter().find_map(|line| listening(line));
            found.map(Ok).ok_or_else(|| "no line `listening`".into())
        });
        let told =
            |failure| Failure::new(format!("{failure}; its log:\n{}", lines(&log).join("\n")));
        let (webhook, admin) = waited.await.and_then(|found| found).map_err(told)?;
        Ok(Self {
            webhook,
            admin,
            log,
            process,
            processes,
        })
    }

    /// What `/readyz` says.
    pub(crate) async fn readiness(&self) -> Outcome<(u16, String)> {
        get(self.admin, "/readyz").await.map_err(Failure::new)
    }

    /// Waits until the server says that it is ready.
    pub(crate) async fn ready(&self) -> Outcome {
        let waited = wait_until("the server to be ready", START, async || {
            let (status, body) = get(self.admin, "/readyz").await?;
            if status == 200 {
                return Ok(());
            }
            Err(format!("status {status}: {body}"))
        });
        let told =
            |failure| Failure::new(format!("{failure}; its log:\n{}", self.log().join("\n")));
        waited.await.map_err(told)
    }

    /// The text of `/metrics`.
    pub(crate) async fn metrics(&self) -> Outcome<String> {
        let answer = get(self.admin, "/metrics").await.map_err(Failure::new)?;
        Ok(answer.1)
    }

    /// The lines that the server has written so far.
    pub(crate) fn log(&self) -> Vec<String> {
        lines(&self.log)
    }

    /// Memory in use, in bytes.
    pub(crate) fn resident(&self) -> Outcome<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process));
        let status = status.during("read the memory of pillion")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes =
            line.and_then(|line| line.trim_end_matches("kB").trim().parse::<u64>().ok());
        let kibibytes = kibibytes.ok_or_else(|| Failure::new(status.clone()))?;
        Ok(kibibytes * 1024)
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, name: &str) -> Outcome {
        let process = self.process.to_string();
        let sent = Command::new("sh")
            .args(["-c", r#"kill "-$1" "$2""#, "kill", name, &process])
            .status();
        sent.during("send a signal to pillion").map(drop)
    }

    /// Asks the server to end, with SIGTERM as the kubelet does, and waits for it; an error
    /// when it does not end with status 0 in time.
    pub(crate) async fn stop(mut self) -> Outcome {
        self.signal("TERM")?;
        let waited = wait_until("pillion to end", STOP, async || {
            let ended = self.processes.ended();
            ended
                .map(|(_, status)| status)
                .ok_or_else(|| "it runs".into())
        });
        let status = waited.await?;
        if status.success() {
            return Ok(());
        }
        let log = lines(&self.log).join("\n");
        Err(Failure::new(format!("pillion ended with {status}:\n{log}")))
    }
}

fn command(settings: &Settings<'_>, identity: Option<&Identity>) -> Command {
    let mut command = Command::new(settings.program);
    command
        .args(["serve", "--admin-listen", "127.0.0.1:0", "--listen"])
        .arg(format!("127.0.0.1:{}", settings.port))
        // No other server takes over, so serving on after SIGTERM helps nobody here.
        .args(["--drain-seconds", "1", "--tls-poll-seconds", "1"])
        .args(settings.arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    if let Some(identity) = identity {
        command
            .arg("--tls-cert")
            .arg(identity.mount.certificate())
            .arg("--tls-key")
            .arg(identity.mount.key());
    }
    if let Some(folder) = settings.folder {
        command.current_dir(folder);
    }
    if let Some(templates) = settings.templates {
        command.arg("--templates").arg(templates);
    }
    command
}

fn collect(stderr: std::process::ChildStderr, log: &Log) {
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        log.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(line);
    }
}

fn lines(log: &Log) -> Vec<String> {
    log.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// The two addresses of the line `listening`, whether it is text or JSON.
fn listening(line: &str) -> Option<(SocketAddr, SocketAddr)> {
    if !line.contains("listening") {
        return None;
    }
    let field = |name: &str| {
        // The name can also be part of a module's path, so every place of it is tried.
        line.split(name).skip(1).find_map(|rest| {
            let rest = rest.trim_start_matches(['"', '=', ':', ' ']);
            let end = rest.find(['"', ',', ' ', '}']).unwrap_or(rest.len());
            rest.get(..end)?.parse().ok()
        })
    };
    Some((field("webhook")?, field("admin")?))
}

/// A plain HTTP GET: status and body.
async fn get(address: SocketAddr, path: &str) -> Result<(u16, String), String> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let exchange = async {
        let mut stream = tokio::net::TcpStream::connect(address).await?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = exchange.await.map_err(|error| error.to_string())?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.ok_or_else(|| format!("not HTTP: {head}"))?;
    Ok((status, body.to_owned()))
}
