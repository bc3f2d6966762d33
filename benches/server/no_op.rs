//! The least that a webhook on this stack can do: read the review, find its uid, allow it.
//!
//! The libraries, the TLS configuration, the runtime and the socket options are those of the server,
//! so that what is more in the server is Pillion's own.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use pillion::tls::{Pair, Store, development, server_config};
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::failure::{During, Outcome};

/// The argument that makes this executable the no-op; the file of its authority follows.
pub(crate) const ARGUMENT: &str = "no-op";

#[derive(Deserialize)]
struct Review<'a> {
    #[serde(borrow)]
    request: Request<'a>,
}

#[derive(Deserialize)]
struct Request<'a> {
    uid: &'a str,
}

/// Serves until the process is ended.
pub(crate) fn serve(authority: &Path) -> Outcome {
    let made = development(&[]).during("make a certificate")?;
    let name = "certificate of the no-op";
    let certificate = (name, made.certificate_pem.as_bytes());
    let pair = Pair::from_pem(certificate, (name, made.key_pem.as_bytes()));
    let pair = pair.during("read the certificate")?;
    let tls = server_config(Store::new(pair)).during("configure TLS")?;
    let tls = RustlsAcceptor::new(RustlsConfig::from_config(tls)).acceptor(NoDelayAcceptor::new());
    std::fs::write(authority, made.authority_pem).during("write the authority")?;
    let runtime = Runtime::new().during("start a runtime")?;
    runtime.block_on(async {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = TcpListener::bind(any).await.during("bind a port")?;
        let address = listener.local_addr().during("read back the port")?;
        eprintln!("{}", json!({"message": "listening", "webhook": address}));
        let server = axum_server::Server::<SocketAddr>::from_listener(listener).acceptor(tls);
        let router = Router::new()
            .route("/mutate", post(answer))
            .layer(DefaultBodyLimit::disable());
        let served = server.serve(router.into_make_service()).await;
        served.during("serve")
    })
}

async fn answer(body: Bytes) -> Response {
    match serde_json::from_slice::<Review<'_>>(&body) {
        Ok(review) => {
            let uid = review.request.uid;
            let answer = format!(
                r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{{"uid":"{uid}","allowed":true}}}}"#
            );
            ([(header::CONTENT_TYPE, "application/json")], answer).into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
}
