//! No answer waits for an acknowledgement.
//!
//! With Nagle's algorithm a small segment waits until the one before it is acknowledged, and the
//! client's kernel acknowledges after 40 ms where it has nothing to send. After a TLS handshake the
//! one before is the session tickets', so that the first answer of every connection would be late.
//! Nothing would fail, and every pod would take longer: so the delay is measured here, by a measure
//! that is shown to see it.
//!
//! The client sends its first request in one segment with the end of its handshake. Sent a moment
//! later, it would acknowledge the tickets by chance, and half of the delays would not be seen.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::post;
use axum_server::accept::{Accept, DefaultAcceptor, NoDelayAcceptor};
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use pillion::tls::{Pair, Store, development, install_provider, server_config};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

use crate::server::REVIEW;
use crate::server::client::{Tls, tls_sending, trusting};
use crate::server::process::Server;

/// Fresh connections.
const TIMES: usize = 25;

/// Requests on a connection of HTTP/2, one after the other.
const STREAMS: u32 = 5;

/// Half of the kernel's shortest delay of an acknowledgement; an answer takes a tenth of it.
const PROMPT: Duration = Duration::from_millis(20);

/// Nearly the whole of that delay, 40 ms.
const DELAYED: Duration = Duration::from_millis(30);

#[test]
fn the_first_answer_of_a_connection_does_not_wait() {
    let server = Server::start(&[]);
    let first = first_answers(server.webhook, &server.authority());
    assert!(first < PROMPT, "{first:?}");
}

#[test]
fn answers_over_http2_do_not_wait_one_stream_after_another() {
    let server = Server::start(&[]);
    let (first, later) = streams(server.webhook, &server.authority());
    assert!(first < PROMPT, "the first on a connection: {first:?}");
    assert!(later < PROMPT, "later ones: {later:?}");
}

#[test]
fn the_measure_sees_the_delay_without_nodelay() {
    let server = Bare::start(DefaultAcceptor::new());
    let first = first_answers(server.address, &server.authority);
    assert!(first > DELAYED, "{first:?}");
    let (first, _) = streams(server.address, &server.authority);
    assert!(first > DELAYED, "over HTTP/2: {first:?}");
}

#[test]
fn what_the_measure_sees_is_gone_with_nodelay_alone() {
    let server = Bare::start(NoDelayAcceptor::new());
    let first = first_answers(server.address, &server.authority);
    assert!(first < PROMPT, "{first:?}");
    let (first, _) = streams(server.address, &server.authority);
    assert!(first < PROMPT, "over HTTP/2: {first:?}");
}

/// What most first answers of connections reach, handshakes included.
fn first_answers(address: SocketAddr, authority: &str) -> Duration {
    let config = trusting(&[authority], &["http/1.1"]);
    let length = REVIEW.len();
    let request = format!(
        "POST /mutate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{REVIEW}"
    );
    let times = (0..TIMES).map(|_| {
        let begun = Instant::now();
        let mut connection = tls_sending(address, &config, request.as_bytes()).unwrap();
        let answer = connection.response().unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        begun.elapsed()
    });
    reached_by_most(times.collect())
}

/// Over HTTP/2, what most first answers of connections reach, handshakes included, and what most
/// later ones do.
fn streams(address: SocketAddr, authority: &str) -> (Duration, Duration) {
    let config = trusting(&[authority], &["h2"]);
    let (mut first, mut later) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        let begun = Instant::now();
        let opening = [PREFACE, &frame(SETTINGS, 0, 0, &[]), &request(1)].concat();
        let mut connection = tls_sending(address, &config, &opening).unwrap();
        assert_eq!(connection.protocol(), Some(&b"h2"[..]));
        read_answer(&mut connection, 1);
        first.push(begun.elapsed());
        let acknowledged = frame(SETTINGS, ACKNOWLEDGED, 0, &[]);
        connection.send_bytes(&acknowledged).unwrap();
        for stream in (1..STREAMS).map(|number| 2 * number + 1) {
            let begun = Instant::now();
            connection.send_bytes(&request(stream)).unwrap();
            read_answer(&mut connection, stream);
            later.push(begun.elapsed());
        }
    }
    (reached_by_most(first), reached_by_most(later))
}

/// The time that nine tenths of them reach: where every answer waits it is the delay, and a busy
/// machine, on which many answers are late for its own reasons, hardly lifts it.
fn reached_by_most(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 10]
}

/// What a client of HTTP/2 begins with (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// Types and flags of frames (RFC 9113, section 6).
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const ACKNOWLEDGED: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// `:status: 200` in the static table of HPACK.
const STATUS_200: u8 = 0x88;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [length[1], length[2], length[3], kind, flags];
    [&head[..], &stream.to_be_bytes(), payload].concat()
}

/// A review as the headers and the data of a stream.
fn request(stream: u32) -> Vec<u8> {
    // `:method: POST` and `:scheme: https` are in the static table; the others' names are.
    let mut headers = vec![0x83, 0x87];
    for (name, value) in [
        (&[4][..], "/mutate"),
        (&[1], "localhost"),
        (&[15, 16], "application/json"),
    ] {
        headers.extend_from_slice(name);
        headers.push(u8::try_from(value.len()).unwrap());
        headers.extend_from_slice(value.as_bytes());
    }
    [
        frame(HEADERS, END_HEADERS, stream, &headers),
        frame(DATA, END_STREAM, stream, REVIEW.as_bytes()),
    ]
    .concat()
}

/// Reads frames until a stream has ended.
fn read_answer(connection: &mut Tls, stream: u32) {
    loop {
        let head = connection.take(9).unwrap();
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let payload = connection.take(usize::try_from(length).unwrap()).unwrap();
        let (kind, flags) = (head[3], head[4]);
        if head[5..] != stream.to_be_bytes() {
            continue;
        }
        assert!([DATA, HEADERS].contains(&kind), "a frame of type {kind}");
        if kind == HEADERS {
            assert_eq!(payload.first(), Some(&STATUS_200), "{payload:?}");
        }
        if flags & END_STREAM != 0 {
            return;
        }
    }
}

/// A server on the program's libraries that does nothing but accept, and answer.
struct Bare {
    address: SocketAddr,
    authority: String,
    _runtime: Runtime,
}

impl Bare {
    /// Starts it with this acceptor below TLS, which sets the options of sockets.
    fn start<A>(acceptor: A) -> Self
    where
        A: Accept<TcpStream, Router, Stream = TcpStream, Service = Router>
            + Clone
            + Send
            + Sync
            + 'static,
        A::Future: Send,
    {
        install_provider();
        let made = development(&[]).unwrap();
        let certificate = ("test", made.certificate_pem.as_bytes());
        let pair = Pair::from_pem(certificate, ("test", made.key_pem.as_bytes())).unwrap();
        let config = RustlsConfig::from_config(server_config(Store::new(pair)).unwrap());
        let runtime = Runtime::new().unwrap();
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = runtime.block_on(TcpListener::bind(any)).unwrap();
        let address = listener.local_addr().unwrap();
        let tls = RustlsAcceptor::new(config).acceptor(acceptor);
        let server = axum_server::Server::<SocketAddr>::from_listener(listener).acceptor(tls);
        let router = Router::new().route("/mutate", post(|| async { "answered" }));
        runtime.spawn(server.serve(router.into_make_service()));
        Self {
            address,
            authority: made.authority_pem,
            _runtime: runtime,
        }
    }
}
