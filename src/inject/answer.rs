//! From a request to the response that states its decision.

use super::engine::Engine;
use super::subject::Subject;
use super::verdict::{Decision, Reason, Verdict};
use crate::review::{Pod, Request, Response, Text, request};

/// What an AdmissionReview is answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// An AdmissionReview with a response.
    Review {
        /// The JSON document to send with HTTP status 200.
        body: Vec<u8>,
        /// `request.uid`.
        uid: String,
        /// `request.namespace`.
        namespace: String,
        /// `metadata.name`, else `metadata.generateName`, of the pod.
        pod: String,
        /// `request.dryRun`.
        dry_run: bool,
        /// The decision that the response states.
        decision: Box<Decision>,
    },
    /// Bytes that no review can be made of: to be answered with HTTP status 400 and this text.
    BadRequest(String),
}

impl Engine {
    /// Answers the bytes of an `admission.k8s.io/v1` AdmissionReview.
    pub fn review(&self, body: &[u8]) -> Answer {
        match request::read(body) {
            Ok(request) => answer(self, &request),
            Err(error) => Answer::BadRequest(with_sources(&error)),
        }
    }
}

/// Answers a request that was read.
fn answer(engine: &Engine, request: &Request<'_>) -> Answer {
    let uid = request.uid.as_str().to_owned();
    let namespace = text(request.namespace.as_ref());
    let (decision, pod) = decide(engine, request, &namespace);
    Answer::Review {
        body: response(&uid, &decision).to_json(),
        uid,
        namespace,
        pod,
        dry_run: request.dry_run.unwrap_or(false),
        decision: Box::new(decision),
    }
}

fn text(text: Option<&Text<'_>>) -> String {
    text.map(|text| text.as_str().to_owned())
        .unwrap_or_default()
}

fn decide(engine: &Engine, request: &Request<'_>, namespace: &str) -> (Decision, String) {
    if !request.is_about_a_pod() {
        let decision = Decision::plain(Reason::NotAPod, "the request is not about a pod");
        return (decision, text(request.name.as_ref()));
    }
    if !request.is_creation() {
        let message = "pods are changed at their creation alone";
        let decision = Decision::plain(Reason::NotACreation, message);
        return (decision, text(request.name.as_ref()));
    }
    let Some(object) = request.object else {
        let message = "request.object is missing: a CREATE brings the pod to create";
        let decision = Decision::plain(Reason::ReviewInvalid, message);
        return (decision, text(request.name.as_ref()));
    };
    let subject = Subject {
        namespace: namespace.to_owned(),
        from_node: request.is_from_node(),
        annotations: std::collections::BTreeMap::new(),
    };
    (
        engine.decide(&subject, object.get()),
        pod_name(object.get()),
    )
}

/// `metadata.name`, else `metadata.generateName`.
fn pod_name(pod: &str) -> String {
    let pod: Option<Pod<'_>> = serde_json::from_str(pod).ok();
    let metadata = pod.and_then(|pod| pod.metadata).unwrap_or_default();
    text(metadata.name.as_ref().or(metadata.generate_name.as_ref()))
}

/// The response that states a decision.
fn response(uid: &str, decision: &Decision) -> Response {
    let reason = decision.reason;
    let warnings = decision.warnings();
    let response = if decision.verdict() == Verdict::Denied {
        let message = format!("{reason}: {}", decision.message);
        Response::denied(uid, reason.http_code(), reason.code(), &message)
    } else {
        Response::allowed(uid)
    };
    let response = response
        .with_warnings(warnings)
        .with_audit("verdict", &audit(decision));
    if decision.patch.is_empty() {
        response
    } else {
        response.with_patch(&decision.patch.to_json())
    }
}

/// The verdict for the audit log. The API server refuses a second, different value for the same
/// key, so the second call repeats what the first said.
fn audit(decision: &Decision) -> String {
    let of_templates = decision.outcomes.iter().map(|outcome| outcome.reason);
    let first = of_templates.min_by_key(|reason| reason.verdict());
    let reason = match (decision.reason, first) {
        (Reason::AlreadyInjected, Some(first)) => first,
        (reason, _) => reason,
    };
    format!("{} ({reason})", reason.verdict())
}

/// An error with its sources, in one line.
fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(next) = source {
        text = format!("{text}: {next}");
        source = next.source();
    }
    text
}

#[cfg(test)]
mod tests;
