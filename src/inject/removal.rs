//! Taking out of a pod what its status annotations say was added.
//!
//! `uninject` does it for people; the engine does it to plan afresh when the API server calls a
//! second time. A status names containers, volumes and keys, so whatever others have put beside
//! them stays.

use serde_json::{Map, Value};

use super::defaults::default_in;
use super::keys::{ListMerge, element_key, list_merge};
use super::plan::{PLACEHOLDER, SAFE_TO_EVICT};
use super::status::{PREFIX, Status};
use crate::template::schema::{self, FieldType};

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
    let statuses = statuses(pod, |_| true)?;
    remove_all(pod, &statuses);
    Ok(statuses.into_iter().map(|(template, _)| template).collect())
}

/// Takes out what these statuses say was added, and the statuses themselves.
pub(super) fn remove_all(pod: &mut Value, statuses: &[(String, Status)]) {
    for (template, status) in statuses {
        remove_one(pod, status);
        remove_keys(pod, "annotations", &[Status::key(template)]);
    }
    prune(pod, "metadata", &["labels", "annotations"]);
    prune(pod, "spec", &["initContainers", "volumes"]);
}

/// The statuses of a pod, by template, as far as the templates are wanted.
pub fn statuses(
    pod: &Value,
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<(String, Status)>, RemovalError> {
    let annotations = pod
        .pointer("/metadata/annotations")
        .and_then(Value::as_object);
    let mut statuses = Vec::new();
    for (key, value) in annotations.into_iter().flatten() {
        let Some(template) = key.strip_prefix(PREFIX).filter(|name| wanted(name)) else {
            continue;
        };
        let text = value.as_str().unwrap_or_default();
        let status = serde_json::from_str(text).map_err(|error| RemovalError::Status {
            annotation: key.clone(),
            problem: error.to_string(),
        })?;
        statuses.push((template.to_owned(), status));
    }
    statuses.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(statuses)
}

fn remove_one(pod: &mut Value, status: &Status) {
    for (list, names) in [
        ("containers", &status.containers),
        ("initContainers", &status.init_containers),
        ("volumes", &status.volumes),
    ] {
        if let Some(Value::Array(items)) = pod.pointer_mut(&format!("/spec/{list}")) {
            items.retain(|item| !named(item, names));
        }
    }
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
            for key in status.edited.get(&name).into_iter().flatten() {
                remove_path(container, "Container", key);
            }
            let Value::Object(container) = container else {
                continue;
            };
            if status.auto.contains(&name) {
                container.insert("image".to_owned(), PLACEHOLDER.into());
            }
            for key in status.defaults.get(&name).into_iter().flatten() {
                restore_default(container, "Container", key);
            }
        }
    }
    remove_keys(pod, "labels", &status.labels);
    remove_keys(pod, "annotations", &status.annotations);
    let Some(spec) = pod.get_mut("spec") else {
        return;
    };
    for key in &status.pod {
        remove_path(spec, "PodSpec", key);
    }
    for key in &status.replaced {
        if let Value::Object(spec) = spec {
            restore_default(spec, "PodSpec", key);
        }
    }
    remove_evictable(pod, &status.safe_to_evict);
}

fn named(item: &Value, names: &[String]) -> bool {
    let name = item.get("name").and_then(Value::as_str);
    name.is_some_and(|name| names.iter().any(|known| known == name))
}

fn remove_keys(pod: &mut Value, field: &str, keys: &[String]) {
    if let Some(Value::Object(texts)) = pod.pointer_mut(&format!("/metadata/{field}")) {
        texts.retain(|key, _| !keys.contains(key));
    }
}

/// A key path's steps, unescaped.
fn steps(path: &str) -> Vec<String> {
    path.split('/')
        .map(|step| step.replace("~1", "/").replace("~0", "~"))
        .collect()
}

/// Takes out what a key path names; parents that are left empty go with it.
fn remove_path(value: &mut Value, definition: &str, path: &str) {
    let steps = steps(path);
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    if let Value::Object(object) = value {
        remove_field(object, definition, &steps);
    }
}

fn remove_field(object: &mut Map<String, Value>, definition: &str, steps: &[&str]) {
    let [name, rest @ ..] = steps else {
        return;
    };
    if rest.is_empty() {
        object.shift_remove(*name);
        return;
    }
    let Some(field) = schema::field(definition, name) else {
        return;
    };
    let Some(inner) = object.get_mut(*name) else {
        return;
    };
    match (&field.ty, inner) {
        (FieldType::List(_), Value::Array(items)) => {
            let key = rest.join("/");
            let merge = list_merge(definition, name);
            items.retain(|item| match merge {
                ListMerge::ByKeys(keys) => element_key(item, keys).as_deref() != Some(&key),
                _ => serde_json::from_str(&key).ok().as_ref() != Some(item),
            });
        }
        (FieldType::Object(inner_definition), Value::Object(fields)) => {
            remove_field(fields, inner_definition, rest);
        }
        (FieldType::Map(_), Value::Object(entries)) => {
            entries.shift_remove(&rest.join("/"));
        }
        _ => {}
    }
    if object.get(*name).is_some_and(is_empty) {
        object.shift_remove(*name);
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// Puts an API-server default back.
fn restore_default(object: &mut Map<String, Value>, definition: &str, key: &str) {
    let steps = steps(key);
    let [name] = steps.as_slice() else {
        return;
    };
    if let Some(default) = default_in(definition, name, object.get("image")) {
        object.insert(name.clone(), default);
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
        .get(SAFE_TO_EVICT)
        .and_then(Value::as_str)
        .unwrap_or_default();
    let left: Vec<_> = listed
        .split(',')
        .filter(|name| !names.iter().any(|known| known == name.trim()))
        .collect();
    let left = left.join(",");
    if left.is_empty() {
        annotations.shift_remove(SAFE_TO_EVICT);
    } else {
        annotations.insert(SAFE_TO_EVICT.to_owned(), Value::String(left));
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
                "pillion.dev/status.t": status.to_string(), SAFE_TO_EVICT: "a,t-v"}},
            "spec": {"initContainers": [{"name": "helper"}, {"name": "own", "image": "x:1"}],
                "containers": [{"name": "app", "env": [{"name": "A"}, {"name": "B"}],
                    "ports": [{"containerPort": 80}],
                    "resources": {"requests": {"cpu": "1", "memory": "2"}}}],
                "volumes": [{"name": "t-v"}], "dnsPolicy": "None"}});
        assert_eq!(remove(&mut pod).unwrap(), ["t"]);
        let expected = json!({"metadata": {"annotations": {SAFE_TO_EVICT: "a"}},
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
