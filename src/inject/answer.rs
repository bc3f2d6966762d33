//! Answers: the response that states a decision, and what the log and events say about it.

mod regarding;

use std::sync::Arc;

use super::verdict::{Decision, Reason, Verdict};
use crate::review::{Json, Pod, Request, Response, Text};
use crate::wording::bounded;
pub use regarding::Regarding;

/// The paths at which reviews are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    /// What becomes of a pod ([`Engine::review`](super::Engine::review)).
    Mutate,
    /// What will become of the pods of a workload ([`Engine::advise`](super::Engine::advise)).
    Advise,
}

impl Endpoint {
    /// The word in paths, log lines and metrics.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Mutate => "mutate",
            Self::Advise => "advise",
        }
    }
}

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
        /// `metadata.name`, else `metadata.generateName`, of the pod; where the review is about a
        /// workload, that of the workload behind its kind, as in `Deployment/orders`.
        pod: String,
        /// `request.dryRun`.
        dry_run: bool,
        /// The decision that the response states.
        decision: Arc<Decision>,
        /// What an event about the decision regards; `None` where there is none to send.
        regarding: Option<Regarding>,
        /// Whether no entry of the shipped webhook configuration matches the pod while its namespace has the labels
        /// that the watch cache holds: then the API server, which has sent it, may know newer ones.
        matches_no_entry: bool,
    },
    /// The namespace is not in the watch cache yet. Retry when it is; otherwise answer 429, after which
    /// the API server retries.
    NamespaceUnknown {
        /// `request.namespace`.
        namespace: String,
        /// The JSON document to send with HTTP status 200 instead, where advice is all that is lost.
        otherwise: Option<Vec<u8>>,
    },
    /// The bytes are no review: answer 400 with this text.
    BadRequest(String),
}

impl Answer {
    /// The answer to a request about a pod.
    pub(super) fn to(request: &Request<'_>, decided: DecidedPod) -> Self {
        let decision = &decided.decision;
        let message = match decision.verdict() {
            Verdict::Denied => format!("{}: {}", decision.reason, decision.message),
            _ => String::new(),
        };
        let message = bounded(&message);
        let body = response(request.uid.as_str(), decision, &message).to_json();
        Self::with_body(request, body, decided)
    }

    /// The answer to a request by this response as JSON.
    pub(super) fn with_body(request: &Request<'_>, body: Vec<u8>, decided: DecidedPod) -> Self {
        Self::Review {
            body,
            uid: request.uid.as_str().to_owned(),
            namespace: text(request.namespace.as_ref()),
            pod: decided.name,
            dry_run: request.dry_run.unwrap_or(false),
            decision: Arc::new(decided.decision),
            regarding: decided.regarding,
            matches_no_entry: decided.matches_no_entry,
        }
    }

    /// The answer to a request whose namespace is not in the watch cache yet.
    pub(super) fn unknown_namespace(request: &Request<'_>, otherwise: Option<Vec<u8>>) -> Self {
        Self::NamespaceUnknown {
            namespace: text(request.namespace.as_ref()),
            otherwise,
        }
    }
}

/// A decision and the pod that it was made for.
pub(super) struct DecidedPod {
    decision: Decision,
    name: String,
    regarding: Option<Regarding>,
    /// As [`Answer::Review`] says.
    pub(super) matches_no_entry: bool,
}

impl DecidedPod {
    /// The decision about a pod.
    pub(super) fn of(pod: &Pod<'_>, decision: Decision) -> Self {
        let metadata = pod.metadata.as_ref();
        let name = metadata
            .and_then(|metadata| metadata.name.as_ref().or(metadata.generate_name.as_ref()));
        Self {
            name: text(name),
            regarding: Regarding::of(pod, &decision),
            decision,
            matches_no_entry: false,
        }
    }

    /// The decision about a request that creates no pod.
    pub(super) fn none(request: &Request<'_>, decision: Decision) -> Self {
        Self::named(text(request.name.as_ref()), decision)
    }

    /// A decision that no event is sent about.
    pub(super) fn named(name: String, decision: Decision) -> Self {
        Self {
            decision,
            name,
            regarding: None,
            matches_no_entry: false,
        }
    }
}

/// The pod that a request creates; `Err`: the decision about a request that creates none.
pub(crate) fn pod_to_create<'r>(request: &Request<'r>) -> Result<Json<'r>, Box<Decision>> {
    let plain = |reason, message| Err(Box::new(Decision::plain(reason, message)));
    match request.object {
        _ if !request.is_about_a_pod() => plain(Reason::NotAPod, "the request is not about a pod"),
        _ if !request.is_creation() => plain(
            Reason::NotACreation,
            "pods are changed at their creation alone",
        ),
        None => plain(
            Reason::ReviewInvalid,
            "request.object is missing: a CREATE brings the pod to create",
        ),
        Some(object) => Ok(object),
    }
}

/// A text, empty where it is absent.
pub(super) fn text(text: Option<&Text<'_>>) -> String {
    text.map_or_else(String::new, |text| text.as_str().to_owned())
}

/// The longest audit annotation in characters: every event of a pod carries it.
const LONGEST_AUDIT: usize = 2048;

/// The response that states a decision; where that is a refusal, in these words.
fn response<'a>(uid: &'a str, decision: &Decision, refusal: &'a str) -> Response<'a> {
    let reason = decision.reason;
    let mut response = if decision.verdict() == Verdict::Denied {
        Response::denied(uid, reason.http_code(), reason.code(), refusal)
    } else {
        Response::allowed(uid)
    };
    response = response
        .with_warnings(decision.warnings())
        .with_audit("verdict", audit(decision));
    let mut findings = decision.logged_findings().join("; ");
    if let Some((end, _)) = findings.char_indices().nth(LONGEST_AUDIT) {
        findings.truncate(end);
    }
    // Others may have changed what is found since the first call said it.
    if !findings.is_empty() && decision.reason != Reason::AlreadyInjected {
        response = response.with_audit("findings", findings);
    }
    if !decision.patch.is_empty() {
        response = response.with_patch(decision.patch.to_json());
    }
    response
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

#[cfg(test)]
mod tests;
