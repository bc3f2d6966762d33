//! The catalog in every shape of pod that people have: each template's example as twelve pods.
//!
//! What comes of each is one of three: injected, and then valid, with the findings that are told; or
//! skipped or refused for the one reason that is right there.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use pillion::inject::{Decision, Engine, Namespace, RequestContext, Settings};
use pillion::review::{Document, Pod};
use pillion::template::{Catalog, built_in};
use serde_json::{Value, json};

/// A shape, and what comes of templates in it. What is not named is injected without a word.
struct Shape {
    name: &'static str,
    minor: u32,
    /// Labels and annotations of the pod's namespace.
    namespace: (Value, Value),
    change: fn(&mut Value),
    expected: Expected,
}

/// Templates that end otherwise: the reason's code, and the findings that are told.
type Expected = &'static [(&'static [&'static str], &'static str)];

/// Templates that add no container, which nothing keeps from a Windows node.
const WITHOUT_CONTAINERS: [&str; 3] = ["app-probes", "graceful-drain", "spiffe-csi"];

const ON_THE_NODE: &[&str] = &[
    "api-proxy",
    "config-reloader",
    "database-proxy",
    "envoy-tls",
    "jmx-exporter",
    "kafka",
    "log-shipper",
    "nginx-tls",
    "pgbouncer",
    "pipe-metrics",
    "promtail",
    "redis-shards",
    "stats-exporter",
];

fn security(pod: &mut Value) -> &mut Value {
    &mut pod["spec"]["securityContext"]
}

/// Only the pod says as whom the containers run.
fn without_users(pod: &mut Value) {
    for container in pod["spec"]["containers"].as_array_mut().unwrap() {
        if let Some(context) = container["securityContext"].as_object_mut() {
            context.remove("runAsUser");
            context.remove("runAsNonRoot");
        }
    }
}

fn root(pod: &mut Value) {
    without_users(pod);
    *security(pod) = json!({"runAsUser": 0});
}

fn non_root(pod: &mut Value) {
    security(pod)["runAsNonRoot"] = json!(true);
}

fn restricted(pod: &mut Value) {
    non_root(pod);
    security(pod)["seccompProfile"] = json!({"type": "RuntimeDefault"});
    for container in pod["spec"]["containers"].as_array_mut().unwrap() {
        container["securityContext"]["allowPrivilegeEscalation"] = json!(false);
        container["securityContext"]["capabilities"] = json!({"drop": ["ALL"]});
    }
}

fn ipv6_first(pod: &mut Value) {
    pod["spec"]["dnsPolicy"] = json!("None");
    pod["spec"]["dnsConfig"] = json!({"nameservers": ["fd00::a"]});
}

fn host_network(pod: &mut Value) {
    pod["spec"]["hostNetwork"] = json!(true);
}

fn job(pod: &mut Value) {
    pod["spec"]["restartPolicy"] = json!("Never");
    pod["metadata"]["ownerReferences"] = json!([{"apiVersion": "batch/v1", "kind": "Job", "name": "orders", "uid": "1", "controller": true}]);
}

fn set_with_claims(pod: &mut Value) {
    let claim = json!({"name": "data", "persistentVolumeClaim": {"claimName": "data-orders-0"}});
    add(&mut pod["spec"]["volumes"], claim);
    let mount = json!({"name": "data", "mountPath": "/data"});
    add(&mut pod["spec"]["containers"][0]["volumeMounts"], mount);
    pod["metadata"]["ownerReferences"] = json!([{"apiVersion": "apps/v1", "kind": "StatefulSet",
        "name": "orders", "uid": "1", "controller": true}]);
}

fn windows(pod: &mut Value) {
    let on_windows = json!({"key": "kubernetes.io/os", "operator": "In", "values": ["windows"]});
    pod["spec"]["affinity"] = json!({"nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution":
            {"nodeSelectorTerms": [{"matchExpressions": [on_windows]}]},
    }});
}

fn open_shift(pod: &mut Value) {
    without_users(pod);
    *security(pod) = json!({"runAsUser": 1_000_650_000, "fsGroup": 1_000_650_000});
}

fn ephemeral_limits(pod: &mut Value) {
    pod["spec"]["containers"][0]["resources"] = json!({
        "requests": {"ephemeral-storage": "50Mi"}, "limits": {"ephemeral-storage": "100Mi"},
    });
}

