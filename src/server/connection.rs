//! What is done for each connection: how many there may be, how long they may be silent, and that
//! they close in order when the server ends.
//!
//! hyper's own timeout for the head of a request also runs while a kept-alive connection is idle.
//! Short, it would close connections under the API server; long, it would let anybody hold
//! connections by sending a byte now and then. So time is kept here, by a clock that the
//! connection's bytes and its requests share: idle time is bounded generously, the time from the
//! first byte of a request to its end tightly.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::http::{HeaderValue, Request, Response, Version, header};
use axum_server::accept::{Accept, NoDelayAcceptor};
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use rustls::ServerConfig;
use tokio::net::TcpStream;
use tower::Service;

use super::peers::{PeerQuota, PeerShare};
use super::{ADMIN_CONNECTIONS, Backend, HANDSHAKE_TIMEOUT};
use clock::Clock;
use timed::Timed;

mod clock;
mod timed;

/// The server is ending: every response asks its client to use another connection.
pub(super) type Ending = Arc<AtomicBool>;

/// The address that a request came from, among its extensions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Client(pub(super) IpAddr);

/// A boxed future, as both traits here need one that can be named.
type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Accepts connections within limits, around an acceptor that sets them up.
pub(super) struct Limited<A, B> {
    inner: A,
    /// Those that are open.
    open: Arc<PeerQuota>,
    /// Those of them without a first request.
    silent: Arc<PeerQuota>,
    ending: Ending,
    backend: Arc<B>,
}

impl<A: Clone, B> Clone for Limited<A, B> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            open: Arc::clone(&self.open),
            silent: Arc::clone(&self.silent),
            ending: Arc::clone(&self.ending),
            backend: Arc::clone(&self.backend),
        }
    }
}

/// The webhook port's acceptor: TLS over sockets without Nagle's algorithm. With it the first
/// answer of a connection waits 40 ms for an acknowledgement of the handshake's last record.
pub(super) fn tls<B: Backend>(
    config: Arc<ServerConfig>,
    connections: usize,
    ending: Ending,
    backend: Arc<B>,
) -> Limited<RustlsAcceptor<NoDelayAcceptor>, B> {
    let tls = RustlsAcceptor::new(RustlsConfig::from_config(config))
        .handshake_timeout(HANDSHAKE_TIMEOUT)
        .acceptor(NoDelayAcceptor::new());
    let limits = Limits {
        all: connections,
        of_peer: connections.div_ceil(4) * 3,
        silent_of_peer: connections.div_ceil(2),
    };
    Limited::new(tls, limits, ending, backend)
}

/// The admin port's acceptor.
pub(super) fn plain<B: Backend>(ending: Ending, backend: Arc<B>) -> Limited<NoDelayAcceptor, B> {
    Limited::new(NoDelayAcceptor::new(), ADMIN_CONNECTIONS, ending, backend)
}

/// How many connections a port may have at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) all: usize,
    /// Those of one peer: whoever sends a request now and then keeps a connection for ever.
    pub(super) of_peer: usize,
    /// Those of one peer that have sent no request.
    pub(super) silent_of_peer: usize,
}

impl<A, B> Limited<A, B> {
    fn new(inner: A, limits: Limits, ending: Ending, backend: Arc<B>) -> Self {
        Self {
            inner,
            open: PeerQuota::new(limits.of_peer, limits.all),
            silent: PeerQuota::new(limits.silent_of_peer, limits.all),
            ending,
            backend,
        }
    }
}

impl<A, B, S> Accept<TcpStream, S> for Limited<A, B>
where
    A: Accept<TcpStream, S>,
    A::Future: Send + 'static,
    B: Backend,
{
    type Stream = Timed<A::Stream>;
    type Service = Tracked<A::Service>;
    type Future = Boxed<io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let Some((open, silent)) = self.admit(&stream) else {
            // Waiting would only move the queue into this process's memory.
            self.backend.refused_connection();
            return Box::pin(async { Err(io::ErrorKind::ConnectionRefused.into()) });
        };
        let accepting = self.inner.accept(stream, service);
        let ending = Arc::clone(&self.ending);
        Box::pin(async move {
            let accepted = accepting.await.inspect_err(|error| {
                // Port scans and probes end here too, so that this is no matter for every log.
                tracing::debug!(%error, "a connection was not set up");
            })?;
            Ok(watched(accepted, open, silent, ending))
        })
    }
}

impl<A, B> Limited<A, B> {
    /// The place of a connection among the open ones of its peer, and among the silent ones.
    fn admit(&self, stream: &TcpStream) -> Option<(PeerShare, PeerShare)> {
        let peer = stream.peer_addr().ok()?.ip().to_canonical();
        let (mut open, mut silent) = (self.open.share(peer), self.silent.share(peer));
        (open.take(1) && silent.take(1)).then_some((open, silent))
    }
}

/// A connection and its service, with the clock that they share.
fn watched<I, S>(
    (stream, service): (I, S),
    open: PeerShare,
    silent: PeerShare,
    ending: Ending,
) -> (Timed<I>, Tracked<S>) {
    let client = Client(silent.peer());
    let clock = Arc::new(Clock::new(Some(silent)));
    let stream = Timed::new(stream, Arc::clone(&clock), open);
    let service = Tracked {
        inner: service,
        clock,
        client,
        ending,
    };
    (stream, service)
}

/// Tells the connection's clock of its requests, and adds `Connection: close` to the responses of
/// a server that is ending. HTTP/2 has no such header: there `GOAWAY` says it.
#[derive(Clone)]
pub(super) struct Tracked<S> {
    inner: S,
    clock: Arc<Clock>,
    client: Client,
    ending: Ending,
}

impl<S, In, Out> Service<Request<In>> for Tracked<S>
where
    S: Service<Request<In>, Response = Response<Out>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Boxed<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<In>) -> Self::Future {
        request.extensions_mut().insert(self.client);
        let in_flight = Clock::begin(&self.clock);
        let may_close = request.version() <= Version::HTTP_11;
        let ending = Arc::clone(&self.ending);
        let answering = self.inner.call(request);
        Box::pin(async move {
            let mut response = answering.await?;
            if may_close && ending.load(Ordering::Relaxed) {
                response
                    .headers_mut()
                    .insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            drop(in_flight);
            Ok(response)
        })
    }
}

#[cfg(test)]
mod tests;
