//! What admission plugins of the API server add to a pod beside its defaults.

use serde_json::{Value, json};

const TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
const TOKEN_VOLUME: &str = "kube-api-access-x7k2p";

/// ServiceAccount: the token's volume, mounted in every container that has nothing at its path
/// (plugin/pkg/admission/serviceaccount).
pub(crate) fn service_account(pod: &mut Value) {
    let spec = &mut pod["spec"];
    let mut mounted = false;
    for list in ["initContainers", "containers"] {
        for container in spec[list].as_array_mut().into_iter().flatten() {
            let mounts = &mut container["volumeMounts"];
            if mounts.is_null() {
                *mounts = json!([]);
            }
            let mounts = mounts.as_array_mut().unwrap();
            if mounts.iter().all(|mount| mount["mountPath"] != TOKEN_PATH) {
                mounts.push(json!({"name": TOKEN_VOLUME, "readOnly": true,
                    "mountPath": TOKEN_PATH}));
                mounted = true;
            }
        }
        if spec[list].is_null() {
            spec.as_object_mut().unwrap().shift_remove(list);
        }
    }
    if spec["volumes"].is_null() {
        spec["volumes"] = json!([]);
    }
    let volumes = spec["volumes"].as_array_mut().unwrap();
    if mounted && volumes.iter().all(|volume| volume["name"] != TOKEN_VOLUME) {
        volumes.push(
            json!({"name": TOKEN_VOLUME, "projected": {"defaultMode": 420, "sources": [
            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
            {"configMap": {"name": "kube-root-ca.crt",
                "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {"downwardAPI": {"items": [{"path": "namespace",
                "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}}]}}),
        );
    }
}

/// DefaultTolerationSeconds: five minutes on nodes that are not ready or not reachable, unless the
/// pod says something about them (plugin/pkg/admission/defaulttolerationseconds).
pub(crate) fn tolerations(pod: &mut Value) {
    let spec = &mut pod["spec"];
    if spec["tolerations"].is_null() {
        spec["tolerations"] = json!([]);
    }
    let tolerations = spec["tolerations"].as_array_mut().unwrap();
    for key in [
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/unreachable",
    ] {
        let covers = |toleration: &Value| {
            let effect = toleration["effect"].as_str().unwrap_or_default();
            let theirs = toleration["key"].as_str().unwrap_or_default();
            (theirs == key || theirs.is_empty()) && (effect == "NoExecute" || effect.is_empty())
        };
        if !tolerations.iter().any(covers) {
            tolerations.push(
                json!({"key": key, "operator": "Exists", "effect": "NoExecute",
                "tolerationSeconds": 300}),
            );
        }
    }
}

/// LimitRanger: limits and requests for the named containers, where they have none
/// (plugin/pkg/admission/limitranger).
pub(crate) fn limit_ranger(pod: &mut Value, applies: impl Fn(&str) -> bool) {
    for list in ["initContainers", "containers"] {
        let containers = pod["spec"].get_mut(list).and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten() {
            if !applies(container["name"].as_str().unwrap_or_default()) {
                continue;
            }
            for (field, resource, amount) in [
                ("limits", "cpu", "2"),
                ("limits", "memory", "1Gi"),
                ("requests", "cpu", "100m"),
                ("requests", "memory", "16Mi"),
            ] {
                let amounts = &mut container["resources"][field];
                if amounts[resource].is_null() {
                    amounts[resource] = json!(amount);
                }
            }
        }
    }
    let note = "LimitRanger plugin set: cpu, memory request for container";
    pod["metadata"]["annotations"]["kubernetes.io/limit-ranger"] = json!(note);
}
