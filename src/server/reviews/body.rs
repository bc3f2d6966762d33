//! Reading the body of a review within the limits of one body, one peer and the whole server.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use http_body_util::BodyExt;
use tokio::time::timeout;

use super::rejection::{Rejection, quoted};
use crate::server::BODY_LIMIT;
use crate::server::peers::PeerShare;

/// How much of a body is read and thrown away before it is refused. A client that is still sending
/// when the connection closes sees a reset, not the text; the API server, which never sends more
/// than a few times the limit, shall see the text.
const DISCARD_LIMIT: usize = 4 * BODY_LIMIT;

/// How long that takes at most: a client that stops sending gets its answer then.
const DISCARD_PATIENCE: Duration = Duration::from_secs(2);

/// What is reserved for a body whose length is declared, before it comes.
const RESERVED: usize = 64 * 1024;

/// Whether headers announce plain JSON.
pub(super) fn check_headers(headers: &HeaderMap) -> Result<(), Rejection> {
    let value = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let content_type = value(header::CONTENT_TYPE).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err(Rejection::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!(
                "expected Content-Type application/json, got {}",
                quoted(content_type)
            ),
        ));
    }
    match value(header::CONTENT_ENCODING) {
        None | Some("identity") => Ok(()),
        Some(encoding) => Err(Rejection::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!(
                "expected a body without Content-Encoding, got {}",
                quoted(encoding)
            ),
        )),
    }
}

/// Reads the body, up to [`BODY_LIMIT`] and as far as `share` has room for what has come. What was
/// only announced takes no room: an announcement costs its sender nothing.
pub(super) async fn read(request: Request, share: &mut PeerShare) -> Result<Bytes, Rejection> {
    let declared = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let waits = request.headers().contains_key(header::EXPECT);
    let mut body = request.into_body();
    if declared.is_some_and(|length| length > BODY_LIMIT) {
        // A client that asks before it sends can be refused before it sends.
        if !waits {
            discard(body).await;
        }
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(declared.unwrap_or_default().min(RESERVED));
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            let text = format!("the body could not be read: {error}");
            Rejection::new(StatusCode::BAD_REQUEST, text)
        })?;
        let Some(data) = frame.data_ref() else {
            continue;
        };
        let rejection = if bytes.len() + data.len() > BODY_LIMIT {
            too_large()
        } else if !share.take(data.len()) {
            Rejection::busy("too many bytes of reviews are being received; retry")
        } else {
            bytes.extend_from_slice(data);
            continue;
        };
        drop((frame, bytes));
        discard(body).await;
        return Err(rejection);
    }
    Ok(bytes.into())
}

fn too_large() -> Rejection {
    Rejection::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("the body is larger than {BODY_LIMIT} bytes, the most that a review can need"),
    )
}

/// Throws away what is left of a body, within bounds.
pub(super) async fn discard(mut body: Body) {
    let read = async {
        let mut left = DISCARD_LIMIT;
        while let Some(Ok(frame)) = body.frame().await {
            let length = frame.data_ref().map_or(0, Bytes::len);
            left = left.saturating_sub(length);
            if left == 0 {
                return;
            }
        }
    };
    // Whether it was read whole or not, the answer is the same.
    let _ = timeout(DISCARD_PATIENCE, read).await;
}
