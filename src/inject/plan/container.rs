//! Containers: placed natively or classically, or filled into the user's own of the same name.

use serde_json::{Map, Value};

use super::{Change, Circumstances, failed};
use crate::inject::defaults::pull_policy;
use crate::inject::lifecycle;
use crate::inject::merge::{self, View};
use crate::inject::patch::Operation;
use crate::inject::pod::{Element, List, WorkingPod};
use crate::inject::refusal::Refusal;
use crate::inject::verdict::Reason;
use crate::template::Template;
use crate::template::compiled::ContainerTemplate;
use crate::template::fragment::Evaluation;

/// The image by which a container of the user's says: take the template's.
const PLACEHOLDER: &str = "auto";
/// Fields whose addition to an injected container changes what it does.
const SENSITIVE: [&str; 3] = ["command", "args", "securityContext"];

/// Plans all containers: first the steps, then the sidecars.
pub(super) fn containers(
    pod: &WorkingPod<'_>,
    template: &Template,
    with: Circumstances<'_>,
    evaluation: Evaluation<'_>,
    change: &mut Change,
) -> Result<(), Refusal> {
    let native = lifecycle::is_native(template.placement, with.settings);
    let steps = template
        .init_containers
        .iter()
        .map(|container| (container, false));
    let sidecars = template.sidecars.iter().map(|container| (container, true));
    for (container, is_sidecar) in steps.chain(sidecars) {
        let body = container.body.evaluate(evaluation).map_err(failed)?;
        let Some(Value::Object(mut value)) = body else {
            continue;
        };
        if is_sidecar && native {
            lifecycle::make_native(&mut value, container.wait_for_ready);
        }
        match find(pod, &container.name) {
            Some((list, index, Element::Users { .. })) => {
                fill(pod, template, container, (list, index), value, change)?;
            }
            Some((
                _,
                _,
                Element::Added {
                    template: other, ..
                },
            )) => {
                let message = format!(
                    "the container `{}` is added by the template `{other}` already",
                    container.name
                );
                return Err(Refusal::new(Reason::Conflict, message));
            }
            None => add(pod, template, container, is_sidecar, native, value, change)?,
        }
    }
    Ok(())
}

fn find<'e, 'p>(pod: &'e WorkingPod<'p>, name: &str) -> Option<(List, usize, &'e Element<'p>)> {
    [List::InitContainers, List::Containers]
        .into_iter()
        .find_map(|list| {
            pod.find(list, name)
                .map(|(index, element)| (list, index, element))
        })
}

/// Adds the template's own container.
fn add(
    pod: &WorkingPod<'_>,
    template: &Template,
    container: &ContainerTemplate,
    is_sidecar: bool,
    native: bool,
    value: Map<String, Value>,
    change: &mut Change,
) -> Result<(), Refusal> {
    if is_sidecar && !native && pod.must_end() {
        let message = format!(
            "the pod must end, and `{}` could only run as a regular container here, which would \
             keep it from ending; native sidecars need every node at Kubernetes 1.29 or newer",
            container.name
        );
        let reason = if template.denies_ending_pods {
            Reason::PodMustEndDenied
        } else {
            Reason::PodMustEnd
        };
        return Err(Refusal::new(reason, message));
    }
    if is_sidecar && !native {
        change.status.containers.push(container.name.clone());
        change.containers.push(Value::Object(value));
    } else {
        change.status.init_containers.push(container.name.clone());
        change.init_containers.push(Value::Object(value));
    }
    Ok(())
}

/// With the placeholder for the image goes its pull policy: the API server has filled in `Always`
/// for `auto`, which has no tag, and a policy for the template's image takes its place.
fn pull_as_the_image_says(theirs: &mut Value, want: &mut Map<String, Value>) {
    const POLICY: &str = "imagePullPolicy";
    let (Some(theirs), Some(image)) = (
        theirs.as_object_mut(),
        want.get("image").and_then(Value::as_str),
    ) else {
        return;
    };
    let is_filled_in = match theirs.get(POLICY) {
        None | Some(Value::Null) => true,
        Some(policy) => policy == pull_policy(PLACEHOLDER),
    };
    if theirs.get("image").and_then(Value::as_str) == Some(PLACEHOLDER) && is_filled_in {
        let policy = pull_policy(image);
        want.entry(POLICY).or_insert_with(|| policy.into());
        theirs.shift_remove(POLICY);
    }
}

/// Fills the template's container into the user's own of that name: the user's fields win, as far
/// as the template's `override` allows.
fn fill(
    pod: &WorkingPod<'_>,
    template: &Template,
    container: &ContainerTemplate,
    (list, index): (List, usize),
    mut want: Map<String, Value>,
    change: &mut Change,
) -> Result<(), Refusal> {
    let Some(element) = pod.list(list).get(index) else {
        return Ok(());
    };
    let mut theirs = element.view().to_value();
    lifecycle::fit(&mut want, list, &theirs);
    pull_as_the_image_says(&mut theirs, &mut want);
    let mut fill = merge::fill(View::Data(&theirs), &want, "Container");
    if theirs.get("image").and_then(Value::as_str) == Some(PLACEHOLDER)
        && let Some(image) = want.get("image")
    {
        fill.kept.retain(|key| key != "image");
        let path = "/image".to_owned();
        fill.operations.push(Operation::Replace {
            path,
            value: image.clone(),
        });
        change.status.auto.push(container.name.clone());
    }
    let changed = fill
        .kept
        .iter()
        .map(|key| key.split('/').next().unwrap_or_default());
    let added = SENSITIVE.into_iter().filter(|field| {
        theirs.get(*field).is_some_and(|value| !value.is_null()) && !want.contains_key(*field)
    });
    if let Some(field) = changed
        .chain(added)
        .find(|field| !template.overridable.allows(field))
    {
        let message = format!(
            "the container `{}` of the pod sets `{field}`, which the template keeps for itself; \
             remove it there",
            container.name
        );
        return Err(Refusal::new(Reason::OverrideNotAllowed, message));
    }
    change.findings.extend(
        fill.kept
            .iter()
            .map(|key| format!("container `{}` keeps its own {key}", container.name)),
    );
    if !fill.operations.is_empty() {
        change
            .status
            .edited
            .insert(container.name.clone(), fill.added.clone());
        change.edits.push((list, index, fill));
    }
    Ok(())
}
