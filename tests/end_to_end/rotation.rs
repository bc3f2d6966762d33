//! A certificate is replaced while pods are being created: no creation notices.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, Stream};

use crate::end_to_end::pods::names;
use crate::end_to_end::scene::{Scene, asks_for_a_pool, pod};
use crate::support::failure::{During, Failure, Outcome};
use crate::support::namespace::{Namespace, SOON};
use crate::support::pillion::Identity;
use crate::support::wait::wait_until;
use crate::support::webhook::SERVER_NAME;

/// More than the 25 connections that the API server keeps open to a host, so that some of
/// them are new ones at any time.
const CREATORS: usize = 32;

/// What the creators share with the scenario.
#[derive(Default)]
struct Progress {
    created: AtomicUsize,
    end: AtomicBool,
    failure: OnceLock<String>,
}

#[tokio::test]
async fn no_creation_fails_while_the_certificate_is_replaced() -> Outcome {
    let mut scene = Scene::open("rotation").await?;
    let progress = Arc::new(Progress::default());
    let creators: Vec<_> = (0..CREATORS)
        .map(|_| tokio::spawn(create(scene.namespace.clone(), Arc::clone(&progress))))
        .collect();
    for round in 0..4 {
        let old = served(scene.server.webhook, &scene.identity)?;
        // A renamed file takes the place of the mount's link, so swaps come first.
        if round < 2 {
            scene.identity.swap()?;
        } else {
            scene.identity.rename()?;
        }
        until_replaced(&scene, &old).await?;
        until_more(&progress).await?;
    }
    progress.end.store(true, Ordering::Relaxed);
    for creator in creators {
        creator.await.during("wait for a creator")?;
    }
    assert_eq!(progress.failure.get(), None);
    Ok(())
}

async fn until_replaced(scene: &Scene, old: &CertificateDer<'_>) -> Outcome {
    wait_until("the new certificate to be served", SOON, async || {
        let now = served(scene.server.webhook, &scene.identity);
        let now = now.map_err(|failure| failure.to_string())?;
        if now == *old {
            return Err("the old one".to_owned());
        }
        Ok(())
    })
    .await
}

/// Waits until enough pods were created since now, or returns what a creator met.
async fn until_more(progress: &Progress) -> Outcome {
    let before = progress.created.load(Ordering::Relaxed);
    let waited = wait_until("pods created after that", SOON, async || {
        if let Some(failure) = progress.failure.get() {
            return Ok(Err(Failure::new(failure)));
        }
        let more = progress.created.load(Ordering::Relaxed) - before;
        if more < 2 * CREATORS {
            return Err(format!("{more} pods"));
        }
        Ok(Ok(()))
    });
    waited.await?
}

/// Creates pods until told to end, or until one is refused or comes without its helper.
async fn create(namespace: Namespace, progress: Arc<Progress>) {
    let mut pod = pod("", &asks_for_a_pool());
    pod["metadata"]["generateName"] = "orders-".into();
    while !progress.end.load(Ordering::Relaxed) {
        let problem = match namespace.create_pod("dryRun=All", &pod).await {
            Err(failure) => failure.to_string(),
            Ok(answer) if !answer.granted() => answer.message().to_owned(),
            Ok(answer) if names(&answer.body, "/spec/initContainers") == ["pgbouncer"] => {
                progress.created.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            Ok(answer) => format!("a pod without its helper: {}", answer.body),
        };
        // The first one counts; the others follow from it.
        let _ = progress.failure.set(problem);
        return;
    }
}

/// The certificate that a new connection gets, verified as the API server verifies it.
fn served(server: SocketAddr, identity: &Identity) -> Outcome<CertificateDer<'static>> {
    let authority = CertificateDer::from_pem_slice(identity.authority().as_bytes());
    let mut roots = RootCertStore::empty();
    roots
        .add(authority.during("read the authority")?)
        .during("trust the authority")?;
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(SERVER_NAME).during("read the server name")?;
    let mut connection =
        ClientConnection::new(Arc::new(config), name).during("prepare a handshake")?;
    let mut socket = TcpStream::connect(server).during("connect to the server")?;
    Stream::new(&mut connection, &mut socket)
        .flush()
        .during("shake hands with the server")?;
    let first = connection.peer_certificates().and_then(<[_]>::first);
    let first = first.ok_or_else(|| Failure::new("the server sent no certificate"))?;
    Ok(first.clone().into_owned())
}
