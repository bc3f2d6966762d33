//! Health, readiness and metrics, in plain HTTP for the kubelet and for Prometheus.
//!
//! They have a port of their own, so that the webhook's port can be closed to all but the API
//! server, and so that probes still work when certificates do not.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;

use super::{Backend, Readiness};

/// The content type of `OpenMetrics` 1.0 text.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The admin port's routes.
pub(super) fn router<B: Backend>(backend: Arc<B>, readiness: Readiness) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready).with_state(readiness))
        .route("/metrics", get(metrics::<B>).with_state(backend))
        .method_not_allowed_fallback(|| async {
            (
                StatusCode::METHOD_NOT_ALLOWED,
                "only GET is answered here\n",
            )
        })
        .fallback(|| async {
            (
                StatusCode::NOT_FOUND,
                "no such path: this port answers /healthz, /readyz and /metrics\n",
            )
        })
}

async fn ready(State(readiness): State<Readiness>) -> (StatusCode, String) {
    match readiness.missing() {
        None => (StatusCode::OK, "ok\n".to_owned()),
        Some(reasons) => (StatusCode::SERVICE_UNAVAILABLE, reasons),
    }
}

async fn metrics<B: Backend>(State(backend): State<Arc<B>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, OPEN_METRICS)], backend.metrics())
}
