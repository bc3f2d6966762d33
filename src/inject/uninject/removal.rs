//! Taking single elements out of a pod, and putting back what they replaced.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::{Map, Value};

use crate::inject::merge::is_empty;
use crate::inject::ownership::{is_among, name, steps};
use crate::inject::status::{Elements, Status};
use crate::kubernetes::defaults::{default_beside, displaced_by, displaces};
use crate::kubernetes::keys::SAFE_TO_EVICT_VOLUMES;
use crate::kubernetes::schema::{self, FieldType};

/// The one list in which defaults are elements.
const TOLERATIONS: &str = "tolerations";

/// Takes out everything that a status names.
pub(super) fn remove_all(pod: &mut Value, status: &Status) {
    for (list, elements) in [
        ("containers", &status.containers),
        ("initContainers", &status.init_containers),
        ("volumes", &status.volumes),
    ] {
        let names: HashSet<&str> = elements.names().map(String::as_str).collect();
        if let Some(Value::Array(items)) = pod.pointer_mut(&format!("/spec/{list}")) {
            items.retain(|item| !names.contains(name(item)));
        }
    }
    for list in ["containers", "initContainers"] {
        if let Some(Value::Array(containers)) = pod.pointer_mut(&format!("/spec/{list}")) {
            for container in containers {
                restore(container, status);
            }
        }
    }
    remove_keys(pod, "labels", &status.labels);
    remove_keys(pod, "annotations", &status.annotations);
    if let Some(spec) = pod.get_mut("spec") {
        remove_paths(spec, "PodSpec", &status.pod);
        restore_defaults(spec, "PodSpec", &status.replaced);
    }
    remove_evictable(pod, &status.safe_to_evict);
}

/// Takes out of the user's container what was added to it.
fn restore(container: &mut Value, status: &Status) {
    let name = name(container).to_owned();
    if let (Value::Object(fields), true) = (&mut *container, status.auto.contains(&name)) {
        fields.insert("image".to_owned(), "auto".into());
    }
    if let Some(keys) = status.edited.get(&name) {
        remove_paths(container, "Container", keys);
    }
    if let Some(keys) = status.replaced_in.get(&name) {
        restore_defaults(container, "Container", keys);
    }
}

fn remove_keys(pod: &mut Value, field: &str, keys: &Elements) {
    if let Some(Value::Object(texts)) = pod.pointer_mut(&format!("/metadata/{field}")) {
        let keys: HashSet<&String> = keys.names().collect();
        texts.retain(|key, _| !keys.contains(key));
    }
}

/// Takes out what key paths name; parents that are left empty go with it.
fn remove_paths(value: &mut Value, definition: &str, paths: &Elements) {
    if let Value::Object(object) = value {
        let paths = paths.names().map(|path| steps(path)).collect();
        remove_fields(object, definition, paths);
    }
}

/// All paths below one field are taken out together, so that a long list is read once.
fn remove_fields(object: &mut Map<String, Value>, definition: &str, paths: Vec<Vec<String>>) {
    let mut by_field: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
    for mut path in paths.into_iter().filter(|path| !path.is_empty()) {
        let rest = path.split_off(1);
        by_field.entry(path.concat()).or_default().push(rest);
    }
    for (name, below) in by_field {
        if below.iter().any(Vec::is_empty) {
            object.shift_remove(&name);
            continue;
        }
        let field = schema::field(definition, &name);
        let (Some(field), Some(inner)) = (field, object.get_mut(&name)) else {
            continue;
        };
        let keys: BTreeSet<String> = below.iter().map(|path| path.join("/")).collect();
        match (&field.ty, inner) {
            (FieldType::List(_), Value::Array(items)) => {
                items.retain(|item| !is_among(definition, &name, item, &keys));
            }
            (FieldType::Object(inner_definition), Value::Object(fields)) => {
                remove_fields(fields, inner_definition, below);
            }
            (FieldType::Map(_), Value::Object(entries)) => {
                entries.retain(|key, _| !keys.contains(key));
            }
            _ => {}
        }
        if object.get(&name).is_some_and(is_empty) {
            object.shift_remove(&name);
        }
    }
}

