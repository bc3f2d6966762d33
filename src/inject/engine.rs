//! The engine: one immutable snapshot that answers reviews and decides about pods.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::answer;
use super::plan::{self, Circumstances, SAFE_TO_EVICT};
use super::pod::WorkingPod;
use super::repeat;
use super::selection::{self, Asked, Selection};
use super::settings::{Namespace, Settings};
use super::status::{self, Status};
use super::verdict::{Decision, Outcome, Reason, Verdict};
use crate::review::pod::Dictionary;
use crate::review::{Pod, request};
use crate::template::{Catalog, Template};

/// What all annotations of an object may have together, keys included
/// (apimachinery:pkg/api/validation/objectmeta.go, `TotalAnnotationSizeLimitB`).
const ANNOTATIONS_LIMIT: usize = 256 * 1024;

/// Whose pod is decided about, and what is known besides the pod itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// The namespace of the request; it wins over `metadata.namespace`.
    pub namespace: String,
    /// Whether the requester is in the group `system:nodes`: only then a mirror pod is believed.
    pub from_node: bool,
    /// Annotations that the pod is treated to carry besides its own (`--inject` and `--set`).
    pub annotations: BTreeMap<String, String>,
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

/// Templates and settings, ready to decide.
#[derive(Debug, Clone)]
pub struct Engine {
    catalog: Arc<Catalog>,
    settings: Arc<Settings>,
}

/// The pod as a decision came out for it: with what was added, and each template's status.
pub(super) struct Planned {
    pub decision: Decision,
    pub statuses: BTreeMap<String, Status>,
}

impl Engine {
    /// An engine over these templates and settings.
    pub fn new(catalog: Arc<Catalog>, settings: Arc<Settings>) -> Self {
        Self { catalog, settings }
    }

    /// The templates that this engine serves.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// The settings that this engine decides with.
    pub fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }

    /// Answers the bytes of an `admission.k8s.io/v1` AdmissionReview.
    pub fn review(&self, body: &[u8]) -> Answer {
        match request::read(body) {
            Ok(request) => answer::answer(self, &request),
            Err(error) => Answer::BadRequest(answer::with_sources(&error)),
        }
    }

    /// Decides about one pod, given as its JSON text.
    pub fn decide(&self, subject: &Subject, pod: &str) -> Decision {
        match serde_json::from_str::<Pod<'_>>(pod) {
            Ok(read) => self.decide_read(subject, &read, pod),
            Err(error) => unreadable(&error),
        }
    }

    fn decide_read(&self, subject: &Subject, pod: &Pod<'_>, text: &str) -> Decision {
        let namespace = self.settings.namespaces.get(&subject.namespace);
        let (labels, annotations) = metadata(subject, pod);
        let asked = Asked {
            namespace: &subject.namespace,
            namespace_object: &namespace,
            labels: &labels,
            annotations: &annotations,
            from_node: subject.from_node,
        };
        let templates = match selection::select(&self.catalog, &self.settings, asked) {
            Selection::Templates(templates) => templates,
            Selection::Nothing(reason, message) => return Decision::plain(reason, message),
        };
        let has_status = annotations
            .keys()
            .any(|key| key.starts_with(status::PREFIX));
        if has_status && let Some(decision) = repeat::decide(self, subject, &templates, text) {
            return decision;
        }
        match self.plan(subject, pod, &namespace, &templates) {
            Ok(planned) => planned.decision,
            Err(error) => unreadable(&error),
        }
    }

    /// Plans for the pod as it is, whatever its statuses say.
    pub(super) fn plan(
        &self,
        subject: &Subject,
        pod: &Pod<'_>,
        namespace: &Namespace,
        templates: &[Arc<Template>],
    ) -> Result<Planned, serde_json::Error> {
        let mut working = WorkingPod::new(pod)?;
        let (_, annotations) = metadata(subject, pod);
        let helpers: BTreeSet<String> = templates
            .iter()
            .flat_map(|template| template.init_containers.iter().chain(&template.sidecars))
            .map(|container| container.name.clone())
            .collect();
        let with = Circumstances {
            settings: &self.settings,
            namespace_name: &subject.namespace,
            namespace,
            annotations: &annotations,
            helpers: &helpers,
        };
        let mut outcomes = Vec::with_capacity(templates.len());
        let mut statuses = BTreeMap::new();
        for template in templates {
            let (outcome, status) = plan::apply(&mut working, template, with);
            outcomes.push(outcome);
            statuses.insert(template.name.clone(), status);
        }
        Ok(conclude(&mut working, outcomes, statuses))
    }
}

