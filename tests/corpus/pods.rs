//! The pods that controllers make of manifests.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// A pod of a manifest, or the one that its controller would make of its template.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// How the report names the object.
    pub(crate) object: String,
    /// The namespace that the pod goes to.
    pub(crate) namespace: String,
    /// The pod as it reaches the API server.
    pub(crate) pod: Value,
}

/// The pods of a document, lists opened, in order.
pub(crate) fn find(document: &Value, namespace: &str) -> Vec<Found> {
    let kind = text(document, "kind");
    if let (true, Some(items)) = (kind.ends_with("List"), document["items"].as_array()) {
        return items
            .iter()
            .flat_map(|item| find(item, namespace))
            .collect();
    }
    let (holder, owner) = match kind {
        "Pod" => (Some(document), None),
        "PodTemplate" => (document.get("template"), None),
        "Deployment" => (document.pointer("/spec/template"), Some("ReplicaSet")),
        "CronJob" => (
            document.pointer("/spec/jobTemplate/spec/template"),
            Some("Job"),
        ),
        "ReplicaSet" | "ReplicationController" | "StatefulSet" | "DaemonSet" | "Job" => {
            (document.pointer("/spec/template"), Some(kind))
        }
        _ => (None, None),
    };
    let Some(holder) = holder else {
        return Vec::new();
    };
    let metadata = &document["metadata"];
    let namespace = metadata["namespace"].as_str().unwrap_or(namespace);
    let name = metadata["name"].as_str().unwrap_or_default();
    let mut pod = pod(holder, owner, namespace, name);
    claim(&mut pod, document, name);
    vec![Found {
        object: format!("{kind}/{namespace}/{name}"),
        namespace: namespace.to_owned(),
        pod,
    }]
}

/// Adds the volumes of a `StatefulSet`'s claims, as its controller does.
fn claim(pod: &mut Value, set: &Value, name: &str) {
    let claims = set.pointer("/spec/volumeClaimTemplates");
    for claim in claims.and_then(Value::as_array).into_iter().flatten() {
        let volume = text(&claim["metadata"], "name");
        let volumes = &mut pod["spec"]["volumes"];
        if volumes.is_null() {
            *volumes = json!([]);
        }
        volumes.as_array_mut().unwrap().push(json!({
            "name": volume,
            "persistentVolumeClaim": {"claimName": format!("{volume}-{name}-0")},
        }));
    }
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap_or_default()
}

/// What reaches the API server: for a template, a pod with a generated name and an owner.
fn pod(holder: &Value, owner: Option<&str>, namespace: &str, name: &str) -> Value {
    let mut metadata = holder["metadata"].as_object().cloned().unwrap_or_default();
    metadata.insert("namespace".to_owned(), json!(namespace));
    if let Some(owner) = owner {
        metadata.insert("generateName".to_owned(), json!(format!("{name}-")));
        let reference = json!({"apiVersion": "apps/v1", "kind": owner, "name": name,
            "uid": "8c1ab7d2-3f0e-4a53-9a67-2b7f7d4f1c11", "controller": true,
            "blockOwnerDeletion": true});
        metadata.insert("ownerReferences".to_owned(), json!([reference]));
    }
    let mut pod = Map::new();
    pod.insert("apiVersion".to_owned(), json!("v1"));
    pod.insert("kind".to_owned(), json!("Pod"));
    pod.insert("metadata".to_owned(), Value::Object(metadata));
    for (key, value) in holder.as_object().into_iter().flatten() {
        if !["apiVersion", "kind", "metadata"].contains(&key.as_str()) {
            pod.insert(key.clone(), value.clone());
        }
    }
    Value::Object(pod)
}

/// A map of texts, such as labels.
pub(crate) fn texts(value: &Value) -> BTreeMap<String, String> {
    let entries = value.as_object().into_iter().flatten();
    entries
        .map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()))
        .collect()
}

/// Sets annotations of a pod.
pub(crate) fn annotate(pod: &mut Value, annotations: &BTreeMap<String, String>) {
    if annotations.is_empty() {
        return;
    }
    let metadata = pod["metadata"].as_object_mut().unwrap();
    let own = metadata.entry("annotations").or_insert(json!({}));
    if own.is_null() {
        *own = json!({});
    }
    for (key, value) in annotations {
        own[key] = json!(value);
    }
}
