//! `/mutate` and `/advise`: the bytes of a review in, the answer out, within the same limits.
//!
//! Whatever else comes is answered with the status that names the mistake and a text that says what
//! would be right, for the person who reads "failed calling webhook" in an event.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::sync::Semaphore;

use super::{
    BODY_LIMIT, Backend, INLINE_LIMIT, NAMESPACE_PATIENCE, NAMESPACE_WAITERS, REQUEST_TIMEOUT,
};
use crate::inject::{Answer, Endpoint};

/// How much of a body that is too large is read and thrown away before it is refused. A client that
/// is still sending when the connection closes sees a reset, not the text; the API server, which
/// never sends more than a few times the limit, shall see the text.
const DISCARD_LIMIT: usize = 4 * BODY_LIMIT;

/// A request that is not answered with a review.
struct Rejection {
    status: StatusCode,
    text: String,
}

impl Rejection {
    fn new(status: StatusCode, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { status, text }
    }
}

/// The webhook port's routes.
pub(super) fn router<B: Backend>(backend: Arc<B>) -> Router {
    let at = |endpoint| {
        let answer = move |State(backend), request| respond::<B>(backend, endpoint, request);
        post(answer).fallback(wrong_method::<B>)
    };
    Router::new()
        .route("/mutate", at(Endpoint::Mutate))
        .route("/advise", at(Endpoint::Advise))
        .fallback(wrong_path::<B>)
        .with_state(backend)
}

async fn respond<B: Backend>(backend: Arc<B>, endpoint: Endpoint, request: Request) -> Response {
    let deadline = deadline(request.uri());
    let answer = tokio::time::timeout(deadline, answer(&backend, endpoint, request)).await;
    let answer = answer.unwrap_or_else(|_| {
        Err(Rejection::new(
            StatusCode::REQUEST_TIMEOUT,
            format!(
                "the request was not read and answered within {} s",
                deadline.as_secs()
            ),
        ))
    });
    match answer {
        Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(rejection) => reject(backend.as_ref(), rejection),
    }
}

async fn answer<B: Backend>(
    backend: &Arc<B>,
    endpoint: Endpoint,
    request: Request,
) -> Result<Vec<u8>, Rejection> {
    check_headers(request.headers())?;
    let body = read(request).await?;
    let mut answer = decide(backend, endpoint, &body).await;
    if let Some(Answer::NamespaceUnknown { namespace, .. }) = &answer
        && known_soon(backend.as_ref(), namespace).await
    {
        answer = decide(backend, endpoint, &body).await;
    }
    match answer {
        Some(
            Answer::Review { body, .. }
            | Answer::NamespaceUnknown {
                otherwise: Some(body),
                ..
            },
        ) => Ok(body),
        Some(Answer::NamespaceUnknown { namespace, .. }) => Err(unknown(&namespace)),
        Some(Answer::BadRequest(text)) => Err(Rejection::new(StatusCode::BAD_REQUEST, text)),
        None => {
            tracing::error!("a review was not answered because of a panic");
            Err(Rejection::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the review was not answered because of a defect in Pillion; its log says where",
            ))
        }
    }
}

async fn decide<B: Backend>(backend: &Arc<B>, endpoint: Endpoint, body: &Bytes) -> Option<Answer> {
    if body.len() <= INLINE_LIMIT {
        return review(backend.as_ref(), endpoint, body);
    }
    let (backend, body) = (Arc::clone(backend), body.clone());
    let task = tokio::task::spawn_blocking(move || review(backend.as_ref(), endpoint, &body));
    task.await.ok().flatten()
}

/// Requests that wait for a namespace; a place is taken as long as one waits.
static WAITING: Semaphore = Semaphore::const_new(NAMESPACE_WAITERS);

/// Waits until a namespace is known, for a short time and with few others.
async fn known_soon<B: Backend>(backend: &B, namespace: &str) -> bool {
    let Ok(_place) = WAITING.try_acquire() else {
        return false;
    };
    let known = tokio::time::timeout(NAMESPACE_PATIENCE, backend.known(namespace));
    known.await.unwrap_or(false)
}

