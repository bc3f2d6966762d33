//! From bound ports to the last answered request.
//!
//! Ending loses no request. A kept-alive connection can go on receiving requests until its client
//! has learned that the pod is going (kubernetes/kubernetes#127335), and a POST that meets a closed
//! connection is not repeated. So at the first signal readiness goes, everything is served on, and
//! every response asks its client to use another connection; only when the news has had time to
//! spread are the connections closed, each after its last answer.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum_server::Handle;
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, timeout_at};

use super::connection::{self, Ending};
use super::listen::Peer;
use super::queue_delay::{self, QueueDelay};
use super::reviews::{self, Reviews};
use super::{Backend, HEAD_LIMIT, ListenAddress, Readiness, ServerError, admin, descriptors};

/// How many requests one HTTP/2 connection may have open, and how many bytes of their bodies may be
/// under way: of one, and of all.
const HTTP2_STREAMS: u32 = 100;
const HTTP2_WINDOWS: (u32, u32) = (256 * 1024, 512 * 1024);

/// How the server ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Drain {
    /// How long everything is served on after the first signal.
    pub(crate) serve_on: Duration,
    /// How long ending may take in all; connections that are open then are cut.
    pub(crate) deadline: Duration,
}

/// The parts of a server.
#[derive(Debug)]
pub(crate) struct Setup<B> {
    /// Where reviews are answered.
    pub(crate) listen: ListenAddress,
    /// Where health, readiness and metrics are answered.
    pub(crate) admin_listen: ListenAddress,
    /// TLS of the webhook port.
    pub(crate) tls: Arc<ServerConfig>,
    /// Answers reviews and counts observations.
    pub(crate) backend: Arc<B>,
    /// What `/readyz` says; the server holds it back while it ends.
    pub(crate) readiness: Readiness,
    pub(crate) drain: Drain,
}

/// A server whose ports are bound, so that nothing can fail any more that its user can mend.
#[derive(Debug)]
pub(crate) struct Server<B> {
    setup: Setup<B>,
    webhook: TcpListener,
    admin: TcpListener,
    signals: Signals,
}

/// The signals that end the server.
#[derive(Debug)]
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    /// Listens from now on: the first process of a container gets no signal that it does not ask for.
    pub(crate) fn new() -> Result<Self, ServerError> {
        let listen = |kind| signal(kind).map_err(ServerError::Signals);
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hangup: listen(SignalKind::hangup())?,
        })
    }

    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.hangup.recv() => "SIGHUP",
        }
    }
}

fn bind(what: &'static str, address: ListenAddress) -> Result<TcpListener, ServerError> {
    address.bind().map_err(|source| ServerError::Bind {
        what,
        address: address.socket_address(),
        source,
    })
}

impl<B: Backend> Server<B> {
    /// Binds both ports.
    pub(crate) fn bind(setup: Setup<B>, signals: Signals) -> Result<Self, ServerError> {
        Ok(Self {
            webhook: bind("webhook", setup.listen)?,
            admin: bind("admin", setup.admin_listen)?,
            signals,
            setup,
        })
    }

    /// The addresses of the webhook and the admin port, with the real ports where 0 was asked for.
    pub(crate) fn addresses(&self) -> io::Result<(SocketAddr, SocketAddr)> {
        Ok((self.webhook.local_addr()?, self.admin.local_addr()?))
    }

    /// Serves until a signal, then drains. An error when a port or one of the background tasks,
    /// each of which returns its name, ends before, or when a second signal cuts the draining short.
    pub(crate) async fn run(
        self,
        mut background: JoinSet<&'static str>,
    ) -> Result<(), ServerError> {
        let Self {
            setup,
            webhook,
            admin,
            mut signals,
        } = self;
        let ending = Ending::default();
        let serving = serve(&setup, webhook, admin, &ending);
        let (mut ports, handles) = serving.map_err(ServerError::Start)?;
        let signal = tokio::select! {
            signal = signals.next() => signal,
            stopped = ports.join_next() => return Err(stopped_port(stopped)),
            name = ended(&mut background) => return Err(ServerError::Background(name)),
        };
        setup.readiness.hold("shutdown", "the server is ending");
        ending.store(true, Ordering::Relaxed);
        let serve_on = setup.drain.serve_on;
        tracing::info!(signal, serve_on_seconds = serve_on.as_secs(), "draining");
        tokio::select! {
            () = drain(setup.drain, &mut ports, &handles) => {}
            _ = signals.next() => return Err(ServerError::Interrupted(handles.connections())),
            name = ended(&mut background) => return Err(ServerError::Background(name)),
        }
        tracing::info!("ended");
        Ok(())
    }
}

/// The handles that end the ports' servers.
struct Handles {
    webhook: Handle<Peer>,
    admin: Handle<Peer>,
}

