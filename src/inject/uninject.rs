//! Taking out of a pod what its status annotations say was added.
//!
//! `uninject` does it for people; the engine does it to plan afresh when the API server calls a
//! second time. A status names containers, volumes and keys, so whatever others have put beside
//! them stays.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::{Map, Value};

use super::merge::is_empty;
use super::status::Status;
use crate::kubernetes::defaults::default_of;
use crate::kubernetes::image_reference::Reference;
use crate::kubernetes::keys::{SAFE_TO_EVICT_VOLUMES, STATUS_PREFIX};
use crate::kubernetes::merge_keys::{ListMerge, element_key, list_merge};
use crate::kubernetes::object::digest;
use crate::kubernetes::schema::{self, FieldType};

/// Why a pod cannot be brought back to what it was.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RemovalError {
    /// A status annotation is not the JSON that Pillion writes.
    #[error("annotation {annotation}: not a status that Pillion wrote: {problem}")]
    Status {
        /// The annotation's key.
        annotation: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// Takes out exactly what the status annotations of `pod` (an object with `metadata` and `spec`)
/// say was added. Returns the names of the templates that were taken out, in order.
pub fn remove(pod: &mut Value) -> Result<Vec<String>, RemovalError> {
    for (template, text) in annotations(pod) {
        serde_json::from_str::<Status>(&text).map_err(|error| RemovalError::Status {
            annotation: Status::key(&template),
            problem: error.to_string(),
        })?;
    }
    let claims = claims(pod, &|_| true);
    remove_claims(pod, &claims);
    Ok(claims.into_keys().collect())
}

/// What the statuses of these templates claim; one that cannot be read claims nothing.
pub fn claims(pod: &Value, is_meant: &dyn Fn(&str) -> bool) -> BTreeMap<String, Status> {
    annotations(pod)
        .into_iter()
        .filter(|(template, _)| is_meant(template))
        .filter_map(|(template, text)| Some((template, serde_json::from_str(&text).ok()?)))
        .collect()
}

/// Takes out what statuses claim, and these statuses.
pub fn remove_claims(pod: &mut Value, claims: &BTreeMap<String, Status>) {
    for (template, status) in claims {
        remove_one(pod, status);
        remove_keys(pod, "annotations", &[Status::key(template)]);
    }
    prune(pod, "metadata", &["labels", "annotations"]);
    prune(pod, "spec", &["initContainers", "volumes"]);
}

/// The texts of the status annotations, by template.
fn annotations(pod: &Value) -> BTreeMap<String, String> {
    let annotations = pod
        .pointer("/metadata/annotations")
        .and_then(Value::as_object);
    let status = |(key, value): (&String, &Value)| {
        let template = key.strip_prefix(STATUS_PREFIX)?.to_owned();
        Some((template, value.as_str().unwrap_or_default().to_owned()))
    };
    annotations
        .into_iter()
        .flatten()
        .filter_map(status)
        .collect()
}

fn remove_one(pod: &mut Value, status: &Status) {
    for (list, names) in [
        ("containers", &status.containers),
        ("initContainers", &status.init_containers),
        ("volumes", &status.volumes),
    ] {
        let names: HashSet<&str> = names.iter().map(String::as_str).collect();
        if let Some(Value::Array(items)) = pod.pointer_mut(&format!("/spec/{list}")) {
            items.retain(|item| !named(item, &names));
        }
    }
    let auto: HashSet<&str> = status.auto.iter().map(String::as_str).collect();
    for list in ["containers", "initContainers"] {
        let Some(Value::Array(containers)) = pod.pointer_mut(&format!("/spec/{list}")) else {
            continue;
        };
        for container in containers {
            let name = container
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned();
            if let (Value::Object(container), true) =
                (&mut *container, auto.contains(name.as_str()))
            {
                container.insert("image".to_owned(), "auto".into());
            }
            let keys = status.edited.get(&name);
            remove_paths(container, "Container", keys.into_iter().flatten());
            for key in status.replaced_in.get(&name).into_iter().flatten() {
                restore_default(container, "Container", key);
            }
        }
    }
    remove_keys(pod, "labels", &status.labels);
    remove_keys(pod, "annotations", &status.annotations);
    let Some(spec) = pod.get_mut("spec") else {
        return;
    };
    remove_paths(spec, "PodSpec", &status.pod);
    for key in &status.replaced {
        restore_default(spec, "PodSpec", key);
    }
    remove_evictable(pod, &status.safe_to_evict);
}

fn named(item: &Value, names: &HashSet<&str>) -> bool {
    let name = item.get("name").and_then(Value::as_str);
    name.is_some_and(|name| names.contains(name))
}

fn remove_keys(pod: &mut Value, field: &str, keys: &[String]) {
    if let Some(Value::Object(texts)) = pod.pointer_mut(&format!("/metadata/{field}")) {
        let keys: HashSet<&String> = keys.iter().collect();
        texts.retain(|key, _| !keys.contains(key));
    }
}

/// A key path's steps, unescaped.
fn steps(path: &str) -> Vec<String> {
    path.split('/')
        .map(|step| step.replace("~1", "/").replace("~0", "~"))
        .collect()
}

/// Takes out what key paths name; parents that are left empty go with it.
fn remove_paths<'k>(
    value: &mut Value,
    definition: &str,
    paths: impl IntoIterator<Item = &'k String>,
) {
    if let Value::Object(object) = value {
        let paths = paths.into_iter().map(|path| steps(path)).collect();
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
        match (&field.ty, inner) {
            (FieldType::List(_), Value::Array(items)) => {
                let keys: BTreeSet<String> = below.iter().map(|path| path.join("/")).collect();
                let merge = list_merge(definition, &name);
                items.retain(|item| match merge {
                    ListMerge::ByKeys(fields) => {
                        element_key(item, fields).is_none_or(|key| !keys.contains(&key))
                    }
                    _ => !keys.contains(&digest(item)),
                });
            }
            (FieldType::Object(inner_definition), Value::Object(fields)) => {
                remove_fields(fields, inner_definition, below);
            }
            (FieldType::Map(_), Value::Object(entries)) => {
                let keys: BTreeSet<String> = below.iter().map(|path| path.join("/")).collect();
                entries.retain(|key, _| !keys.contains(key));
            }
            _ => {}
        }
        if object.get(&name).is_some_and(is_empty) {
            object.shift_remove(&name);
        }
    }
}

