//! The webhook's HTTP edges: `/mutate` and `/advise` over TLS, and health and metrics on a port of their own.
//!
//! The server knows how to read a request within limits, how to answer the wrong ones with a text
//! that says what would be right, and how to end without losing a request. What a review is
//! answered with, and where observations go, is behind [`Backend`].
//!
//! Every limit has a reason: the API server is one client with many short, parallel calls, whose
//! connections must never be closed under it (a POST is not repeated on EOF), while anybody else in
//! the cluster can reach the port too.

mod admin;
mod connection;
mod descriptors;
mod listen;
mod peers;
mod playground;
mod queue_delay;
mod readiness;
mod reviews;
mod run;

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

pub(crate) use listen::ListenAddress;
pub(crate) use playground::{PageFile, PlaygroundBackend, PlaygroundServer};
pub(crate) use readiness::Readiness;
pub(crate) use run::{Drain, Server, Setup, Signals};

use crate::inject::{Answer, Endpoint};
use connection::Limits;

/// What answers reviews and counts observations.
pub(crate) trait Backend: Send + Sync + 'static {
    /// Answers the body of a review that came to an endpoint. Called where the request is read: pure
    /// computation only. After the deadline nobody waits for the answer.
    fn review(&self, endpoint: Endpoint, body: &[u8], deadline: Instant) -> Answer;

    /// Waits until a namespace is known that [`review`](Self::review) did not know; the caller bounds
    /// the time. `false` where it will never be.
    fn known(&self, namespace: &str) -> impl Future<Output = bool> + Send;

    /// Waits for a short time until the watch cache holds other labels of a namespace, for a pod that no entry of
    /// the shipped webhook configuration matches with those that it holds. The caller then decides again,
    /// whether they have changed or not. [`review`](Self::review) asks for it once for each set of labels.
    fn relabelled(&self, namespace: &str) -> impl Future<Output = ()> + Send;

    /// A request was answered with this HTTP status, which is not 200.
    fn rejected(&self, status: u16);

    /// A connection was closed at once, as there are too many, in all or silent ones of its peer.
    fn refused_connection(&self);

    /// The metrics in `OpenMetrics` text.
    fn metrics(&self) -> String;
}

/// Why the server cannot start, or ended otherwise than asked to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServerError {
    /// A port cannot be listened on.
    #[error("failed to listen on {address} for the {what} port")]
    Bind {
        what: &'static str,
        address: SocketAddr,
        source: io::Error,
    },
    /// Signals cannot be listened to.
    #[error("failed to listen for the signals that end the server")]
    Signals(#[source] io::Error),
    /// There is no thread, or no descriptor, to serve with.
    #[error("failed to start serving")]
    Start(#[source] io::Error),
    /// A port stopped being served.
    #[error("the {what} port stopped being served")]
    Stopped {
        what: &'static str,
        /// What the server said, if anything.
        source: Option<io::Error>,
    },
    /// A task that the server cannot do without has ended.
    #[error("the background task {0} ended, which it never should")]
    Background(String),
    /// A second signal came while draining.
    #[error("ended at once by a second signal, with {0} connections open")]
    Interrupted(usize),
}

/// Largest body of a review in bytes: two objects of the API server's 3 MiB
/// (`MaxRequestBodyBytes`), old and new, and 1 MiB for the rest; controller-runtime's figure.
const BODY_LIMIT: usize = 7 * 1024 * 1024;

/// Bodies above this many bytes are answered on a blocking thread, as parsing them takes long
/// enough to delay others on the same worker.
const INLINE_LIMIT: usize = 256 * 1024;

/// How long a request waits for a namespace that is not in the watch cache yet.
const NAMESPACE_PATIENCE: Duration = Duration::from_millis(500);

/// How many requests may wait for namespaces at once, each with its body; others are answered with
/// 429 at once.
const NAMESPACE_WAITERS: usize = 128;

/// How many connections may be open at once. The API server keeps 25 idle ones for each of its
/// instances and opens more under load.
const CONNECTIONS: usize = 4096;

/// How many connections the admin port may have at once: a probe and a few scrapers need no more of one peer.
const ADMIN_CONNECTIONS: Limits = Limits {
    all: 256,
    of_peer: 64,
    silent_of_peer: 64,
};

/// Bytes of bodies, and of answers that were not sent yet, that may be in memory at once, those of all
/// connections together.
const BODIES: usize = 24 * 1024 * 1024;

/// Bytes of them that one peer may have in memory at once; a body of [`BODY_LIMIT`] fits.
const BODIES_OF_PEER: usize = BODIES / 2;

/// Bytes of large bodies ([`INLINE_LIMIT`]) that may be decided about at once: one of
/// [`BODY_LIMIT`], or a few that are smaller. The rest waits, and holds up no small one.
const LARGE_BODIES: usize = 8 * 1024 * 1024;

/// How long a TLS handshake may take; the API server itself gives up after 10 seconds.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the head of a request may take from its first byte.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection may be without a request. Longer than the 90 seconds after which the API
/// server closes idle connections, so that it is never this side that closes under a request.
const IDLE_TIMEOUT: Duration = Duration::from_mins(2);

/// Largest head of a request in bytes; the API server's have a few hundred.
const HEAD_LIMIT: u32 = 16 * 1024;

/// How long a request may take when the client names no deadline; the API server's largest
/// `timeoutSeconds`.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
