//! The same change of the pod, written as different patches.
//!
//! Each shape is made from what Pillion answers about the very review that the API server sends,
//! and the bench proves that the pods that come of them are the same.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::handler::{Reply, besides};
use crate::pods::{TOKEN, token_volume};
use crate::support::failure::{During, Failure, Outcome};

/// Where the `ServiceAccount` plugin mounts the token.
const TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// How the path of a status annotation begins in a patch.
const STATUS: &str = "/metadata/annotations/pillion.dev~1status.";

/// What Pillion says about a review.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    /// The pod of the review.
    pub(crate) pod: Value,
    /// The operations of the patch; none where there is no patch.
    pub(crate) patch: Vec<Value>,
    /// `auditAnnotations`, null for none.
    pub(crate) audit_annotations: Value,
    /// `warnings`, null for none.
    pub(crate) warnings: Value,
}

impl Said {
    /// Asks `pillion review`, which answers as the server does. The name of the token's volume,
    /// which no two pods share, becomes [`TOKEN`].
    pub(crate) fn about(program: &Path, review: &[u8]) -> Outcome<Self> {
        let text = String::from_utf8_lossy(review);
        let text = match token_volume(&text) {
            Some(name) => text.replace(name, TOKEN),
            None => text.into_owned(),
        };
        let answer = ask(program, text.as_bytes())?;
        let answer: Value = serde_json::from_slice(&answer).during("read an answer")?;
        let review: Value = serde_json::from_str(&text).during("read a review")?;
        let part = |field| answer.pointer(field).cloned().unwrap_or_default();
        let patch = match part("/response/patch") {
            Value::String(patch) => {
                let patch = STANDARD.decode(patch).during("decode a patch")?;
                serde_json::from_slice(&patch).during("read a patch")?
            }
            _ => Vec::new(),
        };
        Ok(Self {
            pod: review
                .pointer("/request/object")
                .cloned()
                .unwrap_or_default(),
            patch,
            audit_annotations: part("/response/auditAnnotations"),
            warnings: part("/response/warnings"),
        })
    }

    /// The answer with this patch instead.
    pub(crate) fn with(&self, patch: &[Value], again: &Self) -> Reply {
        Reply {
            patch: Some(json!(patch).to_string()),
            besides: besides(&self.audit_annotations, &self.warnings),
            besides_again: besides(&again.audit_annotations, &again.warnings),
        }
    }
}

