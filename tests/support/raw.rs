//! Requests whose body and answer stay plain JSON: typed objects would drop the very
//! fields that a scenario is about, and would hide the warnings in the header.

use axum::http::{Request, header::CONTENT_TYPE, header::WARNING};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use serde_json::Value;

use super::failure::{During, Failure, Outcome};

/// What the API server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// What identifies the request in the audit log.
    pub(crate) audit_id: String,
    /// The texts of the `Warning` headers, as `kubectl` shows them.
    pub(crate) warnings: Vec<String>,
    /// The object, or a `Status` that says why not.
    pub(crate) body: Value,
}

impl Answer {
    /// Whether the request was granted.
    pub(crate) fn granted(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The message of a `Status`, empty when this is no refusal.
    pub(crate) fn message(&self) -> &str {
        self.body
            .get("message")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

/// POSTs `object` to `path`, for example `/api/v1/namespaces/a/pods?dryRun=All`.
pub(crate) async fn post(client: &Client, path: &str, object: &Value) -> Outcome<Answer> {
    let request = Request::post(path)
        .header(CONTENT_TYPE, "application/json")
        .body(Body::from(object.to_string().into_bytes()))
        .during("build a request")?;
    send(client, &format!("POST {path}"), request).await
}

/// GETs the object at `path`.
pub(crate) async fn get(client: &Client, path: &str) -> Outcome<Answer> {
    let request = Request::get(path)
        .body(Body::empty())
        .during("build a request")?;
    send(client, &format!("GET {path}"), request).await
}

/// Waits until the API server's watch cache has this version of the object at `path`, or a later
/// one: a patch is tried on what that cache has, so the webhooks may be called for an old object
/// first and once more for the one that is stored.
pub(crate) async fn cached(client: &Client, path: &str, object: &Value) -> Outcome {
    let version = object.pointer("/metadata/resourceVersion");
    let version = version.and_then(Value::as_str).unwrap_or_default();
    let answer = get(client, &format!("{path}?resourceVersion={version}")).await?;
    if answer.granted() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "failed to wait for version `{version}` of {path}: {}",
        answer.message()
    )))
}

/// Deletes the object at `path`.
pub(crate) async fn delete(client: &Client, path: &str) -> Outcome<Answer> {
    let request = Request::delete(path)
        .body(Body::empty())
        .during("build a request")?;
    send(client, &format!("DELETE {path}"), request).await
}

/// Merges `patch` into the object at `path`.
pub(crate) async fn merge(client: &Client, path: &str, patch: &Value) -> Outcome<Answer> {
    let request = Request::patch(path)
        .header(CONTENT_TYPE, "application/merge-patch+json")
        .body(Body::from(patch.to_string().into_bytes()))
        .during("build a request")?;
    send(client, &format!("PATCH {path}"), request).await
}

async fn send(client: &Client, what: &str, request: Request<Body>) -> Outcome<Answer> {
    let response = client.send(request).await.during(&format!("send {what}"))?;
    let status = response.status().as_u16();
    let audit_id = response.headers().get("audit-id");
    let audit_id = audit_id.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let audit_id = audit_id.ok_or_else(|| Failure::new(format!("{what}: no Audit-Id")))?;
    let warnings = response
        .headers()
        .get_all(WARNING)
        .iter()
        .map(|value| warning_text(&String::from_utf8_lossy(value.as_bytes())))
        .collect();
    let bytes = response
        .into_body()
        .collect()
        .await
        .during(&format!("read the answer of {what}"))?
        .to_bytes();
    let body = serde_json::from_slice(&bytes).during(&format!("parse the answer of {what}"))?;
    Ok(Answer {
        status,
        audit_id,
        warnings,
        body,
    })
}

/// The text of `299 - "text"`, in which quotes and backslashes are escaped (RFC 9110, 5.6.4).
fn warning_text(value: &str) -> String {
    let quoted = value.splitn(3, ' ').nth(2).unwrap_or(value);
    let inner = quoted
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(quoted);
    inner.replace("\\\"", "\"").replace("\\\\", "\\")
}
