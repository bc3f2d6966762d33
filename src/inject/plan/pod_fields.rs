//! Labels, annotations and other fields of the pod, where the user has nothing.

use super::Change;
use crate::inject::evaluation::Wanted;
use crate::inject::merge::{self, View};
use crate::inject::pod::{Texts, WorkingPod};

/// Plans labels and annotations.
pub(super) fn metadata(pod: &WorkingPod<'_>, wanted: &Wanted, change: &mut Change) {
    let lacked = |texts: &Texts, wanted: &[(String, String)]| {
        let (mut added, mut kept) = (Vec::new(), Vec::new());
        for (key, value) in wanted {
            match texts.get(key) {
                None => added.push((key.clone(), value.clone())),
                Some(theirs) if theirs == value => {}
                Some(_) => kept.push(key.clone()),
            }
        }
        (added, kept)
    };
    let (labels, kept) = lacked(&pod.labels, &wanted.labels);
    change.labels.extend(labels.iter().cloned());
    change
        .status
        .labels
        .extend(labels.into_iter().map(|(key, _)| key));
    let findings = kept
        .iter()
        .map(|key| format!("the pod keeps its own label {key}"));
    change.findings.extend(findings);
    change.kept.labels = kept;
    let (annotations, kept) = lacked(&pod.annotations, &wanted.annotations);
    change.annotations.extend(annotations.iter().cloned());
    change
        .status
        .annotations
        .extend(annotations.into_iter().map(|(key, _)| key));
    let findings = kept
        .iter()
        .map(|key| format!("the pod keeps its own annotation {key}"));
    change.findings.extend(findings);
    change.kept.annotations = kept;
}

/// Plans the other fields of the spec.
pub(super) fn fields(pod: &WorkingPod<'_>, wanted: &Wanted, change: &mut Change) {
    if wanted.pod.is_empty() {
        return;
    }
    let theirs = pod.fields_view();
    let fill = merge::fill(View::Data(&theirs), &wanted.pod, "PodSpec", 0);
    let findings = fill
        .kept
        .iter()
        .map(|key| format!("the pod keeps its own {key}"));
    change.findings.extend(findings);
    change.kept.pod.clone_from(&fill.kept);
    change.status.pod.clone_from(&fill.added);
    change.status.replaced.clone_from(&fill.replaced);
    change.fields = fill;
}
