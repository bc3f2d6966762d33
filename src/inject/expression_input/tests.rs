//! What expressions see of a pod.

use serde_json::{Value, json};

use super::*;
use crate::expression::{Bindings, Budget, Expression, Reads, Scope};
use crate::review::Pod;

/// What an expression gives on a pod.
fn seen(pod: &Value, source: &str) -> Option<Value> {
    let text = pod.to_string();
    let document = crate::review::Document::read(&text).unwrap();
    let read = Pod::read(document.root()).unwrap();
    let pod = WorkingPod::new(&read).unwrap();
    let namespace = Namespace {
        labels: [("team".to_owned(), "shop".to_owned())].into(),
        ..Namespace::default()
    };
    let apps = Apps {
        places: vec![(List::Containers, 0), (List::Containers, 1)],
        main: 1,
    };
    let values = Values::default();
    let data = ExpressionInput {
        pod: &pod,
        namespace: &namespace,
        namespace_name: "prod",
        values: &values,
        apps: &apps,
        own: Some(0),
        kubernetes_minor: 34,
        made: MadeData::default(),
    };
    let expression = Expression::compile(source, &Scope::new().with_self()).unwrap();
    let mut reads = Reads::default();
    reads.extend(expression.reads());
    let budget = Budget::new();
    let bindings = Bindings::new(&data, &reads, &[], &budget);
    expression.evaluate(&bindings).unwrap()
}

fn pod() -> Value {
    let token = "/var/run/secrets/kubernetes.io/serviceaccount";
    json!({
        "metadata": {"name": "web", "namespace": "forged", "labels": {"a": "b"}},
        "spec": {
            "volumes": [{"name": "data", "emptyDir": {}}, {"name": "kube-api-access-x2v5z", "projected": {
                "defaultMode": 420, "sources": [{"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}}]}}],
            "tolerations": [
                {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300},
                {"key": "mine", "operator": "Exists"},
            ],
            "containers": [
                {"name": "one", "image": "one:1", "volumeMounts": [
                    {"name": "data", "mountPath": "/data"},
                    {"name": "kube-api-access-x2v5z", "mountPath": token, "readOnly": true}]},
                {"name": "two", "image": "two", "ports": [{"containerPort": 80}],
                    "resources": {"limits": {"cpu": "1"}}},
            ],
        },
    })
}

#[test]
fn expressions_see_defaults_and_not_what_plugins_add() {
    let table = [
        ("pod.spec.terminationGracePeriodSeconds", json!(30)),
        ("pod.spec.dnsPolicy", json!("ClusterFirst")),
        ("pod.spec.restartPolicy", json!("Always")),
        ("pod.spec.volumes.map(v, v.name)", json!(["data"])),
        ("pod.spec.tolerations.map(t, t.key)", json!(["mine"])),
        ("pod.spec.containers.map(c, c.name)", json!(["one", "two"])),
        (
            "pod.spec.containers[0].volumeMounts.map(m, m.mountPath)",
            json!(["/data"]),
        ),
        ("has(pod.spec.hostNetwork)", json!(false)),
        ("has(pod.spec.initContainers)", json!(false)),
        ("pod.metadata.labels", json!({"a": "b"})),
        ("pod.metadata.namespace", json!("prod")),
        ("pod.metadata.name", json!("web")),
        ("app.name", json!("two")),
        ("app.imagePullPolicy", json!("Always")),
        ("app.ports[0].protocol", json!("TCP")),
        ("app.resources.requests.cpu", json!("1")),
        ("self.name", json!("one")),
        ("self.imagePullPolicy", json!("IfNotPresent")),
        ("self.volumeMounts.map(m, m.name)", json!(["data"])),
        ("has(self.env)", json!(false)),
        ("apps.map(a, a.name)", json!(["one", "two"])),
        ("namespaceObject.metadata.name", json!("prod")),
        ("namespaceObject.metadata.labels.team", json!("shop")),
        ("kubernetes.minor", json!(34)),
    ];
    for (source, expected) in table {
        assert_eq!(seen(&pod(), source), Some(expected), "{source}");
    }
}

#[test]
fn a_pod_with_its_defaults_written_out_looks_the_same() {
    let mut defaulted = pod();
    defaulted["spec"]["terminationGracePeriodSeconds"] = json!(30);
    defaulted["spec"]["dnsPolicy"] = json!("ClusterFirst");
    defaulted["spec"]["restartPolicy"] = json!("Always");
    defaulted["spec"]["containers"][1]["imagePullPolicy"] = json!("Always");
    defaulted["spec"]["containers"][1]["ports"][0]["protocol"] = json!("TCP");
    defaulted["spec"]["containers"][1]["resources"]["requests"] = json!({"cpu": "1"});
    for source in [
        "pod.spec.containers",
        "app",
        "pod.spec.dnsPolicy",
        "pod.spec.volumes",
    ] {
        assert_eq!(seen(&defaulted, source), seen(&pod(), source), "{source}");
    }
}
