//! A closed loop: so many connections, each of which sends its next review when the last one is
//! answered.
//!
//! The generator shares the machine with the server, so it does little: a request's bytes are made
//! once, a response is read by its length, and its time is kept as a number in a list.

use std::sync::atomic::{AtomicU64, Ordering};
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
use super::process::Server;

/// Threads that send; more would take the server's processors.
const THREADS: usize = 1;

/// How long is sent before anything is counted.
const WARM_UP: Duration = Duration::from_millis(150);

/// The status line of an answer.
const OK: &[u8] = b"HTTP/1.1 200 ";

/// When to stop.
#[derive(Debug, Clone, Copy)]
pub enum Until {
    /// After this time, which begins after a warm-up.
    Time(Duration),
    /// After so many reviews.
    Count(u64),
}

/// What came of it.
pub struct Round {
    /// Reviews answered in a second.
    pub throughput: f64,
    /// CPU time of the server for each review, in microseconds.
    pub cpu: f64,
    /// How long answers took.
    pub latency: Latency,
}

/// Sends a request again and again over so many connections.
pub fn run(
    server: &Server,
    request: &Arc<[u8]>,
    connections: usize,
    until: Until,
) -> Outcome<Round> {
    let threads = THREADS.min(connections);
    let connected = Barrier::new(threads + 1);
    let left = Arc::new(AtomicU64::new(match until {
        Until::Count(count) => count,
        Until::Time(_) => u64::MAX,
    }));
    std::thread::scope(|scope| {
        let senders: Vec<_> = (0..threads)
            .map(|thread| {
                let share = connections / threads + usize::from(thread < connections % threads);
                let (left, connected) = (Arc::clone(&left), &connected);
                scope.spawn(move || send(server, request, share, (until, left), connected))
            })
            .collect();
        connected.wait();
        let before = match until {
            Until::Time(_) => {
                std::thread::sleep(WARM_UP);
                server.cpu()
            }
            Until::Count(_) => server.cpu(),
        };
        let begun = Instant::now();
        if let Until::Time(time) = until {
            std::thread::sleep(time);
        }
        let (at_end, elapsed) = (server.cpu(), begun.elapsed());
        let mut latency = Latency::default();
        for sender in senders {
            let sent = sender
                .join()
                .map_err(|_| Failure::new("a sender panicked"))?;
            latency.extend(sent?);
        }
        let (at_end, elapsed) = match until {
            Until::Time(_) => (at_end, elapsed),
            Until::Count(_) => (server.cpu(), begun.elapsed()),
        };
        let reviews = latency.count();
        Ok(Round {
            throughput: reviews / elapsed.as_secs_f64(),
            cpu: (at_end? - before?).as_secs_f64() * 1e6 / reviews,
            latency,
        })
    })
}

/// One thread's connections, from their handshakes to their last answers.
fn send(
    server: &Server,
    request: &Arc<[u8]>,
    connections: usize,
    (until, left): (Until, Arc<AtomicU64>),
    connected: &Barrier,
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
            connection.exchange(request).await?;
            opened.push(connection);
        }
        Ok::<_, Failure>(opened)
    });
    // Whoever fails must not leave the others waiting.
    connected.wait();
    let now = Instant::now();
    let (from, to) = match until {
        Until::Time(time) => (now + WARM_UP, Some(now + WARM_UP + time)),
        Until::Count(_) => (now, None),
    };
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for mut connection in opened? {
            let (request, left) = (Arc::clone(request), Arc::clone(&left));
            tasks.spawn(async move {
                let mut latency = Latency::default();
                let mut begun = Instant::now();
                while to.is_none_or(|to| begun < to) && take(&left) {
                    connection.exchange(&request).await?;
                    let answered = Instant::now();
                    if answered >= from && to.is_none_or(|to| answered <= to) {
                        latency.add(answered - begun);
                    }
                    begun = answered;
                }
                Ok::<_, Failure>(latency)
            });
        }
        let mut latency = Latency::default();
        while let Some(task) = tasks.join_next().await {
            latency.extend(task.during("send reviews")??);
        }
        Ok(latency)
    })
}

/// Takes one review of those that are left.
fn take(left: &AtomicU64) -> bool {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
        left.checked_sub(1)
    })
    .is_ok()
}

/// A kept-alive connection.
struct Connection {
    stream: TlsStream<TcpStream>,
    received: Vec<u8>,
}

impl Connection {
    async fn open(server: &Server) -> Outcome<Self> {
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

    /// Sends a request and reads its response to the end.
    async fn exchange(&mut self, request: &[u8]) -> Outcome {
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
                Some(length) if filled >= length => return Ok(()),
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
    if !head.starts_with(OK) {
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
