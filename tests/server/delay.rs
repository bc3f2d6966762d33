//! No answer waits for an acknowledgement.
//!
//! With Nagle's algorithm a small segment waits until the one before it is acknowledged, and the
//! client's kernel acknowledges after 40 ms where it has nothing to send. After a TLS handshake the
//! one before is the session tickets', so that the first answer of every connection would be late.
//! Nothing would fail, and every pod would take longer: so the delay is measured here, by a measure
//! that is shown to see it.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::post;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http2;
use hyper::{Method, Request};
use hyper_util::rt::{TokioExecutor, TokioIo};
use pillion::tls::{Pair, Store, development, install_provider, server_config};
use rustls_pki_types::ServerName;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsConnector;

use crate::REVIEW;
use crate::client::{tls, trusting};
use crate::process::Server;

/// Fresh connections, or requests on one of them.
const TIMES: usize = 25;

/// Half of the kernel's shortest delay of an acknowledgement; an answer takes a hundredth of it.
const PROMPT: Duration = Duration::from_millis(20);

/// Nearly the whole of that delay, 40 ms.
const DELAYED: Duration = Duration::from_millis(30);

#[test]
fn the_first_answer_of_a_connection_does_not_wait() {
    let server = Server::start(&[]);
    let median = median_of_first_answers(server.webhook, &server.authority());
    assert!(median < PROMPT, "{median:?}");
}

#[test]
fn the_measure_sees_the_delay_of_a_server_without_nodelay() {
    let server = Nagling::start();
    let median = median_of_first_answers(server.address, &server.authority);
    assert!(median > DELAYED, "{median:?}");
}

#[test]
fn one_stream_after_another_of_http2_does_not_wait() {
    let server = Server::start(&[]);
    let times = runtime().block_on(one_after_another(server.webhook, &server.authority()));
    let slowest = times.iter().max();
    let median = median(times.clone());
    assert!(median < PROMPT, "{median:?}, at most {slowest:?}");
}

#[test]
fn the_measure_sees_the_delay_of_http2_without_nodelay() {
    let server = Nagling::start();
    let times = runtime().block_on(async {
        let mut firsts = Vec::new();
        for _ in 0..TIMES {
            firsts.push(one_after_another(server.address, &server.authority).await);
        }
        firsts
    });
    eprintln!("{times:?}");
}

/// The time of the first answer of each of several connections, from when the handshake is done.
fn median_of_first_answers(address: SocketAddr, authority: &str) -> Duration {
    let config = trusting(&[authority], &["http/1.1"]);
    let times = (0..TIMES).map(|_| {
        let mut connection = tls(address, &config).unwrap();
        let begun = Instant::now();
        let answer = connection.review(REVIEW).unwrap();
        let time = begun.elapsed();
        assert_eq!(answer.status, 200, "{answer:?}");
        time
    });
    median(times.collect())
}

/// The times of answers to requests on one HTTP/2 connection, each sent after the last answer.
async fn one_after_another(address: SocketAddr, authority: &str) -> Vec<Duration> {
    let connector = TlsConnector::from(trusting(&[authority], &["h2"]));
    let tcp = TcpStream::connect(address).await.unwrap();
    tcp.set_nodelay(true).unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TokioIo::new(connector.connect(name, tcp).await.unwrap());
    let opened = http2::handshake(TokioExecutor::new(), stream).await;
    let (mut sender, connection) = opened.unwrap();
    let connection = tokio::spawn(connection);
    let mut times = Vec::new();
    for _ in 0..TIMES {
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("https://localhost:{}/mutate", address.port()))
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from_static(REVIEW.as_bytes())));
        let begun = Instant::now();
        let answer = sender.send_request(request.unwrap()).await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.into_body().collect().await.unwrap();
        times.push(begun.elapsed());
    }
    connection.abort();
    times
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn runtime() -> Runtime {
    Runtime::new().unwrap()
}

/// A server on the same libraries as the program, with the acceptor that they have by default.
struct Nagling {
    address: SocketAddr,
    authority: String,
    _runtime: Runtime,
}

impl Nagling {
    fn start() -> Self {
        install_provider();
        let made = development(&[]).unwrap();
        let certificate = ("test", made.certificate_pem.as_bytes());
        let pair = Pair::from_pem(certificate, ("test", made.key_pem.as_bytes())).unwrap();
        let config = RustlsConfig::from_config(server_config(Store::new(pair)).unwrap());
        let runtime = runtime();
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = runtime.block_on(TcpListener::bind(any)).unwrap();
        let address = listener.local_addr().unwrap();
        let server = axum_server::Server::<SocketAddr>::from_listener(listener)
            .acceptor(RustlsAcceptor::new(config));
        let router = Router::new().route("/mutate", post(|| async { "answered" }));
        runtime.spawn(server.serve(router.into_make_service()));
        Self {
            address,
            authority: made.authority_pem,
            _runtime: runtime,
        }
    }
}