fn foreign_mesh(pod: &mut Value) {
    pod["metadata"]["annotations"]["sidecar.istio.io/status"] =
        json!(r#"{"containers":["istio-proxy"]}"#);
    let proxy = json!({
        "name": "istio-proxy",
        "image": "docker.io/istio/proxyv2:1.24.1",
        "ports": [{"containerPort": 15090}],
        "securityContext": {"runAsUser": 1337},
    });
    let containers = pod["spec"]["containers"].as_array_mut().unwrap();
    containers.insert(0, proxy);
}

fn add(list: &mut Value, element: Value) {
    if list.is_null() {
        *list = json!([]);
    }
    list.as_array_mut().unwrap().push(element);
}

/// What ends otherwise on the node's network.
const HOST_NETWORK: Expected = &[
    (
        &[
            "dapr",
            "linkerd-proxy",
            "mesh-proxy",
            "node-agent",
            "otel-collector",
        ],
        "MatchConditionFalse",
    ),
    (ON_THE_NODE, "Applied HostNetworkHelper"),
];

const RESTRICTED: Expected = &[(&["fix-permissions", "mesh-proxy"], "PodSecurityViolated")];

const OPEN_SHIFT: Expected = &[(
    &[
        "fix-permissions",
        "linkerd-proxy",
        "mesh-proxy",
        "pgbouncer",
    ],
    "Applied UserOutsideRange",
)];

const EPHEMERAL: Expected = &[(
    &[
        "debug-tools",
        "log-format",
        "log-shipper",
        "promtail",
        "vector",
    ],
    "Applied EphemeralStorageLimit",
)];

const FOREIGN_MESH: Expected = &[(&["mesh-proxy"], "Applied ForeignMesh")];

fn shapes() -> Vec<Shape> {
    let shape = |name, change, expected| Shape {
        name,
        minor: 37,
        namespace: (json!({}), json!({})),
        change,
        expected,
    };
    let enforce = json!({"pod-security.kubernetes.io/enforce": "restricted"});
    let ranges = json!({
        "openshift.io/sa.scc.uid-range": "1000650000/10000",
        "openshift.io/sa.scc.supplemental-groups": "1000650000/10000",
    });
    vec![
        shape("root user", root, &[]),
        shape("runAsNonRoot", non_root, &[]),
        Shape {
            namespace: (enforce, json!({})),
            ..shape("restricted namespace", restricted, RESTRICTED)
        },
        shape("IPv6 first", ipv6_first, &[]),
        shape("hostNetwork", host_network, HOST_NETWORK),
        shape("Job", job, &[]),
        shape("StatefulSet with claims", set_with_claims, &[]),
        shape("Windows by affinity", windows, &[]),
        Shape {
            namespace: (json!({}), ranges),
            ..shape("OpenShift range", open_shift, OPEN_SHIFT)
        },
        shape("ephemeral limits", ephemeral_limits, EPHEMERAL),
        shape("foreign mesh", foreign_mesh, FOREIGN_MESH),
        Shape {
            minor: 30,
            ..shape("Kubernetes 1.30, classic containers", |_| {}, &[])
        },
    ]
}

impl Shape {
    fn engine(&self) -> Engine {
        let (catalog, errors) = Catalog::load(&built_in::sources(), None);
        assert!(errors.is_empty(), "{errors:?}");
        let texts = |map: &Value| -> BTreeMap<String, String> {
            let entries = map.as_object().unwrap().iter();
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            entries
                .map(|(key, value)| (key.clone(), text(value)))
                .collect()
        };
        let mut settings = Settings {
            kubernetes_minor: self.minor,
            ..Settings::default()
        };
        let namespace = Namespace {
            labels: texts(&self.namespace.0),
            annotations: texts(&self.namespace.1),
            ..Namespace::default()
        };
        settings.namespaces.insert("shop", namespace);
        Engine::new(Arc::new(catalog), Arc::new(settings))
    }

    /// What should come of a template's example.
    fn expects(&self, template: &str) -> &str {
        let is_of_app = template == "migrate";
        if self.name == "Windows by affinity"
            && !is_of_app
            && !WITHOUT_CONTAINERS.contains(&template)
        {
            return "WindowsPod";
        }
        let named = self
            .expected
            .iter()
            .find(|(names, _)| names.contains(&template));
        named.map_or("Applied", |(_, expected)| expected)
    }
}

/// The example of a template: a pod that runs as one of the cluster's own users.
fn example(template: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("examples/{template}.yaml"));
    let text = fs::read_to_string(path).unwrap();
    let mut pod: Value = serde_saphyr::from_str(text.split("\n---\n").next().unwrap()).unwrap();
    assert_eq!(pod["kind"], "Pod", "{template}");
    if security(&mut pod).is_null() {
        *security(&mut pod) = json!({});
    }
    pod
}

