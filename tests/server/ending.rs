//! How the server ends: without losing a request, or at once when told twice.

use std::time::{Duration, Instant};

use crate::server::REVIEW;
use crate::server::client::{plain, tls, trusting};
use crate::server::process::{Server, wait_for};

fn wait_until_not_ready(server: &Server) {
    let answer = wait_for("readiness to go", || {
        let answer = plain(server.admin).ok()?.get("/readyz").ok()?;
        (answer.status == 503).then_some(answer)
    });
    assert_eq!(answer.body, "not ready: shutdown: the server is ending\n");
}

#[test]
fn a_signal_drains_without_losing_a_request() {
    let mut server = Server::start(&["--drain-seconds=3", "--shutdown-seconds=30"]);
    let config = trusting(&[&server.authority()], &["http/1.1"]);
    let connect = || tls(server.webhook, &config).unwrap();
    let (mut kept, mut busy, mut late) = (connect(), connect(), connect());
    for connection in [&mut kept, &mut busy, &mut late] {
        let answer = connection.review(REVIEW).unwrap();
        assert_eq!((answer.status, answer.header("connection")), (200, ""));
    }
    let head = "POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json";
    let head = format!("{head}\r\nContent-Length: {}\r\n\r\n", REVIEW.len());
    let (front, rest) = REVIEW.split_at(20);
    for connection in [&mut busy, &mut late] {
        connection.send(&head).unwrap();
        connection.send(front).unwrap();
    }

    server.terminate();
    let started = Instant::now();
    wait_until_not_ready(&server);
    busy.send(rest).unwrap();
    let mut fresh = tls(server.webhook, &config).unwrap();
    let answers = [busy.response(), kept.review(REVIEW), fresh.review(REVIEW)];
    for answer in answers {
        let answer = answer.unwrap();
        assert_eq!((answer.status, answer.header("connection")), (200, "close"));
    }
    assert!(kept.is_closed());
    wait_for("the webhook port to close", || {
        tls(server.webhook, &config).is_err().then_some(())
    });
    assert!(
        started.elapsed() >= Duration::from_secs(2),
        "closed too early"
    );
    assert!(server.ended().is_none(), "a request is still open");
    late.send(rest).unwrap();
    let answer = late.response().unwrap();
    assert_eq!((answer.status, answer.header("connection")), (200, "close"));
    assert_eq!(server.exit_code(), Some(0));
}

#[test]
fn a_request_that_never_ends_is_cut_at_the_deadline() {
    let mut server = Server::start(&["--drain-seconds=0", "--shutdown-seconds=2"]);
    let config = trusting(&[&server.authority()], &["http/1.1"]);
    let mut connection = tls(server.webhook, &config).unwrap();
    assert_eq!(connection.review(REVIEW).unwrap().status, 200);
    let head = "POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json";
    connection
        .send(&format!("{head}\r\nContent-Length: 99\r\n\r\n{{"))
        .unwrap();
    server.terminate();
    assert_eq!(server.exit_code(), Some(0));
    let cut = server.logged("cut connections at the deadline");
    assert!(cut.is_some(), "{}", server.log());
}

#[test]
fn a_second_signal_ends_at_once() {
    let mut server = Server::start(&["--drain-seconds=300", "--shutdown-seconds=600"]);
    server.terminate();
    wait_until_not_ready(&server);
    server.terminate();
    assert_eq!(server.exit_code(), Some(1));
    wait_for("the reason", || {
        server
            .log()
            .contains("error: ended at once by a second signal, with 0 connections open")
            .then_some(())
    });
}

#[test]
fn a_hangup_drains_like_a_termination() {
    let mut server = Server::start(&["--drain-seconds=1", "--shutdown-seconds=30"]);
    server.signal("HUP");
    wait_until_not_ready(&server);
    assert_eq!(server.exit_code(), Some(0));
    assert_eq!(server.logged("draining").unwrap()["signal"], "SIGHUP");
}
