//! A request that is not answered with a review: its status, and a text that says what would be
//! right.

use std::time::Duration;

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::server::Backend;

#[derive(Debug)]
pub(super) struct Rejection {
    pub(super) status: StatusCode,
    text: String,
}

impl Rejection {
    pub(super) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { status, text }
    }

    /// The server is too busy: the API server tries again.
    pub(super) fn busy(text: impl Into<String>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, text)
    }

    /// The review took longer than the API server waits.
    pub(super) fn late(deadline: Duration) -> Self {
        let seconds = deadline.as_secs();
        let text = format!("the request was not read and answered within {seconds} s");
        Self::new(StatusCode::REQUEST_TIMEOUT, text)
    }

    /// Deciding ended in a panic.
    pub(super) fn defect() -> Self {
        tracing::error!("a review was not answered because of a panic");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the review was not answered because of a defect in Pillion; its log says where",
        )
    }

    /// Counts the rejection and answers it.
    pub(super) fn respond(self, backend: &impl Backend) -> Response {
        let status = self.status.as_u16();
        backend.rejected(status);
        tracing::debug!(status, text = self.text.as_str(), "request rejected");
        let mut response = (self.status, self.text + "\n").into_response();
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            // Without it the API server does not try again (client-go, rest/with_retry.go).
            let headers = response.headers_mut();
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// A header's value or a name in a text, cut to a length that is fit to read.
pub(super) fn quoted(value: &str) -> String {
    if value.is_empty() {
        return "none".to_owned();
    }
    let shown: String = value.chars().take(100).collect();
    format!("{shown:?}")
}