fn decide(engine: &Engine, pod: &Value) -> Decision {
    let context = RequestContext {
        namespace: "shop".to_owned(),
        ..RequestContext::default()
    };
    let text = pod.to_string();
    let document = Document::read(&text).unwrap();
    engine.decide(&context, &Pod::read(document.root()).unwrap(), None)
}

/// The reason, and behind it the findings that are told of what is injected.
fn found(decision: &Decision) -> String {
    let reason = decision.reason.code();
    if reason != "Applied" {
        return reason.to_owned();
    }
    let told = decision.unsorted().filter(|judged| judged.is_told());
    let mut words: Vec<_> = told.map(|judged| judged.finding.code.as_str()).collect();
    words.sort_unstable();
    words.dedup();
    words.insert(0, reason);
    words.join(" ")
}

fn containers(pod: &Value) -> Vec<&Value> {
    let lists = ["containers", "initContainers"].map(|list| &pod["spec"][list]);
    let lists = lists.into_iter().filter_map(Value::as_array);
    lists.flatten().collect()
}

/// What the API server would say of the pod as a whole.
fn faults(pod: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let names = |list: &Value| -> Vec<String> {
        let list = list.as_array().map_or(&[][..], Vec::as_slice);
        list.iter()
            .map(|one| one["name"].as_str().unwrap_or("?").to_owned())
            .collect()
    };
    let volumes = names(&pod["spec"]["volumes"]);
    let all = containers(pod);
    let mut seen: Vec<_> = all.iter().map(|one| one["name"].to_string()).collect();
    seen.sort();
    seen.dedup();
    if seen.len() != all.len() {
        faults.push("two containers have one name".to_owned());
    }
    for container in all {
        let name = &container["name"];
        for mount in names(&container["volumeMounts"]) {
            if !volumes.contains(&mount) {
                faults.push(format!("{name} mounts {mount}, which is no volume"));
            }
        }
        let own = &container["securityContext"];
        let of_pod = &pod["spec"]["securityContext"];
        let effective = |field: &str| {
            if own[field].is_null() {
                &of_pod[field]
            } else {
                &own[field]
            }
        };
        if effective("runAsNonRoot") == &json!(true) && effective("runAsUser") == &json!(0) {
            faults.push(format!("{name} must not be root, and is"));
        }
    }
    faults
}

/// Listeners for every pod's address of the family IPv4 alone.
fn deaf_to_ipv6(pod: &Value) -> bool {
    let text = pod.to_string();
    text.contains("0.0.0.0") && !text.contains(r#"address: \"::\""#)
}

#[test]
fn every_template_of_the_catalog_is_right_in_every_shape_of_pod() {
    let templates = built_in::sources();
    assert_eq!(templates.len(), 31);
    let shapes = shapes();
    assert_eq!(shapes.len(), 12);
    let mut wrong = Vec::new();
    for shape in &shapes {
        let engine = shape.engine();
        for source in &templates {
            let template = source.path.split('/').nth(1).unwrap();
            let mut pod = example(template);
            (shape.change)(&mut pod);
            let decision = decide(&engine, &pod);
            let (expected, found) = (shape.expects(template), found(&decision));
            let mut say = |what: String| wrong.push(format!("{template}, {}: {what}", shape.name));
            if found != expected {
                say(format!(
                    "expected {expected}, found {found}: {}",
                    decision.message
                ));
                continue;
            }
            if !found.starts_with("Applied") {
                continue;
            }
            let patch: json_patch::Patch = serde_json::from_str(&decision.patch.to_json()).unwrap();
            let mut result = pod.clone();
            json_patch::patch(&mut result, &patch).unwrap();
            faults(&result).into_iter().for_each(&mut say);
            if deaf_to_ipv6(&result) && template != "linkerd-proxy" {
                say("a listener has no address of IPv6".to_owned());
            }
            if !decide(&engine, &result).patch.is_empty() {
                say("a second call changes it".to_owned());
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
