//! What stays as received at a second call: elements that others changed, and the order of lists.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value};

use super::ownership::{PodContent, called, is_named, items, name, steps};
use super::status::{Element, Status};
use super::uninject::volumes_used;
use crate::kubernetes::element_digest::{differing_fields, element_digest};
use crate::kubernetes::image_reference::{ALWAYS, PULL_POLICY};
use crate::kubernetes::keys::SAFE_TO_EVICT_VOLUMES;
use crate::kubernetes::quantity::Quantity;
use crate::kubernetes::schema::{self, FieldType};

/// The lists of a pod's containers.
const CONTAINERS: [&str; 2] = ["containers", "initContainers"];

const RESTART_POLICY: &str = "restartPolicy";

/// What others changed of a helper.
#[derive(Debug)]
pub(crate) struct ChangedHelper {
    /// Its name.
    pub(crate) name: String,
    /// The fields that stay as they were changed.
    pub(crate) fields: Vec<String>,
    /// Whether it lost `restartPolicy: Always`, and got it back.
    pub(crate) is_sidecar_again: bool,
    /// A volume that it mounts and the pod has no more, so that it did not stay as it was changed.
    pub(crate) lost_volume: Option<String>,
}

/// Whether every container is pulled anew for each pod, as the admission plugin `AlwaysPullImages` has it: it
/// sets that in every pod, whatever is asked for, and takes no pod otherwise.
pub(crate) fn always_pulls(pod: &Value) -> bool {
    let mut containers = CONTAINERS.iter().flat_map(|list| items(pod, list));
    containers.all(|container| container.get(PULL_POLICY).and_then(Value::as_str) == Some(ALWAYS))
}

/// Gives helpers the pull policy back with which a status says that they were added: where the plugin has set
/// another, nobody has changed them. A status may name thousands: each container is looked at once.
pub(crate) fn restore_policies(pod: &mut Value, status: &Status) {
    let lists = [
        ("containers", &status.containers),
        ("initContainers", &status.init_containers),
    ];
    for (list, helpers) in lists {
        let helpers = helpers.iter();
        let digests: HashMap<&str, u64> = helpers
            .filter_map(|(name, digest)| Some((name, digest?)))
            .collect();
        for container in elements_mut(pod, &[list]) {
            if let Some(digest) = digests.get(name(container)) {
                restore_policy(container, *digest);
            }
        }
    }
}

/// Gives a container the pull policy with which it has this digest, where there is one.
fn restore_policy(container: &mut Value, digest: u64) {
    let ty = FieldType::Object("Container".to_owned());
    let mut restored = container.clone();
    for policy in [Some(ALWAYS), None, Some("IfNotPresent"), Some("Never")] {
        set_policy(&mut restored, policy);
        if element_digest(&ty, &restored) == digest {
            *container = restored;
            return;
        }
    }
}

fn set_policy(container: &mut Value, policy: Option<&str>) {
    if let Value::Object(fields) = container {
        match policy {
            Some(policy) => fields.insert(PULL_POLICY.to_owned(), policy.into()),
            None => fields.shift_remove(PULL_POLICY),
        };
    }
}

/// Keeps the plugin's pull policy in every container that the pod had as received.
pub(crate) fn keep_policies(before: &Value, after: &mut Value) {
    let received = CONTAINERS.iter().flat_map(|list| items(before, list));
    let names: BTreeSet<&str> = received.map(name).collect();
    for container in elements_mut(after, &CONTAINERS) {
        if names.contains(name(container)) {
            set_policy(container, Some(ALWAYS));
        }
    }
}

