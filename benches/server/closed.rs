//! A closed loop: so many connections, each of which sends its next review when the last one is
//! answered.
//!
//! The generator shares the machine with the server, so it does little: a request is made once and
//! only numbered anew, a response is read by its length, and its time is kept as a number in a list.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::failure::{During, Failure, Outcome};
use super::latency::Latency;
use super::process::{Server, cpu};
use super::requests::Request;

/// Threads that send; more than are needed would take the server's processors.
const THREADS: usize = 1;

/// How long is sent before anything is counted.
const WARM_UP: Duration = Duration::from_millis(150);

/// The status line of an answer.
const OK: &[u8] = b"HTTP/1.1 200 ";

/// The status line where a review is shed.
const SHED: &[u8] = b"HTTP/1.1 429 ";

/// When to stop.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Until {
    /// After this time, which begins after a warm-up.
    Time(Duration),
    /// After so many reviews.
    Count(u64),
}

/// What came of it.
pub(crate) struct Round {
    /// Reviews answered in a second.
    pub(crate) throughput: f64,
    /// CPU time of the server for each review, in microseconds.
    pub(crate) cpu: f64,
    /// The share of the time in which the senders were at work; near 1 it is they who are measured.
    pub(crate) sending: f64,
    /// How long answers took.
    pub(crate) latency: Latency,
}

/// What the senders and whoever watches them share.
struct Shared {
    /// Reviews that may still be sent.
    left: AtomicU64,
    /// Reviews that are answered.
    answered: AtomicU64,
    /// Whether the times of answers are kept.
    is_measured: AtomicBool,
    /// Whether to stop.
    is_over: AtomicBool,
    /// Where the senders, once connected, and the watcher meet.
    connected: Barrier,
}

/// What is known at one moment: CPU time and reviews belong together, however late it is taken.
struct Moment {
    at: Instant,
    cpu: Duration,
    own_cpu: Duration,
    answered: u64,
}

impl Shared {
    fn moment(&self, server: &Server) -> Outcome<Moment> {
        Ok(Moment {
            answered: self.answered.load(Ordering::Relaxed),
            cpu: server.cpu()?,
            own_cpu: cpu("self")?,
            at: Instant::now(),
        })
    }

    /// Takes one review of those that are left.
    fn take(&self) -> bool {
        let less = |left: u64| left.checked_sub(1);
        let taken = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        taken.is_ok() && !self.is_over.load(Ordering::Relaxed)
    }
}

/// Sends a request again and again over so many connections.
pub(crate) fn run(
    server: &Server,
    request: &Request,
    connections: usize,
    until: Until,
) -> Outcome<Round> {
    let threads = THREADS.min(connections);
    let shared = Arc::new(Shared {
        left: AtomicU64::new(match until {
            Until::Count(count) => count,
            Until::Time(_) => u64::MAX,
        }),
        answered: AtomicU64::new(0),
        is_measured: AtomicBool::new(matches!(until, Until::Count(_))),
        is_over: AtomicBool::new(false),
        connected: Barrier::new(threads + 1),
    });
    std::thread::scope(|scope| {
        let senders: Vec<_> = (0..threads)
            .map(|thread| {
                let share = connections / threads + usize::from(thread < connections % threads);
                let shared = Arc::clone(&shared);
                scope.spawn(move || send(server, request, share, &shared))
            })
            .collect();
        let watched = watch(server, &shared, until);
        let mut latency = Latency::default();
        for sender in senders {
            let sent = sender.join();
            latency.extend(sent.map_err(|_| Failure::new("a sender panicked"))??);
        }
        let (begin, end) = watched?;
        let end = match end {
            Some(end) => end,
            None => shared.moment(server)?,
        };
        let elapsed = (end.at - begin.at).as_secs_f64();
        let reviews = (end.answered - begin.answered) as f64;
        Ok(Round {
            throughput: reviews / elapsed,
            cpu: end.cpu.saturating_sub(begin.cpu).as_secs_f64() * 1e6 / reviews,
            sending: end.own_cpu.saturating_sub(begin.own_cpu).as_secs_f64()
                / elapsed
                / threads as f64,
            latency,
        })
    })
}

