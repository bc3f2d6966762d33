//! Mixed load with faults, for as long as `PILLION_SOAK_SECONDS` says: every request is answered as what it
//! is, probes are answered, and the memory does not grow. A table of how it went is printed: twelve rows,
//! however long it takes.

use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustls::ClientConfig;

use crate::server::REVIEW;
use crate::server::certificates::{Mount, made};
use crate::server::client::{Response, Tls, plain, tls, trusting};
use crate::server::process::{Server, wait_for};

/// How long it takes in `make test`.
const SHORT: Duration = Duration::from_secs(6);

/// How long a probe may take on a machine that does much else.
const PROBE: Duration = Duration::from_secs(10);

/// What the server may have in memory in the end: what the design gives it, and what a debug build takes.
const MEMORY: u64 = 160 * 1024 * 1024;

fn duration() -> Duration {
    let seconds = std::env::var("PILLION_SOAK_SECONDS").ok();
    seconds.map_or(SHORT, |text| Duration::from_secs(text.parse().unwrap()))
}

/// How many rows the table has.
const ROWS: u32 = 12;

/// How it went since the last row.
#[derive(Default)]
struct Row {
    /// How long each request took.
    requests: Vec<Duration>,
    /// The longest that a probe took.
    probe: Duration,
}

impl Row {
    fn print(&mut self, at: Duration, resident: u64) {
        self.requests.sort_unstable();
        let part = |part: usize| {
            let count = self.requests.len();
            self.requests
                .get((count * part / 1000).min(count.saturating_sub(1)))
                .copied()
                .unwrap_or_default()
        };
        println!(
            "| {:.0} s | {} | {:.1?} | {:.1?} | {:.1?} | {} KiB |",
            at.as_secs_f64(),
            self.requests.len(),
            part(500),
            part(990),
            self.probe,
            resident >> 10
        );
        *self = Self::default();
    }
}

