//! Connections that are opened for one review each, with a full handshake.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::client;
use super::failure::{During, Failure, Outcome};
use super::latency::Latency;
use super::open::exchange;
use super::process::Server;
use super::requests::Request;

/// Connections that are opened at once.
const THREADS: usize = 4;

/// New connections in a second, each with a first review.
pub(crate) fn rate(server: &Server, request: &Request, count: usize) -> Outcome<f64> {
    let taken = AtomicUsize::new(0);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let open = || {
            let mut request = request.clone();
            while taken.fetch_add(1, Ordering::Relaxed) < count {
                let connection = client::tls(server.webhook, &server.trust);
                exchange(&mut connection.during("connect")?, &mut request)?;
            }
            Ok(())
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(open)).collect();
        threads.into_iter().try_for_each(|thread| {
            let opened = thread.join();
            opened.map_err(|_| Failure::new("a sender panicked"))?
        })
    })?;
    Ok(count as f64 / begun.elapsed().as_secs_f64())
}

/// How long the first answers of fresh connections take: from when the handshake is done, and from
/// before the connection was opened.
pub(crate) fn first_answers(
    server: &Server,
    request: &Request,
    count: usize,
) -> Outcome<(Latency, Latency)> {
    let (mut answers, mut wholes) = (Latency::default(), Latency::default());
    let mut request = request.clone();
    for _ in 0..count {
        let begun = Instant::now();
        let connection = client::tls(server.webhook, &server.trust);
        let mut connection = connection.during("connect")?;
        let connected = Instant::now();
        exchange(&mut connection, &mut request)?;
        answers.add(connected.elapsed());
        wholes.add(begun.elapsed());
    }
    Ok((answers, wholes))
}