/// Says when to begin and when to stop; without a time the end is when the senders have ended.
fn watch(server: &Server, shared: &Shared, until: Until) -> Outcome<(Moment, Option<Moment>)> {
    shared.connected.wait();
    let Until::Time(time) = until else {
        return Ok((shared.moment(server)?, None));
    };
    std::thread::sleep(WARM_UP);
    shared.is_measured.store(true, Ordering::Relaxed);
    let begin = shared.moment(server);
    std::thread::sleep(time);
    let end = shared.moment(server);
    shared.is_over.store(true, Ordering::Relaxed);
    Ok((begin?, Some(end?)))
}

/// One thread's connections, from their handshakes to their last answers.
fn send(
    server: &Server,
    request: &Request,
    connections: usize,
    shared: &Arc<Shared>,
) -> Outcome<Latency> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .during("start a sender")?;
    let opened = runtime.block_on(async {
        let mut opened = Vec::new();
        for _ in 0..connections {
            let mut connection = Connection::open(server).await?;
            // The first answer shows that there is nothing wrong with the request.
            connection.answered(request.clone().next()).await?;
            opened.push(connection);
        }
        Ok::<_, Failure>(opened)
    });
    // Whoever fails must not leave the others waiting.
    shared.connected.wait();
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for connection in opened? {
            tasks.spawn(keep_sending(
                connection,
                request.clone(),
                Arc::clone(shared),
            ));
        }
        let mut latency = Latency::default();
        while let Some(task) = tasks.join_next().await {
            latency.extend(task.during("send reviews")??);
        }
        Ok(latency)
    })
}

async fn keep_sending(
    mut connection: Connection,
    mut request: Request,
    shared: Arc<Shared>,
) -> Outcome<Latency> {
    let mut latency = Latency::default();
    let mut begun = Instant::now();
    while shared.take() {
        connection.answered(request.next()).await?;
        let answered = Instant::now();
        shared.answered.fetch_add(1, Ordering::Relaxed);
        if shared.is_measured.load(Ordering::Relaxed) {
            latency.add(answered - begun);
        }
        begun = answered;
    }
    Ok(latency)
}

/// A kept-alive connection.
pub(crate) struct Connection {
    stream: TlsStream<TcpStream>,
    received: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(server: &Server) -> Outcome<Self> {
        let tcp = TcpStream::connect(server.webhook).await;
        let tcp = tcp.during("connect to a server")?;
        tcp.set_nodelay(true).during("set TCP_NODELAY")?;
        let name = ServerName::try_from("localhost").during("name a server")?;
        let connector = TlsConnector::from(Arc::clone(&server.trust));
        let stream = connector.connect(name, tcp).await;
        Ok(Self {
            stream: stream.during("shake hands with a server")?,
            received: vec![0; 64 * 1024],
        })
    }

    /// Sends a request, which has to be answered.
    async fn answered(&mut self, request: &[u8]) -> Outcome {
        if self.exchange(request).await? {
            return Ok(());
        }
        Err(Failure::new("a review was shed"))
    }

    /// Sends a request and reads its response to the end: whether it was answered, or shed.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Outcome<bool> {
        let sent = self.stream.write_all(request).await;
        sent.during("send a review")?;
        self.stream.flush().await.during("send a review")?;
        let mut filled = 0;
        loop {
            let free = self.received.get_mut(filled..).unwrap_or_default();
            let count = self.stream.read(free).await.during("read an answer")?;
            filled += count;
            let received = self.received.get(..filled).unwrap_or_default();
            match length(received)? {
                Some(length) if filled >= length => return Ok(received.starts_with(OK)),
                Some(length) if length > self.received.len() => self.received.resize(length, 0),
                _ if count == 0 => return Err(Failure::new("a server closed a connection")),
                _ => {}
            }
        }
    }
}

/// The length of a whole response, once its head is there.
fn length(received: &[u8]) -> Outcome<Option<usize>> {
    let end = received.windows(4).position(|four| four == b"\r\n\r\n");
    let Some(head) = end.and_then(|end| received.get(..end)) else {
        return Ok(None);
    };
    let refused = || {
        Failure::new(format!(
            "not answered: {}",
            String::from_utf8_lossy(received)
        ))
    };
    if !head.starts_with(OK) && !head.starts_with(SHED) {
        return Err(refused());
    }
    let name = b"content-length: ";
    let value = head.windows(name.len()).position(|part| part == name);
    let value = value.and_then(|start| head.get(start + name.len()..));
    let digits = value.map(|value| value.iter().take_while(|byte| byte.is_ascii_digit()));
    let length =
        digits.map(|digits| digits.fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0')));
    let length = length.ok_or_else(refused)?;
    Ok(Some(head.len() + 4 + length))
}
