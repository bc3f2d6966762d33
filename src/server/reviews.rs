//! `/mutate` and `/advise`: the bytes of a review in, the answer out, within the same limits.
//!
//! Whatever else comes is answered with the status that names the mistake and a text that says what
//! would be right, for the person who reads "failed calling webhook" in an event.

mod body;
mod rejection;

use std::net::{IpAddr, Ipv4Addr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, Uri, Version, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::connection::Client;
use super::peers::{PeerQuota, PeerShare};
use super::queue_delay::QueueDelay;
use super::{
    BODIES, BODIES_OF_PEER, Backend, INLINE_LIMIT, LARGE_BODIES, NAMESPACE_PATIENCE,
    NAMESPACE_WAITERS, REQUEST_TIMEOUT,
};
use crate::inject::{Answer, Endpoint};
use rejection::{Rejection, quoted};

/// Permits for large bodies count in these bytes, as a semaphore takes fewer than 2^32.
const PERMIT: usize = 1024;

/// What an open request of HTTP/2 takes besides its body, in bytes: of HTTP/1 each is a connection, of which
/// there is a bound.
const STREAM: usize = 16 * 1024;

/// An answer, which counts as bytes of its peer until they were sent: whoever asks and does not read
/// would otherwise fill the memory by answers.
struct HeldAnswer {
    bytes: Vec<u8>,
    _share: PeerShare,
}

impl AsRef<[u8]> for HeldAnswer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl HeldAnswer {
    fn of(bytes: Vec<u8>, mut share: PeerShare) -> Result<Bytes, Rejection> {
        if !share.take(bytes.len()) {
            return Err(Rejection::busy(
                "too many bytes of answers are waiting to be read; retry",
            ));
        }
        Ok(Bytes::from_owner(Self {
            bytes,
            _share: share,
        }))
    }
}

/// What the requests of a server share.
#[derive(Debug)]
pub(super) struct Reviews<B> {
    backend: Arc<B>,
    /// Bodies and answers in memory, by peer.
    bodies: Arc<PeerQuota>,
    /// Large bodies that are decided about.
    large: Arc<Semaphore>,
    /// Requests that wait for a namespace.
    waiting: Semaphore,
    delay: QueueDelay,
}

impl<B: Backend> Reviews<B> {
    pub(super) fn new(backend: Arc<B>, delay: QueueDelay) -> Arc<Self> {
        Arc::new(Self {
            backend,
            bodies: PeerQuota::new(BODIES_OF_PEER, BODIES),
            large: Arc::new(Semaphore::new(LARGE_BODIES / PERMIT)),
            waiting: Semaphore::new(NAMESPACE_WAITERS),
            delay,
        })
    }
}

fn route<B: Backend>(endpoint: Endpoint) -> MethodRouter<Arc<Reviews<B>>> {
    post(move |State(reviews), request| respond::<B>(reviews, endpoint, request))
        .fallback(wrong_method::<B>)
}

/// The webhook port's routes.
pub(super) fn router<B: Backend>(reviews: Arc<Reviews<B>>) -> Router {
    Router::new()
        .route("/mutate", route(Endpoint::Mutate))
        .route("/advise", route(Endpoint::Advise))
        .fallback(wrong_path::<B>)
        .with_state(reviews)
}

async fn respond<B: Backend>(
    reviews: Arc<Reviews<B>>,
    endpoint: Endpoint,
    request: Request,
) -> Response {
    let deadline = deadline(request.uri());
    let answer = timeout(deadline, reviews.answer(endpoint, request, deadline)).await;
    match answer.unwrap_or_else(|_| Err(Rejection::late(deadline))) {
        Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(rejection) => rejection.respond(reviews.backend.as_ref()),
    }
}

impl<B: Backend> Reviews<B> {
    async fn answer(
        &self,
        endpoint: Endpoint,
        request: Request,
        deadline: Duration,
    ) -> Result<Bytes, Rejection> {
        let end = Instant::now() + deadline;
        if self.delay.exceeds(deadline) {
            body::discard(request.into_body()).await;
            return Err(Rejection::busy(
                "the server is overloaded and cannot answer in time; retry",
            ));
        }
        body::check_headers(request.headers())?;
        let client = request
            .extensions()
            .get::<Client>()
            .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |client| client.0);
        // Held until the answer is sent.
        let mut share = self.bodies.share(client);
        // One connection may open many, and each lives for as long as its body may take.
        if request.version() == Version::HTTP_2 && !share.take(STREAM) {
            return Err(Rejection::busy("too many requests are open; retry"));
        }
        let body = body::read(request, &mut share).await?;
        let mut answer = self.decide(endpoint, &body, end).await?;
        if let Some(Answer::NamespaceUnknown { namespace, .. }) = &answer
            && self.is_known_soon(namespace).await
        {
            answer = self.decide(endpoint, &body, end).await?;
        }
        if let Some(Answer::Review {
            namespace,
            matches_no_entry: true,
            ..
        }) = &answer
        {
            self.backend.relabelled(namespace).await;
            answer = self.decide(endpoint, &body, end).await?;
        }
        match answer {
            Some(
                Answer::Review { body, .. }
                | Answer::NamespaceUnknown {
                    otherwise: Some(body),
                    ..
                },
            ) => HeldAnswer::of(body, share),
            Some(Answer::NamespaceUnknown { namespace, .. }) => Err(unknown(&namespace)),
            Some(Answer::BadRequest(text)) => Err(Rejection::new(StatusCode::BAD_REQUEST, text)),
            None => Err(Rejection::defect()),
        }
    }

    /// Decides here, or, about a large body, on a blocking thread when its turn has come. It waits for
    /// half of what is left of its time at most, as deciding takes time, too.
    async fn decide(
        &self,
        endpoint: Endpoint,
        body: &Bytes,
        end: Instant,
    ) -> Result<Option<Answer>, Rejection> {
        if body.len() <= INLINE_LIMIT {
            return Ok(review(self.backend.as_ref(), endpoint, body, end));
        }
        let permits = u32::try_from(body.len().div_ceil(PERMIT)).unwrap_or(u32::MAX);
        let turn = Arc::clone(&self.large).acquire_many_owned(permits);
        let patience = end.saturating_duration_since(Instant::now()) / 2;
        let Ok(Ok(turn)) = timeout(patience, turn).await else {
            return Err(Rejection::busy(
                "too many large reviews are being decided; retry",
            ));
        };
        let (backend, body) = (Arc::clone(&self.backend), body.clone());
        // The thread keeps its turn until it has ended; the deadline ends its evaluation.
        let task = tokio::task::spawn_blocking(move || {
            let answer = review(backend.as_ref(), endpoint, &body, end);
            drop(turn);
            answer
        });
        Ok(task.await.ok().flatten())
    }

    /// Waits until a namespace is known, for a short time and with few others.
    async fn is_known_soon(&self, namespace: &str) -> bool {
        let Ok(_place) = self.waiting.try_acquire() else {
            return false;
        };
        let known = timeout(NAMESPACE_PATIENCE, self.backend.known(namespace));
        known.await.unwrap_or(false)
    }
}

