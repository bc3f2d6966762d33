//! The API server's defaults for pods, written for these tests from pkg/apis/core/v1/defaults.go
//! and not from the engine's own table, so that the two can disagree.

use serde_json::{Map, Value, json};

use crate::corpus::plugins;

/// A pod as it reaches a webhook on a real API server.
pub(crate) fn received(pod: &Value) -> Value {
    let mut pod = pod.clone();
    defaults(&mut pod);
    plugins::service_account(&mut pod);
    plugins::tolerations(&mut pod);
    written_by_go(&mut pod, "");
    pod
}

/// Fields that Go's types leave out of JSON where they are zero (`omitempty` without a pointer).
const OMITTED: [&str; 14] = [
    "annotations",
    "args",
    "command",
    "env",
    "initContainers",
    "labels",
    "nodeSelector",
    "ports",
    "readOnly",
    "tolerations",
    "value",
    "volumeMounts",
    "volumes",
    "hostNetwork",
];

/// What a pod looks like when the API server has read and written it: amounts in their canonical
/// spelling, zero values left out, and the keys of every object in an order of its own.
fn written_by_go(value: &mut Value, field: &str) {
    match value {
        Value::Object(fields) => {
            for (name, inner) in fields.iter_mut() {
                written_by_go(inner, name);
            }
            let is_zero =
                |value: &Value| [json!([]), json!({}), json!(""), json!(false)].contains(value);
            let metadata = ["annotations", "labels"].contains(&field);
            fields.retain(|name, inner| {
                metadata || !(inner.is_null() || OMITTED.contains(&name.as_str()) && is_zero(inner))
            });
            if ["limits", "overhead", "requests"].contains(&field) {
                fields.values_mut().for_each(canonical);
            }
            for name in ["divisor", "sizeLimit"] {
                if let Some(amount) = fields.get_mut(name) {
                    canonical(amount);
                }
            }
            fields.sort_keys();
        }
        Value::Array(items) => items.iter_mut().for_each(|item| written_by_go(item, "")),
        _ => {}
    }
}

/// `0.5` becomes `500m`, `1000m` becomes `1`, `1024Ki` becomes `1Mi` and `1.5Gi` becomes `1536Mi`; the tests
/// need no more.
fn canonical(amount: &mut Value) {
    let text = match &*amount {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let number = |suffix: &str| text.strip_suffix(suffix)?.parse::<u64>().ok();
    let gibi = text
        .strip_suffix("Gi")
        .and_then(|gibi| gibi.parse::<f64>().ok());
    *amount = json!(match (
        number("m"),
        number("Ki"),
        number("Mi"),
        gibi,
        text.parse::<f64>()
    ) {
        (Some(milli), ..) if milli % 1000 == 0 => (milli / 1000).to_string(),
        (_, Some(kibi), ..) if kibi % 1024 == 0 => format!("{}Mi", kibi / 1024),
        (_, _, Some(mebi), ..) if mebi % 1024 == 0 => format!("{}Gi", mebi / 1024),
        (_, _, _, Some(gibi), _) if gibi.fract() != 0.0 => format!("{:.0}Mi", gibi * 1024.0),
        (.., Ok(plain)) if plain.fract() != 0.0 => format!("{:.0}m", plain * 1000.0),
        (.., Ok(plain)) => format!("{plain:.0}"),
        _ => text,
    });
}

/// Fills in what is not there.
pub(crate) fn defaults(pod: &mut Value) {
    let Some(spec) = pod["spec"].as_object_mut() else {
        return;
    };
    set(spec, "restartPolicy", json!("Always"));
    set(spec, "dnsPolicy", json!("ClusterFirst"));
    set(spec, "schedulerName", json!("default-scheduler"));
    set(spec, "terminationGracePeriodSeconds", json!(30));
    set(spec, "enableServiceLinks", json!(true));
    set(spec, "securityContext", json!({}));
    let account = ["serviceAccountName", "serviceAccount"]
        .iter()
        .find_map(|name| spec.get(*name).cloned())
        .unwrap_or_else(|| json!("default"));
    set(spec, "serviceAccountName", account.clone());
    set(spec, "serviceAccount", account);
    if spec.get("priorityClassName").is_none() {
        set(spec, "priority", json!(0));
        set(spec, "preemptionPolicy", json!("PreemptLowerPriority"));
    }
    let host_network = spec.get("hostNetwork") == Some(&json!(true));
    for list in ["initContainers", "containers"] {
        for item in objects(spec.get_mut(list)) {
            container(item, host_network);
        }
    }
    for volume in objects(spec.get_mut("volumes")) {
        self::volume(volume);
    }
}

fn set(object: &mut Map<String, Value>, name: &str, value: Value) {
    if object.get(name).is_none_or(Value::is_null) {
        object.insert(name.to_owned(), value);
    }
}

fn objects(list: Option<&mut Value>) -> impl Iterator<Item = &mut Map<String, Value>> {
    let items = list.and_then(Value::as_array_mut).into_iter().flatten();
    items.filter_map(Value::as_object_mut)
}

fn object<'v>(
    holder: &'v mut Map<String, Value>,
    name: &str,
) -> Option<&'v mut Map<String, Value>> {
    holder.get_mut(name).and_then(Value::as_object_mut)
}

