//! What neighbours on the network, and reviews that take long, cannot take from others.

use std::net::{Ipv4Addr, SocketAddr, TcpStream as StdStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustls::ClientConfig;
use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::Runtime;

use crate::server::REVIEW;
use crate::server::client::{plain, tls, trusting};
use crate::server::process::{Server, wait_for};

/// How long a probe may take on a machine that does much else; its timeout in the chart is 2 s.
const PROBE: Duration = Duration::from_secs(1);

/// How long a probe took.
fn probe(server: &Server) -> Duration {
    let started = Instant::now();
    let answer = plain(server.admin).unwrap().get("/healthz").unwrap();
    assert_eq!(answer.status, 200);
    started.elapsed()
}

fn reviews(server: &Server, config: &Arc<ClientConfig>) -> bool {
    let connection = tls(server.webhook, config);
    let answer = connection.and_then(|mut connection| connection.review(REVIEW));
    answer.is_ok_and(|answer| answer.status == 200)
}

/// Lets this process have as many open files as it may.
fn raise_open_files(wanted: u64) {
    let limits = getrlimit(Resource::Nofile);
    assert!(
        limits.maximum.is_none_or(|maximum| maximum >= wanted),
        "{limits:?}"
    );
    let raised = Rlimit {
        current: limits.maximum,
        maximum: limits.maximum,
    };
    setrlimit(Resource::Nofile, raised).unwrap();
}

/// Opens connections from an address of loopback that never send a byte.
async fn silent(from: Ipv4Addr, to: SocketAddr, count: usize) -> Vec<TcpStream> {
    let mut streams = Vec::new();
    for _ in 0..count {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((from, 0).into()).unwrap();
        streams.push(socket.connect(to).await.unwrap());
    }
    streams
}

#[test]
fn silent_connections_of_a_neighbour_shut_nobody_out() {
    raise_open_files(8192);
    let server = Server::start(&[]);
    let config = trusting(&[&server.authority()], &["http/1.1"]);
    let runtime = Runtime::new().unwrap();
    let neighbour = Ipv4Addr::new(127, 0, 0, 2);
    let streams = runtime.block_on(silent(neighbour, server.webhook, 4100));
    wait_for("refused connections", || {
        (server.metric("pillion_connections_refused_total") >= 2000.0).then_some(())
    });
    assert!(reviews(&server, &config), "{}", server.log());
    assert!(probe(&server) < PROBE);
    drop(streams);
}

#[test]
fn probes_are_answered_when_no_connection_is_left() {
    let server = Server::start_with_open_files(256);
    let raised = server.logged("limit of open files").unwrap();
    assert_eq!(
        (&raised["before"], &raised["open_files"]),
        (&128.into(), &256.into())
    );
    let config = trusting(&[&server.authority()], &["http/1.1"]);
    assert!(reviews(&server, &config));
    let streams: Vec<_> = (0..300)
        .map(|_| StdStream::connect(server.webhook).unwrap())
        .collect();
    wait_for("refused connections", || {
        (server.metric("pillion_connections_refused_total") >= 200.0).then_some(())
    });
    assert!(probe(&server) < PROBE);
    drop(streams);
    wait_for("a review after that", || {
        reviews(&server, &config).then_some(())
    });
}

#[test]
fn unfinished_bodies_take_a_bounded_part_of_the_memory() {
    const BODY: usize = 6 * 1024 * 1024;
    let server = Server::start(&[]);
    let config = trusting(&[&server.authority()], &["http/1.1"]);
    let before = server.resident();
    let head = "POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json";
    let head = format!("{head}\r\nContent-Length: 7000000\r\n\r\n");
    let piece = vec![b' '; 64 * 1024];
    let connections: Vec<_> = (0..40)
        .map(|_| {
            let mut connection = tls(server.webhook, &config).unwrap();
            connection.send(&head).unwrap();
            // One that is refused is closed before all was sent.
            let sent = (0..BODY / piece.len()).all(|_| connection.send_bytes(&piece).is_ok());
            (connection, sent)
        })
        .collect();
    let taken = server.resident().saturating_sub(before);
    assert!(taken < 96 * 1024 * 1024, "{taken} bytes");
    wait_for("rejections", || {
        let metrics = plain(server.admin).unwrap().get("/metrics").unwrap().body;
        metrics
            .contains("pillion_http_rejections_total{code=\"429\"} 3")
            .then_some(())
    });
    assert!(probe(&server) < PROBE);
    drop(connections);
    wait_for("room for a review", || {
        reviews(&server, &config).then_some(())
    });
}

/// A review of a pod with so many containers that deciding about it takes long.
fn slow_review(containers: usize) -> String {
    let container = |number| format!(r#"{{"name":"c{number}","image":"example.org/app:1"}}"#);
    let containers: Vec<_> = (0..containers).map(container).collect();
    REVIEW
        .replace(
            r#"{"name":"app","image":"example.org/app:1"}"#,
            &containers.join(","),
        )
        .replace(
            r#"{"name":"web"}"#,
            r#"{"name":"web","annotations":{"pillion.dev/inject":"log-shipper"}}"#,
        )
}

#[test]
fn probes_do_not_wait_for_reviews() {
    let server = Server::start(&["--decision-cache-mib=0"]);
    let config = trusting(&[&server.authority()], &["http/1.1"]);
    let review = slow_review(400);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..24 {
            scope.spawn(|| {
                let mut connection = tls(server.webhook, &config).unwrap();
                while !is_over.load(Ordering::Relaxed) {
                    // A review that is shed, or comes too late, is answered, too.
                    let status = connection.review(&review).unwrap().status;
                    assert!([200, 408, 429].contains(&status), "{status}");
                }
            });
        }
        let probes = (0..40).map(|_| {
            std::thread::sleep(Duration::from_millis(50));
            probe(&server)
        });
        let slowest = probes.max().unwrap();
        is_over.store(true, Ordering::Relaxed);
        assert!(slowest < PROBE, "{slowest:?}");
    });
}
