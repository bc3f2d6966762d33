//! Labels, annotations and other fields of the pod, where the user has nothing.

use super::Change;
use crate::finding::{Code, Finding};
use crate::inject::merge::{self, View, spelled};
use crate::inject::pod::{Texts, WorkingPod};
use crate::template::piece::TemplateObject;

/// Keys and values.
type Pairs = Vec<(String, String)>;

/// Plans labels and annotations.
pub(super) fn texts(pod: &WorkingPod<'_>, labels: Pairs, annotations: Pairs, change: &mut Change) {
    let (labels, kept_labels) = lacked(&pod.labels, labels);
    let (annotations, kept_annotations) = lacked(&pod.annotations, annotations);
    let keys = |pairs: &Pairs| pairs.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>();
    change.status.labels.extend(keys(&labels));
    change.status.annotations.extend(keys(&annotations));
    for (what, kept) in [("label", &kept_labels), ("annotation", &kept_annotations)] {
        if !kept.is_empty() {
            let message = format!("the pod keeps its own {what} {}", kept.join(", "));
            let path = format!("metadata.{what}s");
            change
                .findings
                .push(Finding::new(Code::FieldKept, path, message));
        }
    }
    change.labels.extend(labels);
    change.annotations.extend(annotations);
    change.kept.labels = kept_labels;
    change.kept.annotations = kept_annotations;
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
pub(super) fn fields(pod: &WorkingPod<'_>, wanted: &TemplateObject, change: &mut Change) {
    if wanted.is_empty() {
        return;
    }
    let theirs = pod.fields_view();
    let fill = merge::fill(View::Value(&theirs), wanted, "PodSpec", 0);
    if !fill.kept.is_empty() {
        let mut keys: Vec<_> = fill.kept.iter().map(|key| spelled(key)).collect();
        keys.sort();
        let message = format!("the pod keeps its own {}", keys.join(", "));
        change
            .findings
            .push(Finding::new(Code::FieldKept, "spec", message));
    }
    change.kept.pod.clone_from(&fill.kept);
    change.status.pod.clone_from(&fill.added);
    change.status.replaced.clone_from(&fill.replaced);
    change.fields = fill;
}
