//! The playground's HTTP edge: a page of a few files, and one question that is answered.
//!
//! It is for the person at this machine. A page of somebody else's in the same browser must not be
//! able to use it: only a host that is this machine's own is answered, so that no foreign name can
//! be bound to it, and only JSON is taken, which no foreign form can send.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::{ListenAddress, ServerError};

/// Largest question in bytes: a template and a manifest that a person can still look at.
const BODY_LIMIT: usize = 512 * 1024;

/// How many questions are answered at once; others wait.
const ANSWERING: usize = 2;

/// What goes with every response: nothing is loaded from elsewhere, nothing inline is run, nobody
/// may frame the page, and nothing is kept.
const HEADERS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// What answers the page.
pub(crate) trait PlaygroundBackend: Send + Sync + 'static {
    /// The answer to a question as JSON; `Err`: why it cannot be answered.
    fn answer(&self, body: &[u8]) -> Result<String, String>;

    /// What the page offers to begin with, as JSON.
    fn examples(&self) -> Result<String, String>;
}

/// One file of the page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageFile {
    /// The path that it is asked for with.
    pub path: &'static str,
    /// Its media type.
    pub content_type: &'static str,
    /// What stands in it.
    pub text: &'static str,
}

/// The page's server, whose port is bound.
#[derive(Debug)]
pub(crate) struct PlaygroundServer {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
}

impl PlaygroundServer {
    pub(crate) fn bind<B: PlaygroundBackend>(
        listen: ListenAddress,
        backend: Arc<B>,
        files: &'static [PageFile],
    ) -> Result<Self, ServerError> {
        let failed = |source| ServerError::Bind {
            what: "playground",
            address: listen.socket_address(),
            source,
        };
        let listener = listen.bind().map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self {
            router: router(backend, files, address),
            listener,
            address,
        })
    }

    /// Where the page is, with the real port where 0 was asked for.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until Ctrl-C, or until it is told to end otherwise.
    pub(crate) async fn run(self) -> Result<(), ServerError> {
        let mut signals = super::run::Signals::new()?;
        let serving = axum::serve(self.listener, self.router);
        // Browsers keep connections open; a page that keeps nothing has nothing to finish.
        tokio::select! {
            served = async { serving.await } => served.map_err(|source| ServerError::Stopped {
                what: "playground",
                source: Some(source),
            }),
            _ = signals.next() => Ok(()),
        }
    }
}

struct Shared<B> {
    backend: Arc<B>,
    answering: Semaphore,
}

fn router<B: PlaygroundBackend>(
    backend: Arc<B>,
    files: &'static [PageFile],
    address: SocketAddr,
) -> Router {
    let shared = Arc::new(Shared {
        backend,
        answering: Semaphore::new(ANSWERING),
    });
    let mut router = Router::new()
        .route("/api/answer", post(answer::<B>))
        .route("/api/examples", get(examples::<B>))
        .with_state(shared);
    for file in files {
        router = router.route(
            file.path,
            get(move || async { ([(header::CONTENT_TYPE, file.content_type)], file.text) }),
        );
    }
    router
        .fallback(|| async { (StatusCode::NOT_FOUND, "no such path\n") })
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn(move |request, next| {
            guarded(address, request, next)
        }))
}

/// Answers only this machine's own page, with the headers that every response has.
async fn guarded(address: SocketAddr, request: Request, next: Next) -> Response {
    let mut response = if is_own(address, request.headers()) {
        next.run(request).await
    } else {
        let text = "this page answers under the address that it printed, and to no other page\n";
        (StatusCode::FORBIDDEN, text).into_response()
    };
    for (name, value) in HEADERS {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}

/// Whether a request is for an address of this server and comes from no foreign page.
fn is_own(address: SocketAddr, headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(host) = text(header::HOST) else {
        return false;
    };
    let name = host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) {
            name
        } else {
            host
        }
    });
    let ip: Option<IpAddr> = name.trim_matches(['[', ']']).parse().ok();
    let is_known = match ip {
        Some(ip) => !address.ip().is_loopback() || ip.is_loopback(),
        None => name == "localhost",
    };
    let origin = text(header::ORIGIN);
    is_known && origin.is_none_or(|origin| origin == format!("http://{host}"))
}

async fn answer<B: PlaygroundBackend>(
    State(shared): State<Arc<Shared<B>>>,
    headers: HeaderMap,
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Response {
    let content_type = headers.get(header::CONTENT_TYPE);
    if content_type.is_none_or(|value| value != "application/json") {
        let text = "expected content-type application/json\n";
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, text).into_response();
    }
    let body = match body {
        Ok(body) => body,
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            let text =
                format!("template and manifest are larger than {BODY_LIMIT} bytes together\n");
            return (StatusCode::PAYLOAD_TOO_LARGE, text).into_response();
        }
        Err(rejection) => return rejection.into_response(),
    };
    respond(shared, move |backend| backend.answer(&body)).await
}

async fn examples<B: PlaygroundBackend>(State(shared): State<Arc<Shared<B>>>) -> Response {
    respond(shared, B::examples).await
}

/// Computes JSON beside the threads that serve.
async fn respond<B: PlaygroundBackend>(
    shared: Arc<Shared<B>>,
    make: impl FnOnce(&B) -> Result<String, String> + Send + 'static,
) -> Response {
    let permit = shared.answering.acquire().await;
    let backend = Arc::clone(&shared.backend);
    let made = tokio::task::spawn_blocking(move || make(&backend)).await;
    drop(permit);
    match made {
        Ok(Ok(json)) => ([(header::CONTENT_TYPE, "application/json")], json).into_response(),
        Ok(Err(problem)) => (StatusCode::BAD_REQUEST, problem + "\n").into_response(),
        Err(_) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "answering this failed: please report it as a bug\n",
        )
            .into_response(),
    }
}

#[cfg(test)]
mod tests;
