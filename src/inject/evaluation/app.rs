//! The app's containers: which may be edited, and what a template wants in each.

use std::collections::BTreeMap;

use serde_json::Value;

use super::volume::Names;
use super::{Circumstances, Wanted, WantedEdit, failed, validity};
use crate::inject::data::{Apps, Data};
use crate::inject::pod::{Element, List, WorkingPod};
use crate::inject::refusal::Refusal;
use crate::inject::verdict::Reason;
use crate::template::Template;
use crate::template::compile::nearest;
use crate::template::compiled::NOT_FOR_STEPS;
use crate::template::expression::Bindings;
use crate::template::fragment::Evaluation;

/// The annotation that lists the app containers which templates may edit.
const CONTAINERS: &str = "pillion.dev/containers";
/// The annotation by which kubectl knows the main container.
const DEFAULT_CONTAINER: &str = "kubectl.kubernetes.io/default-container";

/// Finds the app containers: those that `pillion.dev/containers` names, else all regular ones that
/// the user wrote. The main one is the first named, else kubectl's default, else the first. A
/// mandatory template edits all regular ones, whatever the pod says.
pub(super) fn find(
    pod: &WorkingPod<'_>,
    template: &Template,
    with: Circumstances<'_>,
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
    let known = known(pod, with);
    if !named.is_empty() {
        let mut places = Vec::with_capacity(named.len());
        for name in named {
            let place = known.get(name).copied();
            let place = place.ok_or_else(|| not_found(name, &known))?;
            if !places.contains(&place) {
                places.push(place);
            }
        }
        return Ok(Apps { places, main: 0 });
    }
    let regular = known.values().filter(|(list, _)| *list == List::Containers);
    let mut places: Vec<_> = regular.copied().collect();
    places.sort_by_key(|(_, index)| *index);
    let default = with.annotations.get(DEFAULT_CONTAINER);
    let default = default.and_then(|name| known.get(name.as_str()));
    let main = places.iter().position(|place| Some(place) == default);
    Ok(Apps {
        places,
        main: main.unwrap_or(0),
    })
}

/// The containers that the user wrote for the app, by name.
fn known(pod: &WorkingPod<'_>, with: Circumstances<'_>) -> BTreeMap<String, (List, usize)> {
    let mut known = BTreeMap::new();
    for list in [List::InitContainers, List::Containers] {
        for (index, element) in pod.list(list).iter().enumerate() {
            let name = element.name();
            if matches!(element, Element::Users { .. }) && !with.helpers.contains(name) {
                known.insert(name.to_owned(), (list, index));
            }
        }
    }
    known
}

fn not_found(name: &str, known: &BTreeMap<String, (List, usize)>) -> Refusal {
    let names = known.keys().map(String::as_str);
    let mut hint = nearest(name, names.clone());
    if hint.is_empty() {
        hint = format!("; it has {}", names.collect::<Vec<_>>().join(", "));
    }
    let message = format!("annotation {CONTAINERS}: the pod has no app container `{name}`{hint}");
    let logged = format!("annotation {CONTAINERS}: names a container that the pod does not have");
    Refusal::with_value(Reason::ContainerNotFound, message, logged)
}

/// The data for expressions inside `app:`, once for each app container.
pub(super) fn data_of_each<'d>(data: &Data<'d>) -> Vec<Data<'d>> {
    let own = |own| Data {
        own: Some(own),
        ..*data
    };
    (0..data.apps.places.len()).map(own).collect()
}

/// What each app container gets; where an earlier call's are `known`, only those.
pub(super) fn edits<'v>(
    pod: &WorkingPod<'_>,
    template: &Template,
    each: &'v [Data<'_>],
    bindings: &mut Bindings<'v>,
    names: &Names,
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
            source: data,
            volumes: names,
        };
        let value = fragment.evaluate(with);
        let Some(Value::Object(mut want)) = value.map_err(|f| failed(template, &f))? else {
            continue;
        };
        validity::check("Container", &want, fragment, || {
            format!("spec.app, for the container `{}`", element.name())
        })?;
        if *list == List::InitContainers && !element.is_sidecar() {
            want.retain(|field, _| !NOT_FOR_STEPS.contains(&field.as_str()));
        }
        wanted.app.push(WantedEdit {
            list: *list,
            name: element.name().to_owned(),
            want,
        });
    }
    Ok(())
}