/// Puts API-server defaults back, and the tolerations of its admission plugin.
fn restore_defaults(value: &mut Value, definition: &str, keys: &Elements) {
    let Value::Object(object) = value else {
        return;
    };
    let mut tolerations = BTreeSet::new();
    for key in keys.names() {
        match steps(key).as_slice() {
            [name] => {
                let default = default_beside(definition, name, |other| object.get(other));
                if let Some(default) = default {
                    object.insert(name.clone(), default);
                }
            }
            [list, key] if list == TOLERATIONS => {
                tolerations.insert(key.clone());
            }
            _ => {}
        }
    }
    if let Some(Value::Array(items)) = object.get_mut(TOLERATIONS) {
        restore_tolerations(definition, items, &tolerations);
    }
}

/// Puts the default tolerations where ours stand that displaced them. The plugin adds none beside a
/// toleration of the user's.
fn restore_tolerations(definition: &str, items: &mut Vec<Value>, ours: &BTreeSet<String>) {
    if ours.is_empty() {
        return;
    }
    let received: Vec<(bool, Value)> = std::mem::take(items)
        .into_iter()
        .map(|item| (is_among(definition, TOLERATIONS, &item, ours), item))
        .collect();
    let mut missing: Vec<Value> = Vec::new();
    for (_, item) in received.iter().filter(|(is_ours, _)| *is_ours) {
        for default in displaced_by(item) {
            if !missing.contains(&default) {
                missing.push(default);
            }
        }
    }
    missing.retain(|default| {
        let mut users = received.iter().filter(|(is_ours, _)| !is_ours);
        !users.any(|(_, user)| displaces(user, default))
    });
    for (is_ours, item) in received {
        if !is_ours {
            items.push(item);
            continue;
        }
        for default in displaced_by(&item) {
            let place = missing.iter().position(|known| *known == default);
            items.extend(place.map(|place| missing.remove(place)));
        }
    }
}

/// Takes names out of the autoscaler's list.
fn remove_evictable(pod: &mut Value, names: &[String]) {
    let annotations = pod
        .pointer_mut("/metadata/annotations")
        .and_then(Value::as_object_mut);
    let Some(annotations) = annotations.filter(|_| !names.is_empty()) else {
        return;
    };
    let listed = annotations
        .get(SAFE_TO_EVICT_VOLUMES)
        .and_then(Value::as_str)
        .unwrap_or_default();
    let names: HashSet<&str> = names.iter().map(String::as_str).collect();
    let left: Vec<_> = listed
        .split(',')
        .filter(|name| !names.contains(name.trim()))
        .collect();
    let text = left.join(",");
    if text.is_empty() {
        annotations.shift_remove(SAFE_TO_EVICT_VOLUMES);
    } else {
        annotations.insert(SAFE_TO_EVICT_VOLUMES.to_owned(), Value::String(text));
    }
}

/// Drops fields that are left empty.
pub(super) fn prune(pod: &mut Value) {
    for (parent, fields) in [
        ("metadata", &["labels", "annotations"]),
        ("spec", &["initContainers", "volumes"]),
    ] {
        if let Some(Value::Object(parent)) = pod.get_mut(parent) {
            for field in fields {
                if parent.get(*field).is_some_and(is_empty) {
                    parent.shift_remove(*field);
                }
            }
        }
    }
}

/// Takes the annotation of a template's status out.
pub(super) fn remove_status(pod: &mut Value, template: &str) {
    let annotations = pod.pointer_mut("/metadata/annotations");
    if let Some(annotations) = annotations.and_then(Value::as_object_mut) {
        annotations.shift_remove(&Status::key(template));
    }
}

/// Writes the status of a template of which something is left.
pub(super) fn write_status(pod: &mut Value, template: &str, left: &Status) {
    let annotations = pod.pointer_mut("/metadata/annotations");
    if let Some(annotations) = annotations.and_then(Value::as_object_mut) {
        annotations.insert(Status::key(template), Value::String(left.to_json()));
    }
}
