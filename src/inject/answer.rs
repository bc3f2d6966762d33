//! From a request to the response that states its decision.

mod regarding;

use std::sync::Arc;

use serde_json::value::RawValue;

use super::decision_cache::DecisionCache;
use super::engine::{Engine, has_status};
use super::request_context::RequestContext;
use super::trace::Trace;
use super::verdict::{Decision, Reason, Verdict};
use crate::review::pod::{self, AskingPod, NamedPod};
use crate::review::{Pod, Request, Response, Text, request};
use crate::wording::with_sources;
pub use regarding::Regarding;

/// The two questions that are answered about a review, each at a path of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    /// What becomes of a pod ([`Engine::review`]).
    Mutate,
    /// What will become of the pods of a workload ([`Engine::advise`]).
    Advise,
}

impl Endpoint {
    /// The word in paths, log lines and metrics.
    pub fn as_str(self) -> &'static str {
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
        /// The decision that the response states; where it is a recent one, without its patch, which is
        /// in the response alone.
        decision: Arc<Decision>,
        /// Whether it is the one that an earlier pod like this got.
        is_recent: bool,
        /// What an event about the decision regards; `None` where none is due.
        regarding: Option<Regarding>,
    },
    /// The namespace is newer than what is known of the cluster: to be asked again when more is
    /// known, and else to be answered with HTTP status 429, after which the API server asks again.
    NamespaceUnknown {
        /// `request.namespace`.
        namespace: String,
        /// The JSON document to send with HTTP status 200 instead, where advice is all that is lost.
        otherwise: Option<Vec<u8>>,
    },
    /// Bytes that no review can be made of: to be answered with HTTP status 400 and this text.
    BadRequest(String),
}

impl Engine {
    /// Answers the bytes of a review as one of the endpoints does.
    pub fn answer(&self, endpoint: Endpoint, body: &[u8]) -> Answer {
        match endpoint {
            Endpoint::Mutate => self.review(body),
            Endpoint::Advise => self.advise(body),
        }
    }

    /// Answers the bytes of an `admission.k8s.io/v1` AdmissionReview, as an earlier one where that was
    /// of a pod like this.
    pub fn review(&self, body: &[u8]) -> Answer {
        if let Some(answer) = self.decide_unread(body) {
            return answer;
        }
        let namespaces = &self.settings().namespaces;
        let recent = self.recent();
        let asked = recent.and_then(|recent| DecisionCache::form(body).map(|form| (recent, form)));
        let earlier = asked.as_ref();
        let earlier = earlier.and_then(|(recent, form)| recent.recall(form, body, namespaces));
        if let Some(answer) = earlier {
            return answer;
        }
        let Ok(request) = request::read::<AskingPod<'_>>(body) else {
            return self.review_noting(body, None);
        };
        let request = request.map(|pod| pod.0);
        let answer = self.decide_about(body, &request);
        if let Some((recent, form)) = asked {
            recent.keep((form, body), &request, &answer, namespaces);
        }
        answer
    }

    /// The answer to a review of a pod that no template can be selected for, of which the names alone
    /// are read: labels and annotations make a difference only to a mirror pod, which a node makes. So
    /// nothing is said of a form that they could not have in an API server.
    fn decide_unread(&self, body: &[u8]) -> Option<Answer> {
        let may_concern = self.catalog().has_unasked()
            || self.settings().namespaces.has_asking()
            || pod::names_our_key(body);
        if may_concern {
            return None;
        }
        let request = request::read::<NamedPod<'_>>(body).ok()?;
        let may_ask = request.object.as_ref().is_some_and(NamedPod::may_ask);
        if may_ask || request.is_from_node() {
            return None;
        }
        Some(self.decide_about(body, &request.map(|named| named.pod)))
    }

    /// The answer to a review that was read.
    fn decide_about(&self, body: &[u8], request: &Request<'_, Pod<'_>>) -> Answer {
        // Mostly the pod is seen for the first time: then one pass is enough.
        if request.object.as_ref().is_some_and(has_status) {
            return self.review_noting(body, None);
        }
        answer(request, |subject, pod| {
            let waits = self.must_wait(subject, pod);
            (!waits).then(|| DecidedPod::pod(pod, self.decide_first(subject, pod)))
        })
    }

    /// Answers a review, and takes notes on the way where somebody asks why.
    pub(crate) fn review_noting(&self, body: &[u8], trace: Option<&Trace>) -> Answer {
        match request::read::<&RawValue>(body) {
            Ok(request) => answer(&request, |subject, object| {
                let pod: Option<Pod<'_>> = serde_json::from_str(object.get()).ok();
                if pod.as_ref().is_some_and(|pod| self.must_wait(subject, pod)) {
                    return None;
                }
                let decision = self.decide_noting(subject, object.get(), trace);
                Some(match pod {
                    Some(pod) => DecidedPod::pod(&pod, decision),
                    None => DecidedPod::named(decision, String::new()),
                })
            }),
            Err(error) => Answer::BadRequest(with_sources(&error)),
        }
    }
}

