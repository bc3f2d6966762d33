//! Connections over real sockets on loopback.

use std::convert::Infallible;
use std::sync::atomic::AtomicUsize;
use std::time::Instant;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::TcpListener;
use tower::ServiceExt;

use super::*;
use crate::inject::{Answer, Endpoint};
use crate::tls::{Pair, Store, development, server_config};

#[derive(Default)]
struct Counting(AtomicUsize);

impl Backend for Counting {
    fn review(&self, _endpoint: Endpoint, _body: &[u8], _: Instant) -> Answer {
        Answer::BadRequest(String::new())
    }

    async fn known(&self, _namespace: &str) -> bool {
        false
    }

    async fn relabelled(&self, _namespace: &str) {}

    fn rejected(&self, _status: u16) {}

    fn refused_connection(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn metrics(&self) -> String {
        String::new()
    }
}

async fn connected() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
    (client.unwrap(), accepted.unwrap().0)
}

#[tokio::test]
async fn tls_connections_send_without_delay() {
    crate::tls::install_provider();
    let made = development(&[]).unwrap();
    let pair = Pair::from_pem(
        ("", made.certificate_pem.as_bytes()),
        ("", made.key_pem.as_bytes()),
    );
    let config = server_config(Store::new(pair.unwrap())).unwrap();
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(made.authority_pem.as_bytes()).unwrap())
        .unwrap();
    let client_config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(client_config));
    let acceptor = tls(config, 8, Ending::default(), Arc::new(Counting::default()));

    let (client, server) = connected().await;
    assert!(!server.nodelay().unwrap(), "off unless asked for");
    let (client, accepted) = tokio::join!(
        connector.connect(ServerName::try_from("localhost").unwrap(), client),
        acceptor.accept(server, ())
    );
    client.unwrap();
    let (stream, _service) = accepted.unwrap();
    assert!(stream.inner().get_ref().0.nodelay().unwrap());
}

#[tokio::test]
async fn one_connection_too_many_is_refused_and_a_closed_one_makes_room() {
    let backend = Arc::new(Counting::default());
    let mut acceptor = plain(Ending::default(), Arc::clone(&backend));
    acceptor.open = PeerQuota::new(1, 1);
    let (_first_client, first) = connected().await;
    let accepted = acceptor.accept(first, ()).await.map(|_| ()).is_ok();
    assert!(accepted, "dropped at once, so its place is free again");
    let (_client, stream) = connected().await;
    let open = acceptor.accept(stream, ()).await.ok();
    assert!(open.is_some());
    let (_other_client, other) = connected().await;
    assert!(acceptor.accept(other, ()).await.is_err());
    assert_eq!(backend.0.load(Ordering::Relaxed), 1);
}

/// Whoever sends a request now and then is never silent.
#[tokio::test]
async fn a_peer_that_keeps_its_connections_busy_takes_its_part_only() {
    let backend = Arc::new(Counting::default());
    let mut acceptor = plain(Ending::default(), Arc::clone(&backend));
    acceptor.open = PeerQuota::new(1, 8);
    let service =
        || tower::service_fn(async |_request: Request<()>| Ok::<_, Infallible>(Response::new(())));
    let (_client, stream) = connected().await;
    let (stream, spoke) = acceptor.accept(stream, service()).await.unwrap();
    spoke.oneshot(Request::new(())).await.unwrap();
    let (_client, second) = connected().await;
    assert!(acceptor.accept(second, service()).await.is_err());
    drop(stream);
    let (_client, third) = connected().await;
    assert!(acceptor.accept(third, service()).await.is_ok());
}

#[tokio::test]
async fn an_ending_server_asks_http1_clients_to_leave() {
    let ending = Ending::default();
    let service = Tracked {
        inner: tower::service_fn(async |_request: Request<()>| {
            Ok::<_, Infallible>(Response::new(()))
        }),
        clock: Arc::new(Clock::new(None)),
        client: Client(std::net::Ipv4Addr::LOCALHOST.into()),
        ending: Arc::clone(&ending),
    };
    let answer = async |version: Version| {
        let mut request = Request::new(());
        *request.version_mut() = version;
        let response = service.clone().oneshot(request).await.unwrap();
        response.headers().get(header::CONNECTION).cloned()
    };
    assert_eq!(answer(Version::HTTP_11).await, None);
    ending.store(true, Ordering::Relaxed);
    assert_eq!(answer(Version::HTTP_11).await.unwrap(), "close");
    assert_eq!(answer(Version::HTTP_2).await, None);
}

#[tokio::test]
async fn a_peer_that_stays_silent_takes_its_part_only() {
    let backend = Arc::new(Counting::default());
    let mut acceptor = plain(Ending::default(), Arc::clone(&backend));
    acceptor.silent = PeerQuota::new(1, 8);
    let (_clients, streams): (Vec<_>, Vec<_>) =
        [connected().await, connected().await, connected().await]
            .into_iter()
            .unzip();
    let mut streams = streams.into_iter();
    let service =
        || tower::service_fn(async |_request: Request<()>| Ok::<_, Infallible>(Response::new(())));
    let (_stream, spoke) = acceptor
        .accept(streams.next().unwrap(), service())
        .await
        .unwrap();
    let second = acceptor.accept(streams.next().unwrap(), service()).await;
    assert!(second.is_err(), "the first one is silent still");
    assert_eq!(backend.0.load(Ordering::Relaxed), 1);
    spoke.oneshot(Request::new(())).await.unwrap();
    assert!(
        acceptor
            .accept(streams.next().unwrap(), service())
            .await
            .is_ok()
    );
}