impl Handles {
    /// Open connections of the webhook port.
    fn connections(&self) -> usize {
        self.webhook.connection_count()
    }
}

type Port = (&'static str, io::Result<()>);

/// Serves both ports. The admin port has a thread of its own, so that probes are answered whatever
/// the reviews do; from there the delay of the reviews is measured, too.
fn serve<B: Backend>(
    setup: &Setup<B>,
    webhook: TcpListener,
    admin: TcpListener,
    ending: &Ending,
) -> io::Result<(JoinSet<Port>, Handles)> {
    let handles = Handles {
        webhook: Handle::new(),
        admin: Handle::new(),
    };
    let backend = || Arc::clone(&setup.backend);
    let connections = descriptors::raise_limit();
    let delay = QueueDelay::default();
    let (echoed, measured) = queue_delay::pair()?;
    let mut ports = JoinSet::new();

    let tls = connection::tls(
        Arc::clone(&setup.tls),
        connections,
        Arc::clone(ending),
        backend(),
    );
    let mut server = axum_server::Server::<Peer>::from_listener(webhook.into())
        .acceptor(tls)
        .handle(handles.webhook.clone());
    limit(&mut server);
    let reviews = Reviews::new(backend(), delay.clone());
    let router = reviews::router(reviews).into_make_service();
    ports.spawn(async move { ("webhook", server.serve(router).await) });
    tokio::spawn(queue_delay::echo(echoed));

    let plain = connection::plain(Arc::clone(ending), backend());
    let router = admin::router(backend(), setup.readiness.clone()).into_make_service();
    let (handle, admin) = (handles.admin.clone(), admin.into_std()?);
    let ended = on_own_thread("admin", async move {
        tokio::spawn(queue_delay::measure(measured, delay));
        let listener = TcpListener::from_std(admin)?;
        let mut server = axum_server::Server::<Peer>::from_listener(listener.into())
            .acceptor(plain)
            .handle(handle);
        limit(&mut server);
        server.serve(router).await
    })?;
    ports.spawn(async move {
        let ended = ended.await.map_err(io::Error::other);
        ("admin", ended.flatten())
    });
    Ok((ports, handles))
}

/// Runs this on a runtime of one thread. The receiver gets its result, or an error after a panic.
fn on_own_thread<T: Send + 'static>(
    name: &str,
    work: impl Future<Output = io::Result<T>> + Send + 'static,
) -> io::Result<oneshot::Receiver<io::Result<T>>> {
    let (sender, receiver) = oneshot::channel();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            // Nobody waits for the result once the process ends.
            let _ = sender.send(runtime.block_on(work));
        })?;
    Ok(receiver)
}

/// Limits of the HTTP implementation; times are limited by the connection itself.
fn limit<A>(server: &mut axum_server::Server<Peer, A>) {
    let builder = server.http_builder();
    builder.http1().max_buf_size(HEAD_LIMIT as usize);
    builder
        .http2()
        .max_header_list_size(HEAD_LIMIT)
        .max_concurrent_streams(HTTP2_STREAMS)
        .initial_stream_window_size(HTTP2_WINDOWS.0)
        .initial_connection_window_size(HTTP2_WINDOWS.1);
}

/// Serves on, then closes connections behind their last answer, cutting what is left at the
/// deadline. The admin port is the last to go, so that probes see the whole of it.
async fn drain(drain: Drain, ports: &mut JoinSet<Port>, handles: &Handles) {
    let deadline = Instant::now() + drain.deadline;
    tokio::time::sleep(drain.serve_on).await;
    handles.webhook.graceful_shutdown(None);
    if timeout_at(deadline, webhook_ended(ports)).await.is_err() {
        let cut = handles.connections();
        tracing::warn!(connections = cut, "cut connections at the deadline");
        handles.webhook.shutdown();
    }
    handles.admin.shutdown();
}

async fn webhook_ended(ports: &mut JoinSet<Port>) {
    while let Some(ended) = ports.join_next().await {
        if matches!(ended, Ok(("webhook", _))) {
            return;
        }
    }
}

fn stopped_port(port: Option<Result<Port, JoinError>>) -> ServerError {
    let (what, source) = match port {
        Some(Ok((what, result))) => (what, result.err()),
        Some(Err(error)) => ("webhook or admin", Some(io::Error::other(error))),
        None => ("webhook and admin", None),
    };
    ServerError::Stopped { what, source }
}

/// The name of the next background task to end; waits for ever where there is none.
async fn ended(background: &mut JoinSet<&'static str>) -> String {
    match background.join_next().await {
        Some(Ok(name)) => name.to_owned(),
        // Only a panic can end a task otherwise; the panic hook has logged the place.
        Some(Err(_)) => "that panicked".to_owned(),
        None => pending().await,
    }
}