/// A decision, and whom it is about.
struct DecidedPod {
    decision: Decision,
    name: String,
    regarding: Option<Regarding>,
}

impl DecidedPod {
    fn named(decision: Decision, name: String) -> Self {
        Self {
            decision,
            name,
            regarding: None,
        }
    }

    fn pod(pod: &Pod<'_>, decision: Decision) -> Self {
        Self {
            name: name(pod),
            regarding: Regarding::of(pod, &decision),
            decision,
        }
    }
}

/// Answers a request that was read; `decide` gives the decision about its object, and nothing where
/// the namespace is not known yet.
fn answer<O>(
    request: &Request<'_, O>,
    decide: impl FnOnce(&RequestContext, &O) -> Option<DecidedPod>,
) -> Answer {
    let uid = request.uid.as_str().to_owned();
    let namespace = text(request.namespace.as_ref());
    let plain = |reason, message: &str| {
        let decision = Decision::plain(reason, message);
        Some(DecidedPod::named(decision, text(request.name.as_ref())))
    };
    let decided = match &request.object {
        _ if !request.is_about_a_pod() => plain(Reason::NotAPod, "the request is not about a pod"),
        _ if !request.is_creation() => plain(
            Reason::NotACreation,
            "pods are changed at their creation alone",
        ),
        None => plain(
            Reason::ReviewInvalid,
            "request.object is missing: a CREATE brings the pod to create",
        ),
        Some(object) => decide(&subject(request), object),
    };
    let Some(DecidedPod {
        decision,
        name,
        regarding,
    }) = decided
    else {
        return Answer::NamespaceUnknown {
            namespace,
            otherwise: None,
        };
    };
    Answer::Review {
        body: response(&uid, &decision).to_json(),
        uid,
        namespace,
        pod: name,
        dry_run: request.dry_run.unwrap_or(false),
        decision: Arc::new(decision),
        is_recent: false,
        regarding,
    }
}

/// Whose pod a request is about.
pub(crate) fn subject<O>(request: &Request<'_, O>) -> RequestContext {
    RequestContext {
        namespace: text(request.namespace.as_ref()),
        from_node: request.is_from_node(),
        user: request.user().map(str::to_owned),
        annotations: std::collections::BTreeMap::new(),
    }
}

/// A text, empty where it is absent.
pub(crate) fn text(text: Option<&Text<'_>>) -> String {
    text.map(|text| text.as_str().to_owned())
        .unwrap_or_default()
}

/// `metadata.name`, else `metadata.generateName`.
fn name(pod: &Pod<'_>) -> String {
    let name = pod
        .metadata
        .as_ref()
        .and_then(|metadata| metadata.name.as_ref().or(metadata.generate_name.as_ref()));
    text(name)
}

/// The longest audit annotation in characters: every event of a pod carries it.
const LONGEST_AUDIT: usize = 2048;

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
        .with_audit("verdict", audit(decision));
    let mut findings = decision.logged_findings().join("; ");
    if let Some((end, _)) = findings.char_indices().nth(LONGEST_AUDIT) {
        findings.truncate(end);
    }
    // Others may have changed what is found since the first call said it.
    let response = if findings.is_empty() || decision.reason == Reason::AlreadyInjected {
        response
    } else {
        response.with_audit("findings", findings)
    };
    if decision.patch.is_empty() {
        response
    } else {
        response.with_patch(decision.patch.to_json())
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

#[cfg(test)]
mod tests;
