//! Composition: several templates on one pod, and the verdict that comes of them.
//!
//! Templates are applied one after another, each seeing the pod as the ones before it left it. One
//! refusal refuses the pod; otherwise every template's status is written and the patch is made once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Patch;
use super::plan::{self, Circumstances, SAFE_TO_EVICT};
use super::pod::WorkingPod;
use super::settings::{Namespace, Settings};
use super::status::Status;
use super::subject::{Subject, metadata};
use super::verdict::{Decision, Outcome, Reason, Verdict};
use crate::review::Pod;
use crate::template::Template;

/// What all annotations of an object may have together, keys included
/// (apimachinery:pkg/api/validation/objectmeta.go, `TotalAnnotationSizeLimitB`).
const ANNOTATIONS_LIMIT: usize = 256 * 1024;

/// The pod as a decision came out for it: with what was added, and each template's status.
pub(super) struct Planned {
    pub decision: Decision,
    pub statuses: BTreeMap<String, Status>,
}

/// Plans for the pod as it is, whatever its statuses say.
pub(super) fn compose(
    settings: &Settings,
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
        settings,
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
            decision.logged.clone_from(&message);
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
    let same = || {
        let same = |outcome: &&Outcome| outcome.reason.verdict() == reason.verdict();
        outcomes.iter().filter(same)
    };
    let joined = |text: fn(&Outcome) -> &str| {
        let texts = same().map(|outcome| format!("{}: {}", outcome.template, text(outcome)));
        texts.collect::<Vec<_>>().join("; ")
    };
    Decision {
        reason,
        message: joined(|outcome| &outcome.message),
        logged: joined(|outcome| &outcome.logged),
        outcomes,
        patch: Patch::default(),
    }
}

/// Unites our emptyDirs into the cluster autoscaler's list.
fn mark_evictable(pod: &mut WorkingPod<'_>, statuses: &BTreeMap<String, Status>) {
    let ours: Vec<&str> = statuses
        .values()
        .flat_map(|status| &status.safe_to_evict)
        .map(String::as_str)
        .collect();
    if ours.is_empty() {
        return;
    }
    // The user's text stays as it is, so that taking ours out gives it back.
    let users = pod.annotations.get(SAFE_TO_EVICT);
    let users = users.filter(|text| !text.trim().is_empty());
    let all: Vec<&str> = users.into_iter().chain(ours).collect();
    let all = all.join(",");
    pod.annotations.set(SAFE_TO_EVICT, all);
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
