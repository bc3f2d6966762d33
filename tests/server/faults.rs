//! What happens to the server from outside: it is stopped, its clock jumps, its templates vanish.

use std::fs;
use std::io::ErrorKind;
use std::process::Command;
use std::time::Duration;

use crate::server::REVIEW;
use crate::server::client::{plain, tls, trusting};
use crate::server::process::{Server, wait_for};

#[test]
fn a_stopped_replica_answers_nothing_and_everything_that_waits_when_it_goes_on() {
    let server = Server::start(&[]);
    let config = trusting(&[&server.authority()], &["http/1.1"]);
    let mut kept = tls(server.webhook, &config).unwrap();
    assert_eq!(kept.review(REVIEW).unwrap().status, 200);
    server.stop();
    let head = "POST /mutate?timeout=30s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json";
    let head = format!("{head}\r\nContent-Length: {}\r\n\r\n", REVIEW.len());
    kept.send(&head).unwrap();
    kept.send(REVIEW).unwrap();
    kept.read_for(Duration::from_millis(300));
    let silence = kept.response().unwrap_err();
    let kinds = [ErrorKind::WouldBlock, ErrorKind::TimedOut];
    assert!(kinds.contains(&silence.kind()), "{silence}");
    // The kernel takes the connection, and nobody answers: what a liveness probe sees.
    let mut probe = plain(server.admin).unwrap();
    probe.read_for(Duration::from_millis(300));
    assert!(probe.get("/healthz").is_err());

    server.signal("CONT");
    kept.read_for(Duration::from_secs(40));
    assert_eq!(kept.response().unwrap().status, 200, "what waited");
    assert_eq!(kept.review(REVIEW).unwrap().status, 200, "what comes then");
    wait_for("a probe", || {
        let answer = plain(server.admin).ok()?.get("/healthz").ok()?;
        (answer.status == 200).then_some(())
    });
}

/// A clock that is set by a file, for a process that loads it first.
const CLOCK: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *)) dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, now);
    long seconds = 0;
    FILE *file = clock == CLOCK_REALTIME ? fopen(getenv("CLOCK_OFFSET"), "r") : NULL;
    if (file) {
        if (fscanf(file, "%ld", &seconds) == 1) now->tv_sec += seconds;
        fclose(file);
    }
    return result;
}
"#;

const DAY: i64 = 24 * 60 * 60;

#[test]
fn a_clock_that_jumps_ends_no_service_and_tells_an_expired_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let [source, library, offset] =
        ["clock.c", "clock.so", "offset"].map(|it| folder.path().join(it));
    fs::write(&source, CLOCK).unwrap();
    let mut compiler = Command::new("cc");
    compiler
        .args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(&source)
        .arg("-ldl");
    let compiled = compiler.output().unwrap();
    assert!(compiled.status.success(), "{compiled:?}");
    // Moved into its place, so that nobody reads half a number.
    let jump = |days: i64| {
        let beside = folder.path().join("beside");
        fs::write(&beside, (days * DAY).to_string()).unwrap();
        fs::rename(beside, &offset).unwrap();
    };
    jump(0);
    let server =
        Server::start_with_environment(&[("LD_PRELOAD", &library), ("CLOCK_OFFSET", &offset)]);
    let config = trusting(&[&server.authority()], &["http/1.1"]);
    let mut kept = tls(server.webhook, &config).unwrap();
    let mut answers = || {
        assert_eq!(kept.review(REVIEW).unwrap().status, 200);
        let mut fresh = tls(server.webhook, &config).unwrap();
        assert_eq!(fresh.review(REVIEW).unwrap().status, 200);
        plain(server.admin).unwrap().get("/readyz").unwrap()
    };
    assert_eq!(answers().status, 200);
    for (days, status) in [(36_500, 503), (0, 200), (-400, 200), (0, 200)] {
        jump(days);
        let ready = wait_for(&format!("readiness {days} days away"), || {
            Some(answers()).filter(|ready| ready.status == status)
        });
        assert_eq!(
            ready.body.contains("certificate"),
            status == 503,
            "{}",
            ready.body
        );
    }
}