/// Puts what a status names back as it was received, but for a sidecar that is none any more: whoever knows
/// an older API drops its `restartPolicy`, and the app would wait for its end for ever.
pub(crate) fn keep_changes(before: &Value, after: &mut Value, kept: &Status) -> Vec<ChangedHelper> {
    let mut helpers = Vec::new();
    let content = PodContent::new(before);
    let volumes: BTreeSet<String> = items(after, "volumes")
        .map(|it| name(it).to_owned())
        .collect();
    let kept = kept
        .elements()
        .filter(|(element, _)| !element.is_generated_file());
    for (element, _) in kept {
        let Some((value, _)) = content.find(element) else {
            continue;
        };
        let place = match element {
            Element::Container(name) => listed(after, &["containers"], name),
            Element::InitContainer(name) => listed(after, &["initContainers"], name),
            Element::Volume(name) => listed(after, &["volumes"], name),
            Element::Label(key) => text_of(after, "labels", key),
            Element::Annotation(key) => text_of(after, "annotations", key),
            Element::Image(name) => {
                let container = listed(after, &CONTAINERS, name);
                container.and_then(|container| container.get_mut("image"))
            }
            Element::Field(key) | Element::Default(key) => after
                .get_mut("spec")
                .and_then(|spec| place_of("PodSpec", spec, &steps(key))),
            Element::Edit(name, key) | Element::EditedDefault(name, key) => {
                let container = listed(after, &CONTAINERS, name);
                container.and_then(|container| place_of("Container", container, &steps(key)))
            }
        };
        let Some(place) = place else {
            continue;
        };
        let is_helper = matches!(element, Element::Container(_) | Element::InitContainer(_));
        if let Some(volume) = lost_volume(value, &volumes).filter(|_| is_helper) {
            helpers.push(ChangedHelper {
                name: name(value).to_owned(),
                fields: Vec::new(),
                is_sidecar_again: false,
                lost_volume: Some(volume.to_owned()),
            });
            continue;
        }
        let composed = std::mem::replace(place, value.clone());
        if let Element::Container(name) | Element::InitContainer(name) = element {
            let is_sidecar_again = restart_again(&composed, place);
            helpers.push(ChangedHelper {
                name: name.to_owned(),
                fields: differing_fields("Container", place, &composed),
                is_sidecar_again,
                lost_volume: None,
            });
        }
    }
    helpers
}

/// A volume that a container names and that is none of these: one of another template's, which is not selected
/// any more.
fn lost_volume<'v>(container: &'v Value, volumes: &BTreeSet<String>) -> Option<&'v str> {
    let mut named = volumes_used(container, &[]);
    named.find(|volume| !volumes.contains(*volume))
}

/// Gives a container back the `restartPolicy: Always` that it lost; whether it did.
fn restart_again(composed: &Value, container: &mut Value) -> bool {
    let policy = composed.get(RESTART_POLICY);
    let is_lost = policy.is_some_and(|policy| policy == "Always")
        && container.get(RESTART_POLICY).is_none_or(Value::is_null);
    if let (true, Some(policy), Value::Object(fields)) = (is_lost, policy, container) {
        fields.insert(RESTART_POLICY.to_owned(), policy.clone());
    }
    is_lost
}

/// Leaves out what amounts that others changed would make invalid: a limit below the request, or the
/// request. What the pod had as received stays.
pub(crate) fn keep_amounts(before: &Value, after: &mut Value) {
    let content = PodContent::new(before);
    for container in elements_mut(after, &CONTAINERS) {
        let received = content.container(name(container));
        for (kind, resource) in contradictions(container, received) {
            let amounts = container.pointer_mut(&format!("/resources/{kind}"));
            if let Some(Value::Object(amounts)) = amounts {
                amounts.shift_remove(&resource);
            }
        }
    }
}

/// The limits below their requests, or those requests, that a container did not have as received.
fn contradictions(container: &Value, received: Option<&Value>) -> Vec<(&'static str, String)> {
    let amount = |container: &Value, kind: &str, resource: &str| {
        Quantity::in_field(container.get("resources")?.get(kind)?.get(resource)?)
    };
    let limits = container
        .pointer("/resources/limits")
        .and_then(Value::as_object);
    let invalid = limits.into_iter().flatten().filter(|(resource, _)| {
        let limit = amount(container, "limits", resource);
        let request = amount(container, "requests", resource);
        limit
            .zip(request)
            .is_some_and(|(limit, request)| limit < request)
    });
    let added = invalid.filter_map(|(resource, _)| {
        let mut kinds = ["limits", "requests"].into_iter();
        let had = |kind: &str| received.and_then(|it| amount(it, kind, resource)).is_some();
        Some((kinds.find(|kind| !had(kind))?, resource.clone()))
    });
    added.collect()
}

/// The elements of these lists of the pod's spec.
fn elements_mut<'v>(pod: &'v mut Value, lists: &[&str]) -> impl Iterator<Item = &'v mut Value> {
    let spec = pod.get_mut("spec").and_then(Value::as_object_mut);
    spec.into_iter()
        .flatten()
        .filter(|(list, _)| lists.contains(&list.as_str()))
        .filter_map(|(_, list)| list.as_array_mut())
        .flatten()
}

/// An element of one of these lists.
fn listed<'v>(pod: &'v mut Value, lists: &[&str], wanted: &str) -> Option<&'v mut Value> {
    elements_mut(pod, lists).find(|item| name(item) == wanted)
}

