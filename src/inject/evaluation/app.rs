//! The app's containers: which may be edited, and what a template wants in each.

use std::collections::BTreeMap;

use super::volume::VolumeNames;
use super::{EvaluationContext, Wanted, WantedEdit, failed, validity};
use crate::expression::Bindings;
use crate::inject::expression_input::{Apps, ExpressionInput};
use crate::inject::pod::{Element, List, WorkingPod};
use crate::inject::verdict::{Reason, Refusal};
use crate::kubernetes::keys::{CONTAINERS, DEFAULT_CONTAINER};
use crate::review::Text;
use crate::template::Template;
use crate::template::compiled::NOT_FOR_STEPS;
use crate::template::fragment::Evaluation;
use crate::wording::did_you_mean;

/// Finds the app containers: those that `pillion.dev/containers` names, else all regular ones that
/// the user wrote. The main one is the first named, else kubectl's default, else the first. A
/// mandatory template edits all regular ones, whatever the pod says.
pub(super) fn find(
    pod: &WorkingPod<'_>,
    template: &Template,
    with: EvaluationContext<'_>,
) -> Result<Apps, Refusal> {
    let named = with
        .annotations
        .get(CONTAINERS)
        .filter(|_| !template.mandatory);
    let named: Vec<&str> = named
        .into_iter()
        .flat_map(|names| names.as_str().split([',', '\n']))
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    if !named.is_empty() {
        return the_named(&named, &known(pod, with));
    }
    let regular = pod.list(List::Containers).iter().enumerate();
    let regular = regular.filter(|(_, element)| is_the_apps(element, with));
    let default = with.annotations.get(DEFAULT_CONTAINER).map(Text::as_str);
    let mut apps = Apps::default();
    for (index, element) in regular {
        if Some(element.name()) == default {
            apps.main = apps.places.len();
        }
        apps.places.push((List::Containers, index));
    }
    Ok(apps)
}

/// The containers that the annotation names; the first is the main one.
fn the_named(named: &[&str], known: &BTreeMap<String, (List, usize)>) -> Result<Apps, Refusal> {
    let mut places = Vec::with_capacity(named.len());
    for name in named {
        let place = known.get(*name).copied();
        let place = place.ok_or_else(|| not_found(name, known))?;
        if !places.contains(&place) {
            places.push(place);
        }
    }
    Ok(Apps { places, main: 0 })
}

/// Whether the user wrote a container for the app.
fn is_the_apps(element: &Element<'_>, with: EvaluationContext<'_>) -> bool {
    matches!(element, Element::Users { .. }) && !with.helpers.contains(&element.name())
}

/// The containers that the user wrote for the app, by name.
fn known(pod: &WorkingPod<'_>, with: EvaluationContext<'_>) -> BTreeMap<String, (List, usize)> {
    let mut known = BTreeMap::new();
    for list in [List::InitContainers, List::Containers] {
        for (index, element) in pod.list(list).iter().enumerate() {
            if is_the_apps(element, with) {
                known.insert(element.name().to_owned(), (list, index));
            }
        }
    }
    known
}

fn not_found(name: &str, known: &BTreeMap<String, (List, usize)>) -> Refusal {
    let names = known.keys().map(String::as_str);
    let mut hint = did_you_mean(name, names.clone());
    if hint.is_empty() {
        hint = format!("; it has {}", names.collect::<Vec<_>>().join(", "));
    }
    let message = format!("annotation {CONTAINERS}: the pod has no app container `{name}`{hint}");
    let logged = format!("annotation {CONTAINERS}: names a container that the pod does not have");
    Refusal::with_value(Reason::ContainerNotFound, message, logged)
}

/// The data for expressions inside `app:`, once for each app container.
pub(super) fn data_of_each<'d>(data: &ExpressionInput<'d>) -> Vec<ExpressionInput<'d>> {
    let places = 0..data.apps.places.len();
    places.map(|index| data.for_app(index)).collect()
}

/// What each app container gets; where an earlier call's are `known`, only those.
pub(super) fn edits<'v>(
    pod: &WorkingPod<'_>,
    template: &Template,
    each: &'v [ExpressionInput<'_>],
    bindings: &mut Bindings<'v>,
    names: &VolumeNames,
    known: Option<&BTreeMap<String, Vec<String>>>,
    wanted: &mut Wanted,
) -> Result<(), Refusal> {
    let Some(fragment) = &template.app else {
        return Ok(());
    };
    for data in each {
        let place = data.own.and_then(|own| data.apps.places.get(own));
        let Some((list, index)) = place else {
            continue;
        };
        let Some(element) = pod.list(*list).get(*index) else {
            continue;
        };
        if known.is_some_and(|known| !known.contains_key(element.name())) {
            continue;
        }
        bindings.set_source_of_self(data);
        let with = Evaluation {
            bindings,
            volumes: names,
        };
        let want = fragment.evaluate_fields(with);
        let Some(mut want) = want.map_err(|failure| failed(template, &failure))? else {
            continue;
        };
        validity::check("Container", &want, fragment, || {
            format!("spec.app, for the container `{}`", element.name())
        })?;
        if *list == List::InitContainers && !element.is_sidecar() {
            want.retain(|field| !NOT_FOR_STEPS.contains(&field));
        }
        wanted.app.push(WantedEdit {
            list: *list,
            name: element.name().to_owned(),
            want,
        });
    }
    Ok(())
}
