//! Containers: placed natively or classically, or filled into the user's own of the same name.

use serde_json::{Map, Value};

use super::{Change, Circumstances, PLACEHOLDER, failed, validity};
use crate::inject::defaults::pull_policy;
use crate::inject::lifecycle;
use crate::inject::merge;
use crate::inject::patch::Operation;
use crate::inject::pod::{Element, List, WorkingPod};
use crate::inject::refusal::Refusal;
use crate::inject::verdict::Reason;
use crate::template::Template;
use crate::template::compiled::ContainerTemplate;
use crate::template::fragment::{Evaluation, Failure};

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
        checked(container, &value)?;
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

/// Refuses a container that the API server would refuse for what its expressions gave. What is
/// constant was checked when the template was loaded.
fn checked(container: &ContainerTemplate, value: &Map<String, Value>) -> Result<(), Refusal> {
    match validity::check("Container", value, &container.body) {
        Some(problem) => Err(failed(Failure::at(&container.origin, problem.to_string()))),
        None => Ok(()),
    }
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
    let theirs = element.view().to_value();
    lifecycle::fit(&mut want, list, &theirs);
    let is_placeholder = theirs.get("image").and_then(Value::as_str) == Some(PLACEHOLDER);
    if is_placeholder {
        fit_pull_policy(&mut want, &theirs);
    }
    let mut fill = merge::fill(element.view(), &want, "Container");
    if let (true, Some(image)) = (is_placeholder, want.get("image")) {
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
    let added = SENSITIVE
        .into_iter()
        .filter(|field| adds(theirs.get(*field), want.get(*field)));
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
        if !fill.added.is_empty() {
            let name = container.name.clone();
            change.status.edited.insert(name, fill.added.clone());
        }
        if !fill.replaced.is_empty() {
            let name = container.name.clone();
            change.status.defaults.insert(name, fill.replaced.clone());
        }
        change.edits.push((list, index, fill));
    }
    Ok(())
}

/// The API server derives the pull policy from the image, and has done so from the placeholder
/// where the pod comes in a review: then it becomes what a file without a policy would get.
fn fit_pull_policy(want: &mut Map<String, Value>, theirs: &Value) {
    let derived = theirs.get("imagePullPolicy").and_then(Value::as_str);
    if derived != Some(pull_policy(PLACEHOLDER)) || want.contains_key("imagePullPolicy") {
        return;
    }
    if let Some(image) = want.get("image").and_then(Value::as_str) {
        let policy = pull_policy(image).into();
        want.insert("imagePullPolicy".to_owned(), policy);
    }
}

/// Whether the user has something that the template does not mention, at any depth of objects.
fn adds(theirs: Option<&Value>, want: Option<&Value>) -> bool {
    match (theirs, want) {
        (None | Some(Value::Null), _) => false,
        (Some(Value::Object(theirs)), Some(Value::Object(want))) => theirs
            .iter()
            .any(|(name, value)| adds(Some(value), want.get(name))),
        (Some(_), want) => want.is_none(),
    }
}