fn text_of<'v>(pod: &'v mut Value, kind: &str, key: &str) -> Option<&'v mut Value> {
    pod.get_mut("metadata")?.get_mut(kind)?.get_mut(key)
}

/// The place that a key path names in an object of this definition.
fn place_of<'v>(
    definition: &str,
    object: &'v mut Value,
    steps: &[String],
) -> Option<&'v mut Value> {
    let (first, rest) = steps.split_first()?;
    let field = schema::field(definition, first)?;
    let is_resources = |definition: &str| definition == "ResourceRequirements";
    let is_amounts = match &field.ty {
        FieldType::Map(_) => is_resources(definition),
        FieldType::Object(inner) => is_resources(inner),
        _ => false,
    };
    if let (Value::Object(fields), true) = (&mut *object, is_amounts && !rest.is_empty()) {
        fields
            .entry(first)
            .or_insert_with(|| Value::Object(Map::new()));
    }
    let value = object.get_mut(first)?;
    if rest.is_empty() {
        return Some(value);
    }
    let key = rest.join("/");
    match &field.ty {
        FieldType::List(_) => {
            // As where it was found: of several variables of one name the last counts.
            let mut items = value.as_array_mut()?.iter_mut().rev();
            items.find(|item| is_named(definition, first, item, &key))
        }
        FieldType::Object(inner) => place_of(inner, value, rest),
        // A request that the API server copied from a limit is not written anew.
        FieldType::Map(_) if is_amounts => {
            Some(value.as_object_mut()?.entry(key).or_insert(Value::Null))
        }
        FieldType::Map(_) => value.get_mut(&key),
        _ => None,
    }
}

/// Keeps the order of lists that have the same elements as received: others put theirs where they
/// want. Helpers of mandatory templates stand where the template puts them.
pub(crate) fn keep_order(before: &Value, after: &mut Value, mandatory: &[&str]) {
    let (Some(Value::Object(before)), Some(Value::Object(after))) =
        (before.get("spec"), after.get_mut("spec"))
    else {
        return;
    };
    order_lists("PodSpec", before, after, mandatory);
    for list in CONTAINERS {
        let containers = before.get(list).and_then(Value::as_array);
        let Some(Value::Array(results)) = after.get_mut(list) else {
            continue;
        };
        for result in results {
            let same = containers
                .into_iter()
                .flatten()
                .find(|container| name(container) == name(result));
            if let (Some(Value::Object(before)), Value::Object(after)) = (same, result) {
                order_lists("Container", before, after, &[]);
            }
        }
    }
}

/// Keeps the order of the autoscaler's list, which is a set.
pub(crate) fn keep_evictable(before: &Value, after: &mut Value) {
    let given = before.get("metadata").and_then(|metadata| {
        metadata
            .get("annotations")?
            .get(SAFE_TO_EVICT_VOLUMES)?
            .as_str()
    });
    if let Some(given) = given
        && let Some(place) = text_of(after, "annotations", SAFE_TO_EVICT_VOLUMES)
        && place
            .as_str()
            .is_some_and(|text| names(text) == names(given))
    {
        *place = given.into();
    }
}

fn names(list: &str) -> BTreeSet<&str> {
    list.split(',').map(str::trim).collect()
}

fn sorted(mut keys: Vec<String>) -> Vec<String> {
    keys.sort();
    keys
}

fn order_lists(
    definition: &str,
    before: &Map<String, Value>,
    after: &mut Map<String, Value>,
    mandatory: &[&str],
) {
    for (list, items) in after.iter_mut() {
        let (Value::Array(items), Some(Value::Array(received))) = (items, before.get(list)) else {
            continue;
        };
        if items == received {
            continue;
        }
        let moves = items.iter().any(|item| mandatory.contains(&name(item)));
        let key = |item: &Value| called(definition, list, item).map(Cow::into_owned);
        let order: Option<Vec<String>> = received.iter().map(key).collect();
        let keys: Option<Vec<String>> = items.iter().map(key).collect();
        let (Some(order), Some(keys), false) = (order, keys, moves) else {
            continue;
        };
        if order != keys && sorted(order.clone()) == sorted(keys) {
            let places: HashMap<&String, usize> = order
                .iter()
                .enumerate()
                .rev()
                .map(|(place, key)| (key, place))
                .collect();
            items.sort_by_cached_key(|item| places.get(&key(item)?).copied());
        }
    }
}
