//! The labels, annotations and other fields of the pod that a template wants.

use crate::inject::verdict::Refusal;
use serde_json::Value;

use super::{Wanted, failed, validity};
use crate::kubernetes::validity::names;
use crate::template::Template;
use crate::template::fragment::{Evaluation, Fragment};
use crate::template::piece::{TemplateObject, TemplateValue};

/// Evaluates labels and annotations.
pub(super) fn metadata(
    template: &Template,
    with: Evaluation<'_>,
    wanted: &mut Wanted,
) -> Result<(), Refusal> {
    wanted.labels = texts(template, template.labels.as_ref(), with)?;
    wanted.annotations = texts(template, template.annotations.as_ref(), with)?;
    for (key, value) in &wanted.labels {
        if let Some(problem) = names::not_a_label_value(value) {
            let field = format!("spec.metadata.labels['{key}']");
            return Err(validity::refusal(&field, "", &problem));
        }
    }
    Ok(())
}

fn texts(
    template: &Template,
    fragment: Option<&Fragment>,
    with: Evaluation<'_>,
) -> Result<Vec<(String, String)>, Refusal> {
    let text = |(key, value): (&str, &TemplateValue)| match &**value {
        Value::String(text) => (key.to_owned(), text.clone()),
        other => (key.to_owned(), other.to_string()),
    };
    let object = object(template, fragment, with)?;
    Ok(object.iter().map(text).collect())
}

/// Evaluates the other fields of the spec.
pub(super) fn pod_fields(
    template: &Template,
    with: Evaluation<'_>,
    wanted: &mut Wanted,
) -> Result<(), Refusal> {
    wanted.pod = object(template, template.pod.as_ref(), with)?;
    let fragment = template.pod.as_ref();
    match fragment {
        Some(fragment) => {
            validity::check("PodSpec", &wanted.pod, fragment, || "spec.pod".to_owned())
        }
        None => Ok(()),
    }
}

fn object(
    template: &Template,
    fragment: Option<&Fragment>,
    with: Evaluation<'_>,
) -> Result<TemplateObject, Refusal> {
    let Some(fragment) = fragment else {
        return Ok(TemplateObject::default());
    };
    let fields = fragment.evaluate_fields(with);
    let fields = fields.map_err(|failure| failed(template, &failure))?;
    Ok(fields.unwrap_or_default())
}