/// A review of a pod that asks for the template `one`, and is like no other.
fn asking(number: u64, containers: usize) -> String {
    let container =
        |index: usize| format!(r#"{{"name":"c{index}","image":"example.org/app:{number}"}}"#);
    let containers: Vec<_> = (0..containers).map(container).collect();
    let pod = format!(r#"{{"name":"web-{number}","annotations":{{"pillion.dev/inject":"one"}}}}"#);
    REVIEW
        .replace(
            r#"{"name":"app","image":"example.org/app:1"}"#,
            &containers.join(","),
        )
        .replace(r#"{"name":"web"}"#, &pod)
}

fn write_template(folder: &Path, number: u64) {
    let text = format!(
        "apiVersion: pillion.dev/v1alpha1\nkind: ClusterInjectionTemplate\nmetadata: {{name: one}}\nspec:\n  \
         pattern: Sidecar\n  sidecars: [{{name: one, image: \"example.org/one:{number}\"}}]\n"
    );
    let beside = folder.join(".beside");
    std::fs::write(&beside, text).unwrap();
    std::fs::rename(beside, folder.join("one.yaml")).unwrap();
}

/// One request of some kind on a connection, and whether it was answered as what it is.
fn ask(connection: &mut Tls, number: u64) {
    let answer: Response = match number % 5 {
        0 => connection.review(REVIEW),
        1 => connection.review("{\"apiVersion\":"),
        2 => connection.advise(REVIEW),
        3 => connection.review(&asking(number, 1)),
        // Above the size that is decided where it is read.
        _ if number.is_multiple_of(10) => {
            connection.review(&(asking(number, 900) + &" ".repeat(300_000)))
        }
        _ => connection.review(&asking(number, 40)),
    }
    .unwrap();
    let is_right = match (number % 5, answer.status) {
        (1, 400) => true,
        (3 | 4, 200) => answer.body.contains("\"patch\":"),
        (0 | 2, 200) => !answer.body.contains("\"patch\":"),
        // A server that is too busy for it says so, and when to come again.
        (_, 429) => answer.header("retry-after") == "1",
        _ => false,
    };
    assert!(is_right, "request {number}: {answer:?}");
}

/// Asks until it is over, on a connection that is kept for a while.
fn load(server: &Server, config: &Arc<ClientConfig>, progress: &Progress) {
    while !progress.is_over.load(Ordering::Relaxed) {
        let mut connection = tls(server.webhook, config).unwrap();
        for _ in 0..20 {
            let before = Instant::now();
            ask(
                &mut connection,
                progress.asked.fetch_add(1, Ordering::Relaxed),
            );
            progress.row.lock().unwrap().requests.push(before.elapsed());
        }
    }
}

/// What the load has done, and whether it is to end.
#[derive(Default)]
struct Progress {
    is_over: AtomicBool,
    asked: AtomicU64,
    row: Mutex<Row>,
}

/// A neighbour's connections: silent ones, and bodies that never end. They close when this is dropped.
fn neighbour(server: &Server, config: &Arc<ClientConfig>) -> (Vec<TcpStream>, Vec<Tls>) {
    let head = "POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 6000000\r\n\r\n";
    let unfinished = (0..3).map(|_| {
        let mut connection = tls(server.webhook, config).unwrap();
        connection.send(head).unwrap();
        connection.send(&" ".repeat(100_000)).unwrap();
        connection
    });
    let unfinished = unfinished.collect();
    let silent = (0..30).map(|_| TcpStream::connect(server.webhook).unwrap());
    (silent.collect(), unfinished)
}

#[test]
fn mixed_load_with_faults_is_answered_and_takes_no_more_memory() {
    let templates = tempfile::tempdir().unwrap();
    write_template(templates.path(), 0);
    let (mount, pairs) = (Mount::new(), [made(), made()]);
    mount.publish("..0", &pairs[0], &pairs[0]);
    let server = mount.serve(&[
        "--templates",
        &templates.path().display().to_string(),
        "--templates-poll-seconds=1",
    ]);
    let authorities = [&pairs[0], &pairs[1]].map(|pair| pair.authority_pem.as_str());
    let config = trusting(&authorities, &["http/1.1"]);
    let progress = Progress::default();
    println!(
        "| at | requests | median | 99 % | slowest probe | memory |\n|---|---|---|---|---|---|"
    );
    let (started, all) = (Instant::now(), duration());
    let mut slowest = Duration::ZERO;
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| load(&server, &config, &progress)))
            .collect();
        let (mut version, mut rows) = (0, 0);
        while started.elapsed() < all && workers.iter().all(|worker| !worker.is_finished()) {
            version += 1;
            let pair = &pairs[version % 2];
            mount.publish(&format!("..{version}"), pair, pair);
            write_template(templates.path(), version as u64);
            let held = neighbour(&server, &config);
            let until = progress.asked.load(Ordering::Relaxed) + 60;
            wait_for("the load to go on", || {
                let before = Instant::now();
                let answer = plain(server.admin).unwrap().get("/healthz").unwrap();
                assert_eq!(answer.status, 200);
                let taken = before.elapsed();
                slowest = slowest.max(taken);
                let mut row = progress.row.lock().unwrap();
                row.probe = row.probe.max(taken);
                let is_done = workers
                    .iter()
                    .any(std::thread::ScopedJoinHandle::is_finished);
                (is_done || progress.asked.load(Ordering::Relaxed) >= until).then_some(())
            });
            drop(held);
            if started.elapsed() >= all * (rows + 1) / ROWS {
                rows += 1;
                let mut row = progress.row.lock().unwrap();
                row.print(started.elapsed(), server.resident());
            }
        }
        progress.is_over.store(true, Ordering::Relaxed);
    });
    let (asked, resident) = (progress.asked.into_inner(), server.resident());
    println!(
        "{asked} requests in {all:?}, {} KiB, slowest probe {slowest:?}",
        resident >> 10
    );
    assert!(asked > 100, "{asked}");
    assert!(slowest < PROBE, "{slowest:?}");
    assert!(resident < MEMORY, "{} KiB", resident >> 10);
    let panics = server.log().matches("panic").count();
    assert_eq!(panics, 0, "{}", server.log());
}
