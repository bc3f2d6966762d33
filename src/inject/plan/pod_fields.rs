//! Labels, annotations and other fields of the pod, where the user has nothing.

use serde_json::{Map, Value};

use super::Change;
use crate::inject::merge::{self, View, spelled};
use crate::inject::pod::{Texts, WorkingPod};

/// Keys and values.
type Pairs = Vec<(String, String)>;

/// Plans labels and annotations.
pub(super) fn texts(pod: &WorkingPod<'_>, labels: Pairs, annotations: Pairs, change: &mut Change) {
    let (labels, kept) = lacked(&pod.labels, labels);
    let keys = labels.iter().map(|(key, _)| key.clone());
    change.status.labels.extend(keys);
    change.labels.extend(labels);
    let findings = kept
        .iter()
        .map(|key| format!("the pod keeps its own label {key}"));
    change.findings.extend(findings);
    change.kept.labels = kept;
    let (annotations, kept) = lacked(&pod.annotations, annotations);
    let keys = annotations.iter().map(|(key, _)| key.clone());
    change.status.annotations.extend(keys);
    change.annotations.extend(annotations);
    let findings = kept
        .iter()
        .map(|key| format!("the pod keeps its own annotation {key}"));
    change.findings.extend(findings);
    change.kept.annotations = kept;
}

/// What of the wanted pairs the pod lacks, and the keys of those that it has otherwise.
fn lacked(texts: &Texts<'_>, wanted: Pairs) -> (Pairs, Vec<String>) {
    let (mut added, mut kept) = (Vec::new(), Vec::new());
    for (key, value) in wanted {
        match texts.get(&key) {
            None => added.push((key, value)),
            Some(theirs) if theirs == value => {}
            Some(_) => kept.push(key),
        }
    }
    (added, kept)
}

/// Plans the other fields of the spec.
pub(super) fn fields(pod: &WorkingPod<'_>, wanted: &Map<String, Value>, change: &mut Change) {
    if wanted.is_empty() {
        return;
    }
    let theirs = pod.fields_view();
    let fill = merge::fill(View::Data(&theirs), wanted, "PodSpec", 0);
    let findings = fill
        .kept
        .iter()
        .map(|key| format!("the pod keeps its own {}", spelled(key)));
    change.findings.extend(findings);
    change.kept.pod.clone_from(&fill.kept);
    change.status.pod.clone_from(&fill.added);
    change.status.replaced.clone_from(&fill.replaced);
    change.fields = fill;
}
