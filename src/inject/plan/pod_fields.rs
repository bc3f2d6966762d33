//! Labels, annotations and other fields of the pod, where the user has nothing.

use serde_json::Value;

use super::{Change, failed, validity};
use crate::inject::merge::{self, View};
use crate::inject::pod::WorkingPod;
use crate::inject::refusal::Refusal;
use crate::inject::verdict::Reason;
use crate::template::Template;
use crate::template::fragment::{Evaluation, Fragment};
use crate::template::validity::names;

/// Plans labels and annotations.
pub(super) fn metadata(
    pod: &WorkingPod<'_>,
    template: &Template,
    with: Evaluation<'_>,
    change: &mut Change,
) -> Result<(), Refusal> {
    let wanted = |fragment: &Option<Fragment>| match fragment {
        Some(fragment) => fragment
            .evaluate(with)
            .map_err(failed)
            .map(|value| match value {
                Some(Value::Object(texts)) => texts,
                _ => serde_json::Map::new(),
            }),
        None => Ok(serde_json::Map::new()),
    };
    for (key, value) in wanted(&template.labels)? {
        let value = value.as_str().unwrap_or_default();
        if let Some(problem) = names::not_a_label_value(value) {
            let field = format!("spec.metadata.labels['{key}']");
            return Err(invalid(template, &field, problem));
        }
        match pod.labels.get(&key) {
            None => {
                change.status.labels.push(key.clone());
                change.labels.push((key, value.to_owned()));
            }
            Some(theirs) if theirs == value => {}
            Some(_) => change
                .findings
                .push(format!("the pod keeps its own label {key}")),
        }
    }
    for (key, value) in wanted(&template.annotations)? {
        let value = value.as_str().unwrap_or_default();
        match pod.annotations.get(&key) {
            None => {
                change.status.annotations.push(key.clone());
                change.annotations.push((key, value.to_owned()));
            }
            Some(theirs) if theirs == value => {}
            Some(_) => change
                .findings
                .push(format!("the pod keeps its own annotation {key}")),
        }
    }
    Ok(())
}

/// The refusal of a value that the API server would refuse.
fn invalid(template: &Template, field: &str, problem: impl std::fmt::Display) -> Refusal {
    let message = format!("{field} of the template `{}`: {problem}", template.name);
    Refusal::new(Reason::EvaluationFailed, message)
}

/// Plans the other fields of the spec.
pub(super) fn fields(
    pod: &WorkingPod<'_>,
    template: &Template,
    with: Evaluation<'_>,
    change: &mut Change,
) -> Result<(), Refusal> {
    let Some(fragment) = &template.pod else {
        return Ok(());
    };
    let Some(Value::Object(want)) = fragment.evaluate(with).map_err(failed)? else {
        return Ok(());
    };
    if let Some(problem) = validity::check("PodSpec", &want, fragment) {
        return Err(invalid(template, "spec.pod", problem));
    }
    let theirs = pod.fields_view();
    let fill = merge::fill(View::Data(&theirs), &want, "PodSpec");
    change.findings.extend(
        fill.kept
            .iter()
            .map(|key| format!("the pod keeps its own {key}")),
    );
    change.status.pod.clone_from(&fill.added);
    change.status.replaced.clone_from(&fill.replaced);
    change.fields = Some(fill);
    Ok(())
}
