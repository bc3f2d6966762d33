//! Labels, annotations and other fields of the pod, where the user has nothing.

use std::ops::Range;

use serde_json::{Map, Value, json};

use super::{Change, kept};
use crate::check::resources::default_pod_requests;
use crate::finding::{Code, Finding};
use crate::inject::merge::{self, InFront, View, spelled};
use crate::inject::pod::{Texts, WorkingPod};
use crate::inject::verdict::Refusal;
use crate::kubernetes::element_digest;
use crate::template::Template;
use crate::template::value::TemplateObject;

type Pairs = Vec<(String, String)>;

pub(super) fn texts(
    pod: &WorkingPod<'_>,
    template: &Template,
    labels: Pairs,
    annotations: Pairs,
    change: &mut Change,
) -> Result<(), Refusal> {
    let (labels, kept_labels) = lacked(&pod.labels, labels);
    let (annotations, kept_annotations) = lacked(&pod.annotations, annotations);
    change.status.labels.extend(digests(&labels));
    change.status.annotations.extend(digests(&annotations));
    for (what, texts, kept) in [
        ("label", &pod.labels, &kept_labels),
        ("annotation", &pod.annotations, &kept_annotations),
    ] {
        kept::check_owners(
            template,
            kept.iter(),
            |key| texts.owner(key),
            |key| format!("the {what} {key} of the pod"),
        )?;
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
    Ok(())
}

fn digests(pairs: &Pairs) -> impl Iterator<Item = (String, u64)> {
    let pairs = pairs.iter();
    pairs.map(|(key, value)| (key.clone(), element_digest::text(value)))
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
pub(super) fn fields(
    pod: &WorkingPod<'_>,
    template: &Template,
    wanted: &TemplateObject,
    change: &mut Change,
) -> Result<(), Refusal> {
    if wanted.is_empty() {
        return Ok(());
    }
    let theirs = pod.fields_view();
    let fill = merge::fill(View::Value(&theirs), wanted, "PodSpec", InFront::default());
    kept::check_owners(
        template,
        fill.contested(),
        |key| pod.field_owner(key),
        |key| format!("{} of the pod", spelled(key)),
    )?;
    let keeps = fill.keeps();
    if !keeps.is_empty() {
        let mut keys: Vec<_> = keeps.into_iter().map(spelled).collect();
        keys.sort();
        let message = format!("the pod keeps its own {}", keys.join(", "));
        change
            .findings
            .push(Finding::new(Code::FieldKept, "spec", message));
    }
    change.status.pod.extend(fill.added.iter().cloned());
    change.status.replaced.extend(fill.replaced.iter().cloned());
    change.fields = fill;
    Ok(())
}

/// The minor versions whose API server fills in the requests of the pod itself before it calls webhooks.
/// Before, no pod has resources of its own; since then they follow from what webhooks made of the pod
/// (`PodLevelResourcesFixDefaulting`).
const REQUESTS_FILLED_BEFORE: Range<u32> = 34..37;

/// Adds the requests that those versions give to a pod that has limits of its own. A pod of a review has
/// them; of a manifest they would be counted with the helpers in it, and be others than the webhook saw.
pub(super) fn requests(pod: &WorkingPod<'_>, kubernetes_minor: u32, change: &mut Change) {
    let is_filled = REQUESTS_FILLED_BEFORE.contains(&kubernetes_minor);
    if !is_filled || !pod.has_field("resources") || change.status.adds_nothing() {
        return;
    }
    let requests = default_pod_requests(&pod.resulting()).into_iter();
    let requests: Map<String, Value> = requests
        .map(|(name, amount)| (name, amount.to_string().into()))
        .collect();
    let wanted = Map::from_iter([("resources".to_owned(), json!({ "requests": requests }))]);
    let theirs = pod.fields_view();
    let fill = merge::fill(
        View::Value(&theirs),
        &wanted.into(),
        "PodSpec",
        InFront::default(),
    );
    change.status.pod.extend(fill.added.iter().cloned());
    change.fields.added.extend(fill.added);
    change.fields.operations.extend(fill.operations);
}