fn unknown(namespace: &str) -> Rejection {
    tracing::info!(
        namespace,
        "not known yet: the API server is asked to come again"
    );
    Rejection::new(
        StatusCode::TOO_MANY_REQUESTS,
        format!(
            "the namespace {} is newer than what Pillion knows of the cluster; come again",
            quoted(namespace)
        ),
    )
}

/// One pod that breaks the engine must cost that pod's answer only: `None` after a panic, whose
/// place the panic hook logs. The engine is an immutable snapshot, so nothing half done can be left
/// behind by unwinding through it.
fn review<B: Backend>(backend: &B, endpoint: Endpoint, body: &[u8]) -> Option<Answer> {
    catch_unwind(AssertUnwindSafe(|| backend.review(endpoint, body))).ok()
}

fn check_headers(headers: &HeaderMap) -> Result<(), Rejection> {
    let unsupported = |text: String| Rejection::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text);
    let value = |name| {
        headers
            .get(name)
            .and_then(|value: &header::HeaderValue| value.to_str().ok())
    };
    let content_type = value(header::CONTENT_TYPE).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err(unsupported(format!(
            "expected Content-Type application/json, got {}",
            quoted(content_type)
        )));
    }
    match value(header::CONTENT_ENCODING) {
        None | Some("identity") => Ok(()),
        Some(encoding) => Err(unsupported(format!(
            "expected a body without Content-Encoding, got {}",
            quoted(encoding)
        ))),
    }
}

/// A header's value in a text, cut to a length that is fit to read.
fn quoted(value: &str) -> String {
    if value.is_empty() {
        return "none".to_owned();
    }
    let shown: String = value.chars().take(100).collect();
    format!("{shown:?}")
}

/// Reads the body up to [`BODY_LIMIT`].
async fn read(request: Request) -> Result<Bytes, Rejection> {
    let declared = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let waits = request.headers().contains_key(header::EXPECT);
    let mut body = request.into_body();
    let too_large = declared.is_some_and(|length| length > BODY_LIMIT as u64);
    // A client that asks before it sends can be refused before it sends.
    if too_large && waits {
        return Err(too_large_rejection());
    }
    match Limited::new(&mut body, BODY_LIMIT).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            discard(body).await;
            Err(too_large_rejection())
        }
        Err(error) => Err(Rejection::new(
            StatusCode::BAD_REQUEST,
            format!("the body could not be read: {error}"),
        )),
    }
}

fn too_large_rejection() -> Rejection {
    Rejection::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("the body is larger than {BODY_LIMIT} bytes, the most that a review can need"),
    )
}

/// Throws away what is left of a body, within bounds.
async fn discard(mut body: Body) {
    let mut left = DISCARD_LIMIT;
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, Bytes::len);
        left = left.saturating_sub(length);
        if left == 0 {
            return;
        }
    }
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

async fn wrong_method<B: Backend>(State(backend): State<Arc<B>>, request: Request) -> Response {
    let text = format!(
        "{} takes POST only, got {}",
        request.uri().path(),
        request.method()
    );
    let rejection = Rejection::new(StatusCode::METHOD_NOT_ALLOWED, text);
    let mut response = reject(backend.as_ref(), rejection);
    response
        .headers_mut()
        .insert(header::ALLOW, header::HeaderValue::from_static("POST"));
    response
}

async fn wrong_path<B: Backend>(State(backend): State<Arc<B>>) -> Response {
    reject(
        backend.as_ref(),
        Rejection::new(
            StatusCode::NOT_FOUND,
            "no such path: reviews are answered at /mutate and /advise; /healthz, /readyz and \
             /metrics are on the admin port",
        ),
    )
}

fn reject<B: Backend>(backend: &B, rejection: Rejection) -> Response {
    backend.rejected(rejection.status.as_u16());
    let status = rejection.status.as_u16();
    tracing::debug!(status, text = rejection.text.as_str(), "request rejected");
    let mut response = (rejection.status, rejection.text + "\n").into_response();
    if rejection.status == StatusCode::TOO_MANY_REQUESTS {
        // Without it the API server does not come again (client-go, rest/with_retry.go).
        let headers = response.headers_mut();
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

#[cfg(test)]
mod tests;
