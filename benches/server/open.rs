//! An open loop: reviews are due at fixed times, whether or not earlier ones are answered.
//!
//! The time of an answer counts from when its review was due. A server that stands still for a moment
//! so pays for every review of that moment, where a closed loop would only ask later (coordinated
//! omission). Threads that block keep the times; a runtime's timers are exact to a millisecond.

use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Barrier, OnceLock};
use std::time::{Duration, Instant};

use rustix::thread::set_current_timer_slack;

use super::client;
use super::failure::{During, Failure, Outcome};
use super::latency::Latency;
use super::process::Server;
use super::requests::Request;

/// Connections, each with a thread: as many reviews can wait for their answers at once, and what is
/// due beyond them waits to be sent.
const CONNECTIONS: usize = 16;

/// Sends a request so often in a second, and returns the times of the answers.
pub(crate) fn run(
    server: &Server,
    request: &Request,
    rate: u32,
    time: Duration,
) -> Outcome<Latency> {
    let next = AtomicU32::new(0);
    let begun = OnceLock::new();
    let connected = Barrier::new(CONNECTIONS);
    let count = (time.as_secs_f64() * f64::from(rate)) as u32;
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                scope.spawn(|| {
                    let opened = open(server, request);
                    // Whoever fails must not leave the others waiting.
                    connected.wait();
                    let begun = *begun.get_or_init(Instant::now);
                    let next = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|n| *n < count);
                    let due = || Some(begun + Duration::from_secs(1) / rate * next()?);
                    send(opened?, request, due)
                })
            })
            .collect();
        let mut latency = Latency::default();
        for thread in threads {
            let sent = thread.join();
            latency.extend(sent.map_err(|_| Failure::new("a sender panicked"))??);
        }
        Ok(latency)
    })
}

/// A connection whose first review is answered.
fn open(server: &Server, request: &Request) -> Outcome<client::Tls> {
    // The kernel may let a sleeper sleep 50 µs longer than it wanted to.
    set_current_timer_slack(NonZeroU64::new(1)).during("make timers exact")?;
    let mut connection = client::tls(server.webhook, &server.trust).during("connect")?;
    exchange(&mut connection, &mut request.clone())?;
    Ok(connection)
}

/// Sends each review that falls to this connection when it is due, or at once if that is over.
fn send(
    mut connection: client::Tls,
    request: &Request,
    next_due: impl Fn() -> Option<Instant>,
) -> Outcome<Latency> {
    let mut request = request.clone();
    let mut latency = Latency::default();
    while let Some(due) = next_due() {
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        exchange(&mut connection, &mut request)?;
        latency.add(due.elapsed());
    }
    Ok(latency)
}

/// Sends a review and reads its answer.
pub(crate) fn exchange(connection: &mut client::Tls, request: &mut Request) -> Outcome {
    let sent = connection.send_bytes(request.next());
    let answer = sent.and_then(|()| connection.response());
    let answer = answer.during("send a review")?;
    if answer.status == 200 {
        return Ok(());
    }
    Err(Failure::new(format!("not answered: {answer:?}")))
}
