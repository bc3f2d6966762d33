//! A log that cannot be written costs lines and nothing else.

use crate::server::REVIEW;
use crate::server::client::{plain, tls, trusting};
use crate::server::process::{Log, Server};

/// Enough that their lines fill the pipe of a log (64 KiB) several times.
const REVIEWS: usize = 1000;

/// Serves, answers probes and ends, with a line of the log for each review.
fn serves_and_ends(log: Log) -> Server {
    let mut server = Server::start_unlogged(log, &["--log-level=debug", "--drain-seconds=0"]);
    let config = trusting(&[&server.authority()], &["http/1.1"]);
    let mut kept = tls(server.webhook, &config).unwrap();
    for _ in 0..REVIEWS {
        assert_eq!(kept.review(REVIEW).unwrap().status, 200);
    }
    // Handshakes log, too.
    let mut fresh = tls(server.webhook, &config).unwrap();
    assert_eq!(fresh.review(REVIEW).unwrap().status, 200);
    for path in ["/healthz", "/readyz"] {
        assert_eq!(plain(server.admin).unwrap().get(path).unwrap().status, 200);
    }
    assert!(server.ended().is_none());
    server
}

#[test]
fn a_log_that_nobody_reads_holds_up_nothing() {
    let mut server = serves_and_ends(Log::Unread);
    server.terminate();
    assert_eq!(server.exit_code(), Some(0));
}

#[test]
fn a_log_whose_reader_is_gone_ends_nothing() {
    let mut server = serves_and_ends(Log::Closed);
    assert!(server.metric("pillion_log_lines_lost_total") >= 1.0);
    server.terminate();
    assert_eq!(server.exit_code(), Some(0));
}

#[test]
fn a_server_starts_and_serves_with_its_log_on_a_full_disk() {
    let mut server = serves_and_ends(Log::Full);
    assert!(server.metric("pillion_log_lines_lost_total") >= 1.0);
    server.terminate();
    assert_eq!(server.exit_code(), Some(0));
}
