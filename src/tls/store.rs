//! The pair that new handshakes are answered with.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::{Pair, TlsError};

/// The pair in use, swapped whole: a handshake sees the old one or the new one, never a mixture.
/// Until there is a first one, handshakes fail.
#[derive(Debug)]
pub struct Store(ArcSwapOption<Pair>);

impl Store {
    /// A store that serves this pair.
    pub fn new(pair: Pair) -> Arc<Self> {
        Arc::new(Self(ArcSwapOption::from_pointee(pair)))
    }

    /// A store whose first pair is to come.
    pub(crate) fn empty() -> Arc<Self> {
        Arc::new(Self(ArcSwapOption::empty()))
    }

    pub(crate) fn current(&self) -> Option<Arc<Pair>> {
        self.0.load_full()
    }

    /// Serves this pair from the next handshake on.
    pub(crate) fn replace(&self, pair: Pair) {
        self.0.store(Some(Arc::new(pair)));
    }
}

impl ResolvesServerCert for Store {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let pair = self.0.load();
        pair.as_ref().map(|pair| Arc::clone(pair.certified_key()))
    }
}

/// TLS 1.2 and 1.3 over HTTP/2 and HTTP/1.1.
///
/// The API server offers only HTTP/1.1 to a Service and HTTP/2 to a loopback URL
/// (`hookClientConfig` in apiserver `pkg/util/webhook/client.go`).
pub fn server_config(store: Arc<Store>) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(TlsError::Configure)?
        .with_no_client_auth()
        .with_cert_resolver(store);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
