//! When two pods are the same, and how a difference is shown.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use similar::TextDiff;

use crate::empty::without_empty;

/// The start of the keys of status annotations.
pub(crate) const STATUS: &str = "pillion.dev/status.";

/// Lists whose order says nothing, and which the API server's plugins add to.
const SETS: [&str; 3] = ["tolerations", "volumes", "volumeMounts"];

/// Fields of a container that the API server fills in.
const DEFAULTED: [&str; 3] = [
    "imagePullPolicy",
    "terminationMessagePath",
    "terminationMessagePolicy",
];

/// What of a pod must be the same on every way: labels, annotations and spec. A field whose
/// default is replaced in one pod is added to the other, where the default was not yet there, so
/// in statuses the two lists count as one.
pub(crate) fn essence(pod: &Value) -> Value {
    let mut annotations = pod["metadata"]["annotations"].clone();
    for (key, value) in annotations.as_object_mut().into_iter().flatten() {
        if key.starts_with(STATUS) {
            *value = status(value);
        }
    }
    let mut essence = json!({
        "labels": pod["metadata"]["labels"],
        "annotations": annotations,
        "spec": pod["spec"],
    });
    sort_sets(&mut essence);
    without_empty(&mut essence);
    essence
}

fn status(text: &Value) -> Value {
    let Some(Ok(mut status)) = text.as_str().map(serde_json::from_str::<Value>) else {
        return text.clone();
    };
    let Some(fields) = status.as_object_mut() else {
        return status;
    };
    // Whether a container's default was there to be replaced depends on the way too.
    fields.shift_remove("replacedIn");
    // A review has in annotations what flags say elsewhere.
    fields.shift_remove("askedBy");
    let edited = fields.get_mut("edited").and_then(Value::as_object_mut);
    for keys in edited.into_iter().flat_map(Map::values_mut) {
        if let Some(keys) = keys.as_object_mut() {
            keys.retain(|key, _| !DEFAULTED.contains(&key.as_str()));
        }
    }
    let mut pod = Map::new();
    for name in ["pod", "replaced"] {
        let elements = fields.shift_remove(name).unwrap_or_default();
        pod.extend(elements.as_object().cloned().unwrap_or_default());
    }
    fields.insert("pod".to_owned(), pod.into());
    status
}

fn sort_sets(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                sort_sets(field);
                if let (true, Value::Array(items)) = (SETS.contains(&name.as_str()), field) {
                    items.sort_by_cached_key(|item| sorted(item).to_string());
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(sort_sets),
        _ => {}
    }
}

/// The value with the keys of its maps in order.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut entries: Vec<_> = fields.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            let entry = |(key, value): (&String, &Value)| (key.clone(), sorted(value));
            Value::Object(entries.into_iter().map(entry).collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

/// Notes a difference of two values.
pub(crate) fn values(failures: &mut String, what: &str, expected: &Value, found: &Value) {
    if expected != found {
        let text = |value: &Value| serde_json::to_string_pretty(&sorted(value)).unwrap();
        texts(failures, what, &text(expected), &text(found));
    }
}

/// Notes a difference of two texts.
pub(crate) fn texts(failures: &mut String, what: &str, expected: &str, found: &str) {
    if expected == found {
        return;
    }
    let diff = TextDiff::from_lines(expected, found);
    let unified = diff.unified_diff().header("expected", "found").to_string();
    let _ = writeln!(failures, "== {what}\n{unified}");
}