type Texts = BTreeMap<String, String>;

/// Labels and annotations, the subject's included.
fn metadata(subject: &Subject, pod: &Pod<'_>) -> (Texts, Texts) {
    let metadata = pod.metadata.as_ref();
    let labels = own(metadata.and_then(|metadata| metadata.labels.as_ref()));
    let mut annotations = own(metadata.and_then(|metadata| metadata.annotations.as_ref()));
    for (key, value) in &subject.annotations {
        annotations.insert(key.clone(), value.clone());
    }
    (labels, annotations)
}

fn own(dictionary: Option<&Dictionary<'_>>) -> Texts {
    let texts = dictionary.into_iter().flatten();
    texts
        .map(|(key, value)| (key.as_str().to_owned(), value.as_str().to_owned()))
        .collect()
}

fn unreadable(error: &serde_json::Error) -> Decision {
    let message = format!("the pod cannot be read: {error}");
    Decision::plain(Reason::ReviewInvalid, message)
}

/// The pod's verdict from those of its templates, with statuses and patch.
fn conclude(
    pod: &mut WorkingPod<'_>,
    outcomes: Vec<Outcome>,
    statuses: BTreeMap<String, Status>,
) -> Planned {
    let mut decision = verdict(outcomes);
    if decision.verdict() == Verdict::Denied {
        return Planned { decision, statuses };
    }
    mark_evictable(pod, &statuses);
    match write_statuses(pod, &statuses) {
        Ok(()) => decision.patch = pod.patch(),
        Err(message) => {
            decision.reason = Reason::AnnotationsTooLarge;
            decision.message = message;
        }
    }
    Planned { decision, statuses }
}

/// The first verdict, by precedence, of the templates', with its reason.
fn verdict(outcomes: Vec<Outcome>) -> Decision {
    let first = outcomes
        .iter()
        .min_by_key(|outcome| outcome.reason.verdict());
    let Some(first) = first else {
        return Decision::plain(Reason::NothingToAdd, "no template was selected");
    };
    let reason = first.reason;
    let same = outcomes
        .iter()
        .filter(|outcome| outcome.reason.verdict() == reason.verdict());
    let messages = same.map(|outcome| format!("{}: {}", outcome.template, outcome.message));
    let message = messages.collect::<Vec<_>>().join("; ");
    Decision {
        reason,
        message,
        outcomes,
        patch: super::Patch::default(),
    }
}

/// Unites our emptyDirs into the cluster autoscaler's list.
fn mark_evictable(pod: &mut WorkingPod<'_>, statuses: &BTreeMap<String, Status>) {
    let ours: Vec<&String> = statuses
        .values()
        .flat_map(|status| &status.safe_to_evict)
        .collect();
    if ours.is_empty() {
        return;
    }
    let users = pod
        .annotations
        .get(SAFE_TO_EVICT)
        .unwrap_or_default()
        .to_owned();
    let mut names: Vec<&str> = users
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    for name in ours {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    pod.annotations.set(SAFE_TO_EVICT, names.join(","));
}

/// Writes each template's status. A status of a template that added nothing is left out where the
/// annotations would exceed the API server's limit; one that is needed makes it a refusal.
fn write_statuses(
    pod: &mut WorkingPod<'_>,
    statuses: &BTreeMap<String, Status>,
) -> Result<(), String> {
    let size = |pod: &WorkingPod<'_>| -> usize {
        pod.annotations
            .all()
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum()
    };
    let injected = Verdict::Injected.as_str();
    let (needed, others): (Vec<_>, Vec<_>) = statuses
        .iter()
        .partition(|(_, status)| status.verdict == injected);
    for (template, status) in needed {
        pod.annotations
            .set(&Status::key(template), status.to_json());
    }
    let total = size(pod);
    if total > ANNOTATIONS_LIMIT {
        return Err(format!(
            "the pod's annotations would have {total} bytes, more than the {ANNOTATIONS_LIMIT} \
             that the API server takes; generate less configuration, or use a ConfigMap"
        ));
    }
    for (template, status) in others {
        let (key, value) = (Status::key(template), status.to_json());
        if size(pod) + key.len() + value.len() <= ANNOTATIONS_LIMIT {
            pod.annotations.set(&key, value);
        }
    }
    Ok(())
}

/// The pod of a review as data, for comparing it as a whole.
pub(super) fn data(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}
