//! A webhook of the bench's own, on the libraries that Pillion stands on: it answers what it was
//! told beforehand, decides nothing, and counts.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::post;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::pods::{TOKEN, token_volume};
use crate::support::certificates::Authority;
use crate::support::failure::{During, Outcome};
use crate::support::webhook::{MISSING_TEMPLATE, SERVER_NAME};

/// What is in a pod once it has its helper: the API server calls a second time then.
const HELPER: &str = r#""name":"pgbouncer""#;

/// What a handler answers; by default nothing but the review's `uid`.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    /// The patch as JSON. The name of the token's volume is written as [`TOKEN`] there.
    pub(crate) patch: Option<String>,
    /// What follows the patch in the response, from its comma: audit annotations and warnings.
    pub(crate) besides: String,
    /// The same for the second call, which gets no patch.
    pub(crate) besides_again: String,
}

impl Reply {
    /// The AdmissionReview that answers this one.
    fn answer(&self, review: &str) -> String {
        let uid = uid_of(review);
        if review.contains(MISSING_TEMPLATE) {
            let why = r#""status":{"code":422,"message":"there is no such template"}"#;
            return response(uid, "false", &format!(",{why}"));
        }
        let Some(patch) = &self.patch else {
            return response(uid, "true", &self.besides);
        };
        if review.contains(HELPER) {
            return response(uid, "true", &self.besides_again);
        }
        let patch = STANDARD.encode(match token_volume(review) {
            Some(name) => patch.replace(TOKEN, name),
            None => patch.clone(),
        });
        let besides = &self.besides;
        let rest = format!(r#","patch":"{patch}","patchType":"JSONPatch"{besides}"#);
        response(uid, "true", &rest)
    }
}

fn response(uid: &str, allowed: &str, rest: &str) -> String {
    format!(
        r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{{"uid":"{uid}","allowed":{allowed}{rest}}}}}"#
    )
}

/// The first `uid` of a review, which is its own.
fn uid_of(review: &str) -> &str {
    let rest = review.split_once(r#""uid":""#).map_or("", |(_, rest)| rest);
    rest.split('"').next().unwrap_or_default()
}

/// What is shared between the bench and the requests.
#[derive(Debug, Default)]
struct Shared {
    reply: Mutex<Arc<Reply>>,
    calls: AtomicU64,
    /// The latest review, where it is to be kept.
    kept: Mutex<Option<Vec<Bytes>>>,
}

/// The running webhook, on a loopback port.
pub(crate) struct Handler {
    /// Where it listens.
    pub(crate) port: u16,
    /// What vouches for it, PEM.
    pub(crate) authority: String,
    shared: Arc<Shared>,
}

impl Handler {
    /// Starts serving; it ends with this process' runtime.
    pub(crate) async fn start() -> Outcome<Self> {
        let authority = Authority::new("pillion-bench-webhook")?;
        let issued = authority.serving(&[SERVER_NAME])?;
        let tls = RustlsConfig::from_pem(issued.certificate.into(), issued.key.into()).await;
        let tls = RustlsAcceptor::new(tls.during("use a serving certificate")?)
            .acceptor(NoDelayAcceptor::new());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.during("bind a loopback port")?;
        let port = listener.local_addr().during("read a port")?.port();
        let shared = Arc::new(Shared::default());
        let router = Router::new()
            .route("/mutate", post(answer))
            .with_state(Arc::clone(&shared));
        let server = axum_server::Server::<SocketAddr>::from_listener(listener).acceptor(tls);
        tokio::spawn(server.serve(router.into_make_service()));
        Ok(Self {
            port,
            authority: authority.pem().to_owned(),
            shared,
        })
    }

    /// Answers with this from now on.
    pub(crate) fn reply_with(&self, reply: &Arc<Reply>) {
        *lock(&self.shared.reply) = Arc::clone(reply);
    }

    /// How many reviews came so far, but for those that ask whether anybody is there.
    pub(crate) fn calls(&self) -> u64 {
        self.shared.calls.load(Ordering::Relaxed)
    }

    /// Keeps every review from now on.
    pub(crate) fn keep(&self) {
        *lock(&self.shared.kept) = Some(Vec::new());
    }

    /// The reviews that came since [`keep`](Self::keep); no more are kept.
    pub(crate) fn kept(&self) -> Vec<Bytes> {
        lock(&self.shared.kept).take().unwrap_or_default()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(State(shared): State<Arc<Shared>>, body: Bytes) -> impl IntoResponse {
    let review = String::from_utf8_lossy(&body);
    let reply = Arc::clone(&lock(&shared.reply));
    let answer = reply.answer(&review);
    if !review.contains(MISSING_TEMPLATE) {
        shared.calls.fetch_add(1, Ordering::Relaxed);
        if let Some(kept) = lock(&shared.kept).as_mut() {
            kept.push(body.clone());
        }
    }
    ([(CONTENT_TYPE, "application/json")], answer)
}

/// Audit annotations and warnings as they follow a patch in a response.
pub(crate) fn besides(audit_annotations: &Value, warnings: &Value) -> String {
    let part = |name: &str, value: &Value| match value {
        Value::Null => String::new(),
        value => format!(",{}:{value}", json!(name)),
    };
    part("auditAnnotations", audit_annotations) + &part("warnings", warnings)
}