fn container(container: &mut Map<String, Value>, host_network: bool) {
    pull_policy(container, ("image", "imagePullPolicy"));
    set(
        container,
        "terminationMessagePath",
        json!("/dev/termination-log"),
    );
    set(container, "terminationMessagePolicy", json!("File"));
    set(container, "resources", json!({}));
    let limits = container["resources"].get("limits").cloned();
    for (resource, limit) in limits
        .as_ref()
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let resources = object(container, "resources").unwrap();
        set(resources, "requests", json!({}));
        set(
            object(resources, "requests").unwrap(),
            resource,
            limit.clone(),
        );
    }
    for port in objects(container.get_mut("ports")) {
        set(port, "protocol", json!("TCP"));
        if let (true, Some(number)) = (host_network, port.get("containerPort").cloned()) {
            set(port, "hostPort", number);
        }
    }
    for variable in objects(container.get_mut("env")) {
        if let Some(source) = object(variable, "valueFrom") {
            references(source);
            if let Some(file) = object(source, "fileKeyRef") {
                set(file, "optional", json!(false));
            }
        }
    }
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = object(container, name) {
            self::probe(probe);
        }
    }
    if let Some(lifecycle) = object(container, "lifecycle") {
        // A feature gate that no API server has on by default decides about it.
        lifecycle.shift_remove("stopSignal");
        for name in ["postStart", "preStop"] {
            if let Some(handler) = object(lifecycle, name) {
                http_get(handler);
            }
        }
    }
    if container.get("lifecycle") == Some(&json!({})) {
        container.shift_remove("lifecycle");
    }
}

fn pull_policy(holder: &mut Map<String, Value>, (image, policy): (&str, &str)) {
    if let Some(image) = holder.get(image).and_then(Value::as_str) {
        let tag = image.rsplit('/').next().unwrap_or_default();
        let is_pinned = tag.contains('@') || tag.contains(':') && !tag.ends_with(":latest");
        let default = if is_pinned { "IfNotPresent" } else { "Always" };
        set(holder, policy, json!(default));
    }
}

fn probe(probe: &mut Map<String, Value>) {
    set(probe, "timeoutSeconds", json!(1));
    set(probe, "periodSeconds", json!(10));
    set(probe, "successThreshold", json!(1));
    set(probe, "failureThreshold", json!(3));
    http_get(probe);
    if let Some(grpc) = object(probe, "grpc") {
        set(grpc, "service", json!(""));
    }
}

fn http_get(handler: &mut Map<String, Value>) {
    if let Some(get) = object(handler, "httpGet") {
        set(get, "path", json!("/"));
        set(get, "scheme", json!("HTTP"));
    }
}

fn references(holder: &mut Map<String, Value>) {
    if let Some(reference) = object(holder, "fieldRef") {
        set(reference, "apiVersion", json!("v1"));
    }
    if let Some(reference) = object(holder, "resourceFieldRef") {
        set(reference, "divisor", json!("0"));
    }
}

fn volume(volume: &mut Map<String, Value>) {
    if volume.len() == 1 {
        set(volume, "emptyDir", json!({}));
    }
    for source in ["secret", "configMap", "downwardAPI", "projected"] {
        if let Some(source) = object(volume, source) {
            set(source, "defaultMode", json!(0o644));
        }
    }
    if let Some(path) = object(volume, "hostPath") {
        set(path, "type", json!(""));
    }
    if let Some(image) = object(volume, "image") {
        pull_policy(image, ("reference", "pullPolicy"));
    }
    let claim =
        object(volume, "ephemeral").and_then(|ephemeral| object(ephemeral, "volumeClaimTemplate"));
    if let Some(claim) = claim {
        set(claim, "metadata", json!({"creationTimestamp": null}));
        if let Some(spec) = object(claim, "spec") {
            set(spec, "volumeMode", json!("Filesystem"));
        }
    }
    if let Some(downward) = object(volume, "downwardAPI") {
        objects(downward.get_mut("items")).for_each(references);
    }
    let Some(projected) = object(volume, "projected") else {
        return;
    };
    for source in objects(projected.get_mut("sources")) {
        if let Some(token) = object(source, "serviceAccountToken") {
            set(token, "expirationSeconds", json!(3600));
        }
        if let Some(downward) = object(source, "downwardAPI") {
            objects(downward.get_mut("items")).for_each(references);
        }
    }
}
