//! Which containers are the app's: those that templates may edit, and the main one.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use super::EvaluationContext;
use crate::inject::expression_input::Apps;
use crate::inject::pod::{Element, List, WorkingPod};

use crate::inject::verdict::{Reason, Refusal};
use crate::kubernetes::keys::{CONTAINERS, DEFAULT_CONTAINER, PARAMETER_INFIX};
use crate::review::Text;
use crate::template::Template;
use crate::template::compiled::CONTAINERS_PARAMETER;
use crate::wording::did_you_mean;

/// The image by which a container says: take the injector's.
pub(crate) const PLACEHOLDER: &str = "auto";

/// Finds the app containers: those that an annotation names, else all regular ones that are no
/// injector's helper. The main one is the first named, else kubectl's default, else the first.
///
/// Of a mandatory template nothing that a pod can write narrows the app: the installation's list of
/// foreign helpers alone counts, and where all containers are on it, all are the app.
pub(super) fn find(
    pod: &WorkingPod<'_>,
    template: &Template,
    with: EvaluationContext<'_>,
) -> Result<Apps, Refusal> {
    if !template.mandatory {
        let of_all = with.annotations.get_key_value(CONTAINERS);
        for (key, list) in of_template(template, with).into_iter().chain(of_all) {
            let named = names(list.as_str());
            if !named.is_empty() {
                return the_named(key.as_str(), &named, &known(pod, with));
            }
        }
    }
    let listed = if template.mandatory {
        BTreeSet::new()
    } else {
        let helpers = &with.settings.foreign_helpers;
        helpers.listed(|key| with.annotations.get(key).map(Text::as_str))
    };
    if let Some(apps) = known_before(pod, template, with, &listed) {
        return Ok(apps);
    }
    let regular = pod.list(List::Containers).iter().enumerate();
    let users = regular.filter(|(_, element)| is_the_users(element, with));
    let has_users = users.clone().next().is_some();
    let candidates = users.clone();
    let own = candidates.filter(|(_, element)| is_no_helper(element, template, with, &listed));
    let place = |(index, _): (usize, &Element<'_>)| (List::Containers, index);
    let mut places: Vec<_> = own.map(place).collect();
    if places.is_empty() && template.mandatory {
        places = users.map(place).collect();
    }
    let has_helpers_alone = !has_users && !pod.list(List::Containers).is_empty();
    if places.is_empty() && (has_helpers_alone || needs_app(template)) {
        return Err(no_app(pod, template, !has_users));
    }
    let default = with.annotations.get(DEFAULT_CONTAINER).map(Text::as_str);
    let main = places.iter().position(|(list, index)| {
        let element = pod.list(*list).get(*index);
        default.is_some() && element.map(Element::name) == default
    });
    Ok(Apps {
        main: main.unwrap_or_default(),
        places,
    })
}

/// The app containers of an earlier call, as far as they are there: what others added since is not
/// the app. A mandatory template believes no status, and no status makes the app of another injector's
/// helper.
fn known_before(
    pod: &WorkingPod<'_>,
    template: &Template,
    with: EvaluationContext<'_>,
    listed: &BTreeSet<Cow<'_, str>>,
) -> Option<Apps> {
    if with.known_apps.is_empty() || template.mandatory {
        return None;
    }
    let known = known(pod, with);
    let before = with.known_apps.iter();
    let places: Vec<_> = before
        .filter_map(|name| known.get(name.as_str()).copied())
        .filter(|(list, index)| {
            let element = pod.list(*list).get(*index);
            element.is_some_and(|element| is_no_helper(element, template, with, listed))
        })
        .collect();
    (!places.is_empty()).then_some(Apps { places, main: 0 })
}

/// The names of the app's containers, the main one first, where a template depends on them.
pub(super) fn names_of(pod: &WorkingPod<'_>, template: &Template, apps: &Apps) -> Vec<String> {
    if template.mandatory || !needs_app(template) {
        return Vec::new();
    }
    let main = apps.places.get(apps.main);
    let others = apps.places.iter().filter(|place| Some(*place) != main);
    let places = main.into_iter().chain(others);
    places
        .map(|(list, index)| pod.name_of(*list, *index))
        .collect()
}

/// The annotation that names the app containers for one template.
fn of_template<'c>(
    template: &Template,
    with: EvaluationContext<'c>,
) -> Option<(&'c Text<'c>, &'c Text<'c>)> {
    let from = (Bound::Included(template.name.as_str()), Bound::Unbounded);
    let of_name = |key: &'c Text<'c>| key.as_str().strip_prefix(template.name.as_str());
    with.annotations
        .range::<str, _>(from)
        .take_while(|(key, _)| of_name(key).is_some())
        .find(|(key, _)| {
            let name = of_name(key).and_then(|rest| rest.strip_prefix(PARAMETER_INFIX));
            name == Some(CONTAINERS_PARAMETER)
        })
}

