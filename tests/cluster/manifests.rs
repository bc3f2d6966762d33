//! What the tests create, short to write. Every pod passes the Pod Security level *restricted*,
//! so that what is added to it must do so as well.

use serde_json::{Value, json};

/// A box of tools: `BusyBox`, curl, socat, OpenSSL.
pub(crate) const TOOLS: &str = "localhost/tests/tools:1";

/// PostgreSQL, with `BusyBox`.
pub(crate) const POSTGRESQL: &str = "localhost/tests/postgresql:15";

/// A container that runs `script` in a shell.
pub(crate) fn container(name: &str, image: &str, script: &str) -> Value {
    json!({
        "name": name,
        "image": image,
        "command": ["sh", "-c", script],
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "capabilities": {"drop": ["ALL"]},
        },
    })
}

/// The app: a box of tools that runs `script`.
pub(crate) fn app(script: &str) -> Value {
    container("app", TOOLS, script)
}

/// A container that is ready when this port is open.
pub(crate) fn serving(mut container: Value, port: u16) -> Value {
    container["readinessProbe"] = json!({"tcpSocket": {"port": port}, "periodSeconds": 1});
    container
}

/// A pod named `client` that does nothing: its app container is there to run scripts in.
pub(crate) fn client() -> Value {
    pod("client", &json!({}), &app("exec sleep 3600"))
}

/// A pod of one container with these annotations; it is never started again.
pub(crate) fn pod(name: &str, annotations: &Value, container: &Value) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "annotations": annotations},
        "spec": pod_spec(container),
    })
}

/// A Job that runs such a pod once.
pub(crate) fn job(name: &str, annotations: &Value, container: &Value) -> Value {
    json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {
            "backoffLimit": 0,
            "template": {
                "metadata": {"annotations": annotations},
                "spec": pod_spec(container),
            },
        },
    })
}

fn pod_spec(container: &Value) -> Value {
    json!({
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 20,
        "securityContext": {
            "runAsNonRoot": true,
            "runAsUser": 1000,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
    })
}