fn ask(program: &Path, review: &[u8]) -> Outcome<Vec<u8>> {
    let mut child = Command::new(program)
        .args(["review", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .during("start `pillion review`")?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(review).during("write a review")?;
    }
    let output = child.wait_with_output().during("read an answer")?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let status = output.status;
    Err(Failure::new(format!(
        "`pillion review` ended with {status}"
    )))
}

/// The whole of each list of the spec, and all annotations, by one operation each.
pub(crate) fn whole_lists(pod: &Value, patch: &[Value]) -> Outcome<Vec<Value>> {
    whole(pod, patch, 2)
}

/// All annotations by one operation, the whole spec by another.
pub(crate) fn whole_spec(pod: &Value, patch: &[Value]) -> Outcome<Vec<Value>> {
    let (metadata, spec): (Vec<_>, Vec<_>) = patch
        .iter()
        .cloned()
        .partition(|operation| path(operation).starts_with("/metadata"));
    let mut operations = whole(pod, &metadata, 2)?;
    operations.extend(whole(pod, &spec, 1)?);
    Ok(operations)
}

/// One operation for each place of this depth that the patch changes.
fn whole(pod: &Value, patch: &[Value], depth: usize) -> Outcome<Vec<Value>> {
    let mut places: Vec<String> = Vec::new();
    for operation in patch {
        let segments = path(operation).split('/').take(depth + 1);
        let place = segments.collect::<Vec<_>>().join("/");
        if !places.contains(&place) {
            places.push(place);
        }
    }
    let patched = applied(pod, patch)?;
    let value = |place: &String| patched.pointer(place).cloned().unwrap_or_default();
    Ok(places
        .iter()
        .map(|place| add(place, &value(place)))
        .collect())
}

/// Every field of everything that is added by an operation of its own.
pub(crate) fn single_fields(patch: &[Value]) -> Vec<Value> {
    let mut operations = Vec::new();
    for operation in patch {
        let value = operation.get("value").unwrap_or(&Value::Null);
        split(path(operation), value, &mut operations);
    }
    operations
}

fn split(path: &str, value: &Value, operations: &mut Vec<Value>) {
    match value {
        Value::Object(fields) => {
            operations.push(add(path, &json!({})));
            for (key, value) in fields {
                let key = key.replace('~', "~0").replace('/', "~1");
                split(&format!("{path}/{key}"), value, operations);
            }
        }
        Value::Array(items) => {
            operations.push(add(path, &json!([])));
            for (index, item) in items.iter().enumerate() {
                split(&format!("{path}/{index}"), item, operations);
            }
        }
        plain => operations.push(add(path, plain)),
    }
}

/// The annotations behind everything else; Pillion sends them first.
pub(crate) fn annotations_last(patch: &[Value]) -> Vec<Value> {
    let mut operations = patch.to_vec();
    // The sort is stable: elements of one list keep their order.
    operations.sort_by_key(|operation| path(operation).starts_with("/metadata"));
    operations
}

/// Everything that is added at the end of a list, at `-` instead of at its index.
pub(crate) fn at_the_end(pod: &Value, patch: &[Value]) -> Outcome<Vec<Value>> {
    let mut document = pod.clone();
    let mut operations = Vec::new();
    for operation in patch {
        let mut operation = operation.clone();
        if let Some((parent, last)) = path(&operation).rsplit_once('/') {
            let length = document.pointer(parent).and_then(Value::as_array);
            let length = length.map(Vec::len);
            if length.is_some() && length == last.parse().ok() {
                operation = add(
                    &format!("{parent}/-"),
                    operation.get("value").unwrap_or(&Value::Null),
                );
            }
        }
        document = applied(&document, std::slice::from_ref(&operation))?;
        operations.push(operation);
    }
    Ok(operations)
}

/// Without the token's mount in the containers that are added: then the API server mounts it there,
/// and calls again as it did.
pub(crate) fn without_token(patch: &[Value]) -> Vec<Value> {
    let mut operations = patch.to_vec();
    for operation in &mut operations {
        let segments: Vec<_> = path(operation).split('/').collect();
        let (list, single) = match segments.as_slice() {
            ["", "spec", list] => (*list, false),
            ["", "spec", list, _] => (*list, true),
            _ => continue,
        };
        if !matches!(list, "containers" | "initContainers") {
            continue;
        }
        let value = operation.get_mut("value");
        let containers = match value {
            Some(container) if single => std::slice::from_mut(container),
            Some(Value::Array(containers)) => containers.as_mut_slice(),
            _ => continue,
        };
        containers.iter_mut().for_each(unmount);
    }
    operations
}

fn unmount(container: &mut Value) {
    let Some(Value::Array(mounts)) = container.get_mut("volumeMounts") else {
        return;
    };
    mounts.retain(|mount| mount.get("mountPath").and_then(Value::as_str) != Some(TOKEN_PATH));
}

/// With a status of so many bytes; of none without a status.
pub(crate) fn with_status(patch: &[Value], size: usize) -> Vec<Value> {
    let mut operations = patch.to_vec();
    operations.retain_mut(|operation| {
        if !path(operation).starts_with(STATUS) {
            return true;
        }
        if let Some(Value::String(status)) = operation.get_mut("value") {
            *status = status.chars().cycle().take(size).collect();
        }
        size > 0
    });
    operations
}

/// How many bytes the status of a patch has.
pub(crate) fn status_size(patch: &[Value]) -> usize {
    let statuses = patch
        .iter()
        .filter(|operation| path(operation).starts_with(STATUS));
    statuses
        .filter_map(|operation| operation.get("value")?.as_str())
        .map(str::len)
        .sum()
}

/// A pod without any status of Pillion's, to compare pods whose statuses differ.
pub(crate) fn without_status(pod: &Value) -> Value {
    let mut pod = pod.clone();
    let annotations = pod.pointer_mut("/metadata/annotations");
    if let Some(annotations) = annotations.and_then(Value::as_object_mut) {
        let kept = std::mem::take(annotations).into_iter();
        let kept = kept.filter(|(key, _)| !key.starts_with("pillion.dev/status."));
        *annotations = kept.collect::<Map<_, _>>();
    }
    pod
}

fn path(operation: &Value) -> &str {
    operation
        .get("path")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn add(path: &str, value: &Value) -> Value {
    json!({"op": "add", "path": path, "value": value})
}

fn applied(pod: &Value, patch: &[Value]) -> Outcome<Value> {
    let patch: json_patch::Patch = serde_json::from_value(json!(patch)).during("read a patch")?;
    let mut patched = pod.clone();
    json_patch::patch(&mut patched, &patch).during("apply a patch")?;
    Ok(patched)
}