/// The names of a list in an annotation.
fn names(list: &str) -> Vec<&str> {
    list.split([',', '\n'])
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect()
}

/// The containers that an annotation names; the first is the main one.
fn the_named(
    key: &str,
    named: &[&str],
    known: &BTreeMap<String, (List, usize)>,
) -> Result<Apps, Refusal> {
    let mut places = Vec::with_capacity(named.len());
    for name in named {
        let found = known.get(*name);
        let place = *found.ok_or_else(|| not_found(key, name, known))?;
        if !places.contains(&place) {
            places.push(place);
        }
    }
    Ok(Apps { places, main: 0 })
}

/// Whether the pod came with a container, and no template has a helper of its name.
fn is_the_users(element: &Element<'_>, with: EvaluationContext<'_>) -> bool {
    matches!(element, Element::Users { .. }) && !with.helpers.contains(&element.name())
}

/// Whether no other injector put a container into the pod, or is to fill it in.
fn is_no_helper(
    element: &Element<'_>,
    template: &Template,
    with: EvaluationContext<'_>,
    listed: &BTreeSet<Cow<'_, str>>,
) -> bool {
    let (name, image) = (element.name(), element.image());
    let is_placeholder = !template.mandatory && image.as_deref() == Some(PLACEHOLDER);
    let helpers = &with.settings.foreign_helpers;
    !is_placeholder && !listed.contains(name) && !helpers.has(name, image.as_deref())
}

/// Whether what a template does depends on the app's containers.
fn needs_app(template: &Template) -> bool {
    let reads = &template.reads;
    template.app.is_some()
        || !(reads.app.is_empty() && reads.apps.is_empty() && reads.own.is_empty())
        || template.volumes.iter().any(|volume| volume.adopt.is_some())
}

/// The containers that the user wrote, by name.
fn known(pod: &WorkingPod<'_>, with: EvaluationContext<'_>) -> BTreeMap<String, (List, usize)> {
    let mut known = BTreeMap::new();
    for list in [List::InitContainers, List::Containers] {
        for (index, element) in pod.list(list).iter().enumerate() {
            if is_the_users(element, with) {
                known.insert(element.name().to_owned(), (list, index));
            }
        }
    }
    known
}

fn not_found(key: &str, name: &str, known: &BTreeMap<String, (List, usize)>) -> Refusal {
    let names = known.keys().map(String::as_str);
    let mut hint = did_you_mean(name, names.clone());
    if hint.is_empty() {
        hint = format!("; it has {}", names.collect::<Vec<_>>().join(", "));
    }
    let message = format!("annotation {key}: the pod has no app container `{name}`{hint}");
    let logged = format!("annotation {key}: names a container that the pod does not have");
    Refusal::with_value(Reason::ContainerNotFound, message, logged)
}

/// The refusal of a pod whose containers are all helpers.
fn no_app(pod: &WorkingPod<'_>, template: &Template, by_name: bool) -> Refusal {
    let containers = pod.list(List::Containers).iter();
    let names = containers
        .map(|element| format!("`{}`", element.name()))
        .collect::<Vec<_>>()
        .join(", ");
    let message = if names.is_empty() {
        "the pod has no container".to_owned()
    } else if by_name {
        format!(
            "the pod has no container but {names}, which the name makes a helper of a template; \
             give the app's container another name"
        )
    } else {
        format!(
            "the pod has no container of the app, only helpers of other injectors: {names}; where \
             one of them is the app, name it in the annotation {}{CONTAINERS_PARAMETER} or \
             {CONTAINERS}",
            template.annotation_prefix()
        )
    };
    Refusal::new(Reason::NoAppContainer, message)
}
