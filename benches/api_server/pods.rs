//! The pods that are created. All are equally large, whoever is asked about them: what differs is
//! who owns the keys of two annotations and of one label.

use serde_json::{Map, Value, json};

/// The template of DESIGN's budgets, and its one parameter.
pub(crate) const ONE: [(&str, &str); 2] = [
    ("pillion.dev/inject", "pgbouncer"),
    ("pgbouncer.pillion.dev/host", "db.example.com"),
];

/// Three templates that fit one pod.
pub(crate) const THREE: [(&str, &str); 3] = [
    ("pillion.dev/inject", "pgbouncer,log-shipper,wait-for"),
    ("pgbouncer.pillion.dev/host", "db.example.com"),
    (
        "wait-for.pillion.dev/targets",
        "db.example.com:5432,cache.example.com:6379",
    ),
];

/// The same bytes as [`ONE`], but asks nobody.
pub(crate) const NONE: [(&str, &str); 2] = [
    ("example.dev/inject", "pgbouncer"),
    ("pgbouncer.example.dev/host", "db.example.com"),
];

/// A label that means nothing, and one that keeps the pod out; both of one size.
pub(crate) const NO_LABEL: &str = "example.dev/inject";
pub(crate) const OPTED_OUT: &str = "pillion.dev/inject";

/// A pod as a `ReplicaSet` makes it, with these annotations and this label, whose value is
/// `false`.
pub(crate) fn pod(annotations: &[(&str, &str)], label: &str) -> Value {
    let annotations: Map<_, _> = annotations
        .iter()
        .map(|&(key, value)| (key.to_owned(), value.into()))
        .collect();
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": "orders-7c9d8b6f4d-",
            "labels": {
                "app.kubernetes.io/name": "orders",
                "app.kubernetes.io/instance": "orders",
                "app.kubernetes.io/part-of": "shop",
                "pod-template-hash": "7c9d8b6f4d",
                (label): "false",
            },
            "annotations": annotations,
        },
        "spec": {
            "containers": [app()],
            "securityContext": {"fsGroup": 2000},
            "volumes": [{"name": "tmp", "emptyDir": {}}],
        },
    })
}

fn app() -> Value {
    let probe = |path| json!({"httpGet": {"path": path, "port": "http"}, "periodSeconds": 10});
    json!({
        "name": "orders",
        "image": "registry.example.com/orders:1.4.2",
        "args": ["--port=8080", "--log-format=json"],
        "ports": [
            {"name": "http", "containerPort": 8080},
            {"name": "metrics", "containerPort": 9090},
        ],
        "env": [
            {"name": "LOG_LEVEL", "value": "info"},
            {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "DATABASE_PASSWORD", "valueFrom": {
                "secretKeyRef": {"name": "orders-db", "key": "password"},
            }},
            {"name": "FEATURE_FLAGS", "value": "checkout-v2,fast-search"},
        ],
        "resources": {
            "limits": {"memory": "256Mi"},
            "requests": {"cpu": "100m", "memory": "256Mi"},
        },
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
        "livenessProbe": probe("/healthz"),
        "readinessProbe": probe("/readyz"),
        "securityContext": {"allowPrivilegeEscalation": false, "runAsNonRoot": true},
    })
}

/// What stands for the name of the token's volume, of which five letters are random.
pub(crate) const TOKEN: &str = "kube-api-access-xxxxx";

/// How the names of all such volumes begin.
const PREFIX: &str = "kube-api-access-";

/// The length of such a name.
const TOKEN_LENGTH: usize = PREFIX.len() + 5;

/// The name of the token's volume in a text that holds the pod.
pub(crate) fn token_volume(text: &str) -> Option<&str> {
    let start = text.find(PREFIX)?;
    text.get(start..start + TOKEN_LENGTH)
}

/// A created pod without what differs between any two: its generated name, its identity, who set
/// which field when, and the random part of its token's volume.
pub(crate) fn lasting(pod: &Value) -> Value {
    let mut pod = pod.clone();
    if let Some(Value::Object(metadata)) = pod.get_mut("metadata") {
        for field in [
            "name",
            "uid",
            "resourceVersion",
            "creationTimestamp",
            "managedFields",
        ] {
            metadata.remove(field);
        }
    }
    let text = pod.to_string();
    let text = match token_volume(&text) {
        Some(name) => text.replace(name, TOKEN),
        None => text,
    };
    serde_json::from_str(&text).unwrap_or(pod)
}