fn unknown(namespace: &str) -> Rejection {
    tracing::info!(
        namespace,
        "the namespace is not in the cache yet; the API server is asked to retry"
    );
    Rejection::busy(format!(
        "namespace {} is not in Pillion's cache yet; retry",
        quoted(namespace)
    ))
}

/// One pod that breaks the engine must cost that pod's answer only: `None` after a panic, whose
/// place the panic hook logs. The engine is an immutable snapshot, so nothing half done can be left
/// behind by unwinding through it.
fn review<B: Backend>(
    backend: &B,
    endpoint: Endpoint,
    body: &[u8],
    deadline: Instant,
) -> Option<Answer> {
    catch_unwind(AssertUnwindSafe(|| {
        backend.review(endpoint, body, deadline)
    }))
    .ok()
}

/// The client's own deadline: the API server names what is left of `timeoutSeconds` as
/// `?timeout=10s`, in whole seconds. Answers after it are for nobody.
fn deadline(uri: &Uri) -> Duration {
    uri.query()
        .into_iter()
        .flat_map(|query| query.split('&'))
        .find_map(|pair| {
            pair.strip_prefix("timeout=")?
                .strip_suffix('s')?
                .parse()
                .ok()
        })
        .filter(|seconds| *seconds > 0)
        .map_or(REQUEST_TIMEOUT, Duration::from_secs)
        .min(REQUEST_TIMEOUT)
}

async fn wrong_method<B: Backend>(
    State(reviews): State<Arc<Reviews<B>>>,
    request: Request,
) -> Response {
    let text = format!(
        "{} takes POST only, got {}",
        request.uri().path(),
        request.method()
    );
    let rejection = Rejection::new(StatusCode::METHOD_NOT_ALLOWED, text);
    let mut response = rejection.respond(reviews.backend.as_ref());
    response
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static("POST"));
    response
}

async fn wrong_path<B: Backend>(State(reviews): State<Arc<Reviews<B>>>) -> Response {
    let rejection = Rejection::new(
        StatusCode::NOT_FOUND,
        "no such path: reviews are answered at /mutate and /advise; /healthz, /readyz and \
         /metrics are on the admin port",
    );
    rejection.respond(reviews.backend.as_ref())
}

#[cfg(test)]
mod tests;
