//! The end of a composition: statuses, the autoscaler's list, and the patch.

use std::collections::{BTreeMap, BTreeSet};

use super::Composed;
use crate::inject::pod::WorkingPod;
use crate::inject::selection::ANNOTATIONS_LIMIT;
use crate::inject::status::Status;
use crate::inject::verdict::{Reason, Verdict};
use crate::kubernetes::keys::SAFE_TO_EVICT_VOLUMES;

/// Writes statuses and patch, unless the pod is refused.
pub(super) fn conclude(mut pod: WorkingPod<'_>, composed: &mut Composed) {
    let decision = &mut composed.decision;
    if decision.verdict() == Verdict::Denied {
        return;
    }
    mark_evictable(&mut pod, &composed.statuses);
    match write_statuses(&mut pod, &composed.statuses) {
        Ok(()) => decision.patch = pod.into_patch(),
        Err(message) => {
            decision.reason = Reason::AnnotationsTooLarge;
            decision.logged.clone_from(&message);
            decision.message = message;
        }
    }
}

/// Unites our emptyDirs into the cluster autoscaler's list, behind what the user wrote there.
fn mark_evictable(pod: &mut WorkingPod<'_>, statuses: &BTreeMap<String, Status>) {
    let mut evictable = statuses.values().flat_map(|status| &status.safe_to_evict);
    if evictable.next().is_none() {
        return;
    }
    let listed = pod
        .annotations
        .get(SAFE_TO_EVICT_VOLUMES)
        .unwrap_or_default();
    let mut whole = listed.to_owned();
    let known: BTreeSet<&str> = listed.split(',').map(str::trim).collect();
    for name in statuses.values().flat_map(|status| &status.safe_to_evict) {
        if !known.contains(name.as_str()) {
            if !whole.is_empty() {
                whole.push(',');
            }
            whole.push_str(name);
        }
    }
    if whole != listed {
        pod.annotations.set(SAFE_TO_EVICT_VOLUMES.to_owned(), whole);
    }
}

/// Writes each template's status. A status of a template that added nothing is left out where the
/// annotations would exceed the API server's limit; one that is needed makes it a refusal.
fn write_statuses(
    pod: &mut WorkingPod<'_>,
    statuses: &BTreeMap<String, Status>,
) -> Result<(), String> {
    let injected = Verdict::Injected.as_str();
    let is_needed = |status: &Status| status.verdict == injected;
    let needed = || statuses.iter().filter(|(_, status)| is_needed(status));
    let adds = needed().next().is_some();
    for (template, status) in needed() {
        pod.annotations.set(Status::key(template), status.to_json());
    }
    // What was found is told elsewhere too: it is no reason to refuse a pod.
    if adds && pod.annotations.size() > ANNOTATIONS_LIMIT {
        for (template, status) in needed() {
            let bare = Status {
                findings: Vec::new(),
                ..status.clone()
            };
            pod.annotations.set(Status::key(template), bare.to_json());
        }
    }
    let total = pod.annotations.size();
    if adds && total > ANNOTATIONS_LIMIT {
        return Err(format!(
            "the pod's annotations would have {total} bytes, more than the {ANNOTATIONS_LIMIT} \
             that the API server takes; generate less configuration, or use a ConfigMap"
        ));
    }
    for (template, status) in statuses.iter().filter(|(_, status)| !is_needed(status)) {
        let (key, value) = (Status::key(template), status.to_json());
        let present = pod
            .annotations
            .get(&key)
            .map_or(0, |text| key.len() + text.len());
        let size = pod.annotations.size().saturating_sub(present) + key.len() + value.len();
        if size <= ANNOTATIONS_LIMIT {
            pod.annotations.set(key, value);
        }
    }
    Ok(())
}
