//! Twice as many reviews as a server can answer: how many it answers then, and whether its probes are.
//!
//! Reviews are due at fixed times, over so many connections; what is due while all of them wait is sent
//! late. One thread sends, as in the closed loops, so that the peak and the overload are measured alike.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::client;
use super::closed::Connection;
use super::failure::{During, Failure, Outcome};
use super::latency::Latency;
use super::process::Server;
use super::requests::Request;

/// How long the server may take: the `?timeout=` of the requests.
const DEADLINE: Duration = Duration::from_secs(10);

/// How often a probe comes.
const PROBES: Duration = Duration::from_millis(5);

/// What came of it.
pub(crate) struct Overload {
    /// Reviews answered within their deadline in a second.
    pub(crate) goodput: f64,
    /// Reviews answered with 429 in a second.
    pub(crate) shed: f64,
    /// How long `/healthz` took meanwhile.
    pub(crate) probes: Latency,
}

/// When reviews are due, and what came of those that were sent.
struct Schedule {
    begun: Instant,
    time: Duration,
    /// Reviews a second.
    rate: f64,
    next: AtomicU64,
    answered: AtomicU64,
    shed: AtomicU64,
}

impl Schedule {
    /// When the next review is due; `None` after the end.
    fn next(&self) -> Option<Instant> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let after = Duration::from_secs_f64(number as f64 / self.rate);
        let is_over = after >= self.time || self.begun.elapsed() >= self.time;
        (!is_over).then(|| self.begun + after)
    }
}

/// Sends a request at this rate over so many connections.
pub(crate) fn run(
    server: &Server,
    request: &Request,
    connections: usize,
    (rate, time): (f64, Duration),
) -> Outcome<Overload> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .during("start a sender")?;
    let opened = runtime.block_on(async {
        let mut opened = Vec::with_capacity(connections);
        for _ in 0..connections {
            opened.push(Connection::open(server).await?);
        }
        Ok::<_, Failure>(opened)
    })?;
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let probing = scope.spawn(|| probe(server, &is_over));
        let sent = runtime.block_on(send(opened, request, (rate, time)));
        is_over.store(true, Ordering::Relaxed);
        let probes = probing.join();
        let probes = probes.map_err(|_| Failure::new("the probing panicked"))??;
        let schedule = sent?;
        let elapsed = schedule.begun.elapsed().as_secs_f64();
        let a_second = |count: &AtomicU64| count.load(Ordering::Relaxed) as f64 / elapsed;
        Ok(Overload {
            goodput: a_second(&schedule.answered),
            shed: a_second(&schedule.shed),
            probes,
        })
    })
}

async fn send(
    opened: Vec<Connection>,
    request: &Request,
    (rate, time): (f64, Duration),
) -> Outcome<Arc<Schedule>> {
    let schedule = Arc::new(Schedule {
        begun: Instant::now(),
        time,
        rate,
        next: AtomicU64::new(0),
        answered: AtomicU64::new(0),
        shed: AtomicU64::new(0),
    });
    let mut tasks = JoinSet::new();
    for connection in opened {
        tasks.spawn(keep_sending(
            connection,
            request.clone(),
            Arc::clone(&schedule),
        ));
    }
    while let Some(task) = tasks.join_next().await {
        task.during("send reviews")??;
    }
    Ok(schedule)
}

async fn keep_sending(
    mut connection: Connection,
    mut request: Request,
    schedule: Arc<Schedule>,
) -> Outcome {
    while let Some(due) = schedule.next() {
        tokio::time::sleep_until(due.into()).await;
        let sent = Instant::now();
        let count = match connection.exchange(request.next()).await? {
            true if sent.elapsed() <= DEADLINE => &schedule.answered,
            true => continue,
            false => &schedule.shed,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// Asks whether the server lives until it is over.
fn probe(server: &Server, is_over: &AtomicBool) -> Outcome<Latency> {
    let admin = server.admin;
    let admin = admin.ok_or_else(|| Failure::new("the server has no admin port"))?;
    let mut latency = Latency::default();
    while !is_over.load(Ordering::Relaxed) {
        let begun = Instant::now();
        // The kubelet opens a connection for each probe.
        let mut connection = client::plain(admin).during("connect to the admin port")?;
        let answer = connection.get("/healthz").during("probe a server")?;
        if answer.status != 200 {
            return Err(Failure::new(format!("/healthz: {}", answer.status)));
        }
        latency.add(begun.elapsed());
        std::thread::sleep(PROBES);
    }
    Ok(latency)
}
