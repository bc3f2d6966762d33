//! What a template wants in each of the app's containers.

use std::collections::HashSet;

use super::volume::VolumeNames;
use super::{Wanted, WantedEdit, evaluated, validity};
use crate::expression::Bindings;
use crate::inject::expression_input::{Apps, ExpressionInput};
use crate::inject::pod::{Element, List, WorkingPod};

use crate::inject::verdict::{Reason, Refusal};
use crate::template::Template;
use crate::template::compiled::FORBIDDEN_ON_INIT_CONTAINERS;
use crate::template::fragment::Evaluation;

/// The data for expressions inside `app:`, once for each app container.
pub(super) fn data_of_each<'d>(data: &ExpressionInput<'d>) -> Vec<ExpressionInput<'d>> {
    let places = 0..data.apps.places.len();
    places.map(|index| data.for_app(index)).collect()
}

/// What each app container gets.
pub(super) fn edits<'v>(
    pod: &WorkingPod<'_>,
    template: &Template,
    each: &'v [ExpressionInput<'_>],
    bindings: &mut Bindings<'v>,
    names: &VolumeNames<'_>,
    wanted: &mut Wanted,
) -> Result<(), Refusal> {
    let Some(fragment) = &template.app else {
        return Ok(());
    };
    let repeated = repeated_names(pod);
    for data in each {
        let place = data.own.and_then(|own| data.apps.places.get(own));
        let Some((list, index)) = place else {
            continue;
        };
        let Some(element) = pod.list(*list).get(*index) else {
            continue;
        };
        expect_own_name(&repeated, element.name())?;
        bindings.set_source_of_self(data);
        let with = Evaluation {
            bindings,
            volumes: names,
        };
        let Some(mut want) = evaluated(template, fragment.evaluate_fields(with))? else {
            continue;
        };
        validity::check("Container", &want, fragment, || {
            format!("spec.app, for the container `{}`", element.name())
        })?;
        if *list == List::InitContainers && !element.is_sidecar() {
            want.retain(|field| !FORBIDDEN_ON_INIT_CONTAINERS.contains(&field));
        }
        wanted.app.push(WantedEdit {
            list: *list,
            index: *index,
            want,
        });
    }
    Ok(())
}

/// An app container that a template edits has a name: by it what was added is found again.
pub(super) fn expect_names(
    pod: &WorkingPod<'_>,
    template: &Template,
    apps: &Apps,
) -> Result<(), Refusal> {
    let mut elements = apps
        .places
        .iter()
        .filter_map(|(list, index)| pod.list(*list).get(*index));
    if template.app.is_none() || elements.all(|element| !element.name().is_empty()) {
        return Ok(());
    }
    let of_pod = [List::InitContainers, List::Containers].map(|list| pod.list(list));
    let nameless = of_pod.into_iter().flatten();
    let message = if nameless.filter(|element| element.name().is_empty()).count() > 1 {
        "several containers of the pod have no name; give each its own"
    } else {
        "a container of the pod has no name, by which it could be told what was added to it; give it one"
    };
    Err(Refusal::new(Reason::Conflict, message))
}

/// The names that several containers have.
fn repeated_names<'p>(pod: &'p WorkingPod<'_>) -> HashSet<&'p str> {
    let mut seen = HashSet::new();
    let of_pod = [List::InitContainers, List::Containers].map(|list| pod.list(list));
    let names = of_pod.into_iter().flatten().map(Element::name);
    names.filter(|name| !seen.insert(*name)).collect()
}

/// What is added to a container is known again by the container's name: no other may have it, as in every
/// pod that the API server takes.
fn expect_own_name(repeated: &HashSet<&str>, name: &str) -> Result<(), Refusal> {
    if !repeated.contains(name) {
        return Ok(());
    }
    let message =
        format!("several containers of the pod have the name `{name}`; give each its own");
    Err(Refusal::new(Reason::Conflict, message))
}
