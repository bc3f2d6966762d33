//! The injector that one writes first: the whole review as data, a copy of the pod to edit, and a
//! generic comparison of the two for the patch.
//!
//! It adds a container, a volume, an annotation and two variables as `pgbouncer` does, without
//! parameters, checks or a status, so that it does less than the engine.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Answers a review.
pub(crate) fn review(body: &[u8]) -> Vec<u8> {
    let review: Value = serde_json::from_slice(body).unwrap();
    let before = &review["request"]["object"];
    let mut after = before.clone();
    inject(&mut after);
    let patch = json_patch::diff(before, &after);
    let patch = serde_json::to_string(&patch).unwrap();
    let answer = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": {
            "uid": review["request"]["uid"],
            "allowed": true,
            "patch": STANDARD.encode(patch),
            "patchType": "JSONPatch",
        },
    });
    serde_json::to_vec(&answer).unwrap()
}

fn inject(pod: &mut Value) {
    pod["metadata"]["annotations"]["pillion.dev/file.pgbouncer-config.pgbouncer.ini"] =
        "[databases]\n* = host=db.example.com port=5432\n[pgbouncer]\nlisten_port = 6432\n".into();
    let spec = &mut pod["spec"];
    list(spec, "volumes").push(json!({"name": "pgbouncer-config", "downwardAPI": {"items": [{
        "path": "pgbouncer.ini",
        "fieldRef": {"fieldPath": "metadata.annotations['pillion.dev/file.pgbouncer-config.pgbouncer.ini']"},
    }]}}));
    list(spec, "initContainers").insert(0, json!({
        "name": "pgbouncer",
        "image": "docker.io/edoburu/pgbouncer:v1.24.1-p1",
        "restartPolicy": "Always",
        "ports": [{"name": "pgbouncer", "containerPort": 6432}],
        "readinessProbe": {"tcpSocket": {"port": 6432}},
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
        "securityContext": {"runAsNonRoot": true, "readOnlyRootFilesystem": true},
        "volumeMounts": [{"name": "pgbouncer-config", "mountPath": "/etc/pgbouncer", "readOnly": true}],
    }));
    for container in list(spec, "containers") {
        let env = list(container, "env");
        env.insert(0, json!({"name": "DATABASE_HOST", "value": "localhost"}));
        env.insert(1, json!({"name": "DATABASE_PORT", "value": "6432"}));
    }
}

/// A list of an object, made where it is missing.
fn list<'v>(object: &'v mut Value, field: &str) -> &'v mut Vec<Value> {
    let list = &mut object[field];
    if list.is_null() {
        *list = json!([]);
    }
    list.as_array_mut().unwrap()
}
