//! The app's containers: which may be edited, and what each gets where it has nothing.

use serde_json::Value;

use super::volume::Names;
use super::{Change, Circumstances, failed, validity};
use crate::inject::data::{Apps, Data};
use crate::inject::merge;
use crate::inject::pod::{Element, List, WorkingPod};
use crate::inject::refusal::Refusal;
use crate::inject::verdict::Reason;
use crate::template::Template;
use crate::template::compile::nearest;
use crate::template::expression::Bindings;
use crate::template::fragment::Evaluation;

/// The annotation that lists the app containers which templates may edit.
const CONTAINERS: &str = "pillion.dev/containers";
/// The annotation by which kubectl knows the main container.
const DEFAULT_CONTAINER: &str = "kubectl.kubernetes.io/default-container";
/// What the API server refuses on an init container that is not a sidecar.
const NOT_FOR_STEPS: [&str; 4] = [
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "lifecycle",
];

/// Finds the app containers: those that `pillion.dev/containers` names, else all regular ones that
/// the user wrote. The main one is the first named, else kubectl's default, else the first.
pub fn find(pod: &WorkingPod<'_>, with: Circumstances<'_>) -> Result<Apps, Refusal> {
    let named = with.annotations.get(CONTAINERS);
    let named: Vec<&str> = named
        .into_iter()
        .flat_map(|names| names.split([',', '\n']))
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    if !named.is_empty() {
        let places = named
            .iter()
            .map(|name| place(pod, with, name))
            .collect::<Result<_, _>>()?;
        return Ok(Apps { places, main: 0 });
    }
    let places: Vec<_> = (0..pod.list(List::Containers).len())
        .map(|index| (List::Containers, index))
        .filter(|place| is_app(pod, with, *place))
        .collect();
    let default = with.annotations.get(DEFAULT_CONTAINER);
    let is_default = |(_, index): &(List, usize)| {
        let element = pod.list(List::Containers).get(*index);
        element.is_some_and(|element| Some(element.name().as_ref()) == default.map(String::as_str))
    };
    let main = places.iter().position(is_default).unwrap_or(0);
    Ok(Apps { places, main })
}

fn is_app(pod: &WorkingPod<'_>, with: Circumstances<'_>, (list, index): (List, usize)) -> bool {
    match pod.list(list).get(index) {
        Some(element @ Element::Users { .. }) => !with.helpers.contains(element.name().as_ref()),
        _ => false,
    }
}

fn place(
    pod: &WorkingPod<'_>,
    with: Circumstances<'_>,
    name: &str,
) -> Result<(List, usize), Refusal> {
    let lists = [List::Containers, List::InitContainers];
    let apps = lists.into_iter().flat_map(|list| {
        (0..pod.list(list).len())
            .map(move |index| (list, index))
            .filter(|place| is_app(pod, with, *place))
    });
    let name_of = |(list, index): &(List, usize)| {
        pod.list(*list)
            .get(*index)
            .map(|element| element.name().into_owned())
            .unwrap_or_default()
    };
    let known: Vec<_> = apps.map(|place| (name_of(&place), place)).collect();
    let found = known.iter().find(|(known, _)| known == name);
    found.map(|(_, place)| *place).ok_or_else(|| {
        let names = known.iter().map(|(name, _)| name.as_str());
        let mut hint = nearest(name, names.clone());
        if hint.is_empty() {
            hint = format!("; it has {}", names.collect::<Vec<_>>().join(", "));
        }
        let message =
            format!("annotation {CONTAINERS}: the pod has no app container `{name}`{hint}");
        Refusal::new(Reason::ContainerNotFound, message)
    })
}

/// What each app container gets.
pub(super) fn edits(
    pod: &WorkingPod<'_>,
    template: &Template,
    data: &Data<'_>,
    names: &Names,
    apps: &Apps,
    change: &mut Change,
) -> Result<(), Refusal> {
    let Some(fragment) = &template.app else {
        return Ok(());
    };
    let all: Vec<Data<'_>> = (0..apps.places.len())
        .map(|own| Data {
            own: Some(own),
            ..*data
        })
        .collect();
    for (source, (list, index)) in all.iter().zip(&apps.places) {
        let Some(element) = pod.list(*list).get(*index) else {
            continue;
        };
        let bindings = Bindings::new(source, &template.reads, &template.variables);
        let with = Evaluation {
            bindings: &bindings,
            source,
            volumes: names,
        };
        let Some(Value::Object(mut want)) = fragment.evaluate(with).map_err(failed)? else {
            continue;
        };
        if let Some(problem) = validity::check("Container", &want, fragment) {
            let message = format!(
                "spec.app of the template `{}` for the container `{}`: {problem}",
                template.name,
                element.name()
            );
            return Err(Refusal::new(Reason::EvaluationFailed, message));
        }
        let view = element.view();
        let sidecar =
            view.to_value().get("restartPolicy").and_then(Value::as_str) == Some("Always");
        if *list == List::InitContainers && !sidecar {
            want.retain(|field, _| !NOT_FOR_STEPS.contains(&field.as_str()));
        }
        if data.pod.field("resources").is_some() && want.shift_remove("resources").is_some() {
            let finding = "the pod has resources of its own, so its containers get none";
            change.findings.push(finding.to_owned());
        }
        let fill = merge::fill(view, &want, "Container");
        let name = element.name().into_owned();
        change.findings.extend(
            fill.kept
                .iter()
                .map(|key| format!("container `{name}` keeps its own {key}")),
        );
        if !fill.operations.is_empty() {
            change.status.edited.insert(name, fill.added.clone());
            change.edits.push((*list, *index, fill));
        }
    }
    Ok(())
}
