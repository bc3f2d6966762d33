//! The labels, annotations and other fields of the pod that a template wants.

use serde_json::Value;

use super::{Wanted, WantedContainer, fields, validity};
use crate::inject::expression_input::Apps;
use crate::inject::pod::{Element, List, WorkingPod};
use crate::inject::verdict::Refusal;
use crate::kubernetes::keys::{APP_ARMOR_PREFIX, DEFAULT_CONTAINER};
use crate::kubernetes::names;
use crate::template::Template;
use crate::template::fragment::{Evaluation, Fragment};

/// Evaluates labels and annotations.
pub(super) fn metadata(
    pod: &WorkingPod<'_>,
    apps: &Apps,
    template: &Template,
    with: Evaluation<'_, '_>,
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
    profiles(pod, wanted)?;
    wanted
        .annotations
        .extend(default_container(pod, apps, template, wanted));
    Ok(())
}

/// The API server refuses an `AppArmor` annotation of a container that the pod does not have.
fn profiles(pod: &WorkingPod<'_>, wanted: &Wanted) -> Result<(), Refusal> {
    let named = wanted.annotations.iter().find_map(|(key, _)| {
        let name = key.strip_prefix(APP_ARMOR_PREFIX)?;
        let added = wanted.containers.iter().any(|added| added.name == name);
        let lists = [List::InitContainers, List::Containers];
        let has = lists.iter().flat_map(|list| pod.list(*list));
        let is_known = added || has.map(Element::name).any(|known| known == name);
        (!is_known).then_some((key, name))
    });
    named.map_or(Ok(()), |(key, name)| {
        let field = format!("spec.metadata.annotations['{key}']");
        let problem = format!("the pod has no container `{name}`");
        Err(validity::refusal(&field, "", &problem))
    })
}

/// The annotation by which kubectl goes on meaning the app, where a classic helper is placed before it.
fn default_container(
    pod: &WorkingPod<'_>,
    apps: &Apps,
    template: &Template,
    wanted: &Wanted,
) -> Option<(String, String)> {
    let is_first = |added: &WantedContainer| added.is_sidecar && !added.is_native;
    if template.order > 0
        || pod.annotations.get(DEFAULT_CONTAINER).is_some()
        || !wanted.containers.iter().any(is_first)
        || wanted
            .annotations
            .iter()
            .any(|(key, _)| key == DEFAULT_CONTAINER)
    {
        return None;
    }
    let (list, index) = apps.places.get(apps.main)?;
    let app = pod
        .list(*list)
        .get(*index)
        .filter(|_| *list == List::Containers)?;
    Some((DEFAULT_CONTAINER.to_owned(), app.name().to_owned()))
}

fn texts(
    template: &Template,
    fragment: Option<&Fragment>,
    with: Evaluation<'_, '_>,
) -> Result<Vec<(String, String)>, Refusal> {
    let fields = fields(template, fragment, with)?;
    let texts = fields.iter().map(|(key, value)| match &**value {
        Value::String(text) => (key.to_owned(), text.clone()),
        other => (key.to_owned(), other.to_string()),
    });
    Ok(texts.collect())
}

/// Evaluates the other fields of the spec.
pub(super) fn pod_fields(
    template: &Template,
    with: Evaluation<'_, '_>,
    wanted: &mut Wanted,
) -> Result<(), Refusal> {
    wanted.pod = fields(template, template.pod.as_ref(), with)?;
    match &template.pod {
        Some(fragment) => {
            validity::check("PodSpec", &wanted.pod, fragment, || "spec.pod".to_owned())
        }
        None => Ok(()),
    }
}