/// Puts an API-server default back.
fn restore_default(value: &mut Value, definition: &str, key: &str) {
    let steps = steps(key);
    if let ([name], Value::Object(object)) = (steps.as_slice(), value) {
        let image = object.get("image").and_then(Value::as_str);
        let default = match (name.as_str(), image) {
            ("imagePullPolicy", Some(image)) => Some(Reference::pull_policy(image).into()),
            _ => default_of(definition, name),
        };
        if let Some(default) = default {
            object.insert(name.clone(), default);
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
    let left: Vec<_> = listed
        .split(',')
        .filter(|name| !names.iter().any(|known| known == name.trim()))
        .collect();
    let left = left.join(",");
    if left.is_empty() {
        annotations.shift_remove(SAFE_TO_EVICT_VOLUMES);
    } else {
        annotations.insert(SAFE_TO_EVICT_VOLUMES.to_owned(), Value::String(left));
    }
}

/// Drops fields that are left empty.
fn prune(pod: &mut Value, parent: &str, fields: &[&str]) {
    if let Some(Value::Object(parent)) = pod.get_mut(parent) {
        for field in fields {
            if parent.get(*field).is_some_and(is_empty) {
                parent.shift_remove(*field);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_others_added_stays() {
        let status = json!({"verdict": "Injected", "reason": "Applied", "revision": "r",
            "initContainers": ["helper"], "volumes": ["t-v"], "replaced": ["dnsPolicy"],
            "edited": {"app": ["env/A", "ports/80~1TCP", "resources/requests/cpu"]},
            "auto": ["own"], "safeToEvict": ["t-v"], "labels": ["l"]});
        let mut pod = json!({"metadata": {"labels": {"l": "1"}, "annotations": {
                "pillion.dev/status.t": status.to_string(), SAFE_TO_EVICT_VOLUMES: "a,t-v"}},
            "spec": {"initContainers": [{"name": "helper"}, {"name": "own", "image": "x:1"}],
                "containers": [{"name": "app", "env": [{"name": "A"}, {"name": "B"}],
                    "ports": [{"containerPort": 80}],
                    "resources": {"requests": {"cpu": "1", "memory": "2"}}}],
                "volumes": [{"name": "t-v"}], "dnsPolicy": "None"}});
        assert_eq!(remove(&mut pod).unwrap(), ["t"]);
        let expected = json!({"metadata": {"annotations": {SAFE_TO_EVICT_VOLUMES: "a"}},
            "spec": {"initContainers": [{"name": "own", "image": "auto"}],
                "containers": [{"name": "app", "env": [{"name": "B"}],
                    "resources": {"requests": {"memory": "2"}}}],
                "dnsPolicy": "ClusterFirst"}});
        assert_eq!(pod, expected);
    }

    #[test]
    fn a_status_that_is_none_is_an_error_that_names_it() {
        let mut pod = json!({"metadata": {"annotations": {"pillion.dev/status.t": "injected"}}});
        let error = remove(&mut pod).unwrap_err().to_string();
        assert!(error.contains("pillion.dev/status.t"), "{error}");
    }
}
