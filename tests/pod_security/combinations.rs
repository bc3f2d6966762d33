//! Generated pods and templates: what the API server takes bare, and refuses with a template, must
//! have been refused here.
//!
//! `PILLION_COMBINATIONS` says how many are tried, `PILLION_SEED` which.

use std::fmt::Write as _;
use std::sync::Arc;

use pillion::inject::{Engine, RequestContext, Settings, Verdict};
use pillion::review::{Document, Pod};
use pillion::template::{Catalog, Source};
use serde_json::{Map, Value, json};

use super::places::PLACES;
use super::values::{values, with_value};
use crate::support::control_plane::ControlPlane;
use crate::support::failure::Outcome;
use crate::support::namespace::Namespace;

/// As many as a run of all tests has time for.
const SAMPLE: usize = 200;

/// Numbers that look random and are the same in each run (xorshift).
pub(super) struct Choices(u64);

impl Choices {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % below as u64).unwrap()
    }

    /// One value of several in one case of `rarity`.
    fn maybe(
        &mut self,
        rarity: usize,
        fields: &mut Map<String, Value>,
        name: &str,
        values: &[Value],
    ) {
        if self.next(rarity) == 0 {
            let value = values[self.next(values.len())].clone();
            fields.insert(name.to_owned(), value);
        }
    }
}

fn security(choices: &mut Choices, container: &mut Map<String, Value>) {
    choices.maybe(
        3,
        container,
        "securityContext",
        &[
            json!({"runAsUser": 0}),
            json!({"runAsNonRoot": true}),
            json!({"procMount": "Unmasked"}),
            json!({"privileged": true}),
            json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}}),
            json!({"seccompProfile": {"type": "RuntimeDefault"}}),
            json!({"appArmorProfile": {"type": "Unconfined"}}),
            json!({"windowsOptions": {"hostProcess": true}}),
            json!({"windowsOptions": {"runAsUserName": "a"}}),
        ],
    );
}

/// What a container of either side may have; the app's own need not be valid.
fn container(choices: &mut Choices, name: &str) -> Value {
    let mut fields = Map::new();
    fields.insert("name".to_owned(), json!(name));
    fields.insert("image".to_owned(), json!("example.com/a:1"));
    security(choices, &mut fields);
    choices.maybe(
        4,
        &mut fields,
        "resizePolicy",
        &[
            json!([{"resourceName": "cpu", "restartPolicy": "RestartContainer"}]),
            json!([{"resourceName": "memory", "restartPolicy": "NotRequired"}]),
        ],
    );
    choices.maybe(3, &mut fields, "ports", &[
        json!([{"containerPort": 80, "name": "http"}]),
        json!([{"containerPort": 81, "hostPort": 81}]),
        json!([{"containerPort": 82, "hostPort": 83}]),
        json!([{"containerPort": 80}, {"containerPort": 80, "protocol": "UDP", "name": "http"}]),
    ]);
    choices.maybe(3, &mut fields, "volumeMounts", &[
        json!([{"name": "data", "mountPath": "/data"}]),
        json!([{"name": "data", "mountPath": "/data/", "subPath": "x"}]),
        json!([{"name": "data", "mountPath": "/a"}, {"name": "data", "mountPath": "/b", "readOnly": true}]),
        json!([{"name": "data", "mountPath": "/c", "mountPropagation": "Bidirectional"}]),
    ]);
    choices.maybe(
        3,
        &mut fields,
        "resources",
        &[
            json!({"requests": {"cpu": "10m"}}),
            json!({"requests": {"cpu": "1"}, "limits": {"cpu": "2", "memory": "64Mi"}}),
            json!({"limits": {"ephemeral-storage": "1Gi"}}),
        ],
    );
    choices.maybe(
        3,
        &mut fields,
        "lifecycle",
        &[
            json!({"preStop": {"sleep": {"seconds": 20}}}),
            json!({"preStop": {"exec": {"command": ["true"]}}}),
        ],
    );
    choices.maybe(
        3,
        &mut fields,
        "readinessProbe",
        &[
            json!({"tcpSocket": {"port": 80}}),
            json!({"httpGet": {"port": "http"}, "successThreshold": 2}),
        ],
    );
    choices.maybe(
        4,
        &mut fields,
        "env",
        &[
            json!([{"name": "A", "value": "b"}]),
            json!([{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]),
        ],
    );
    Value::Object(fields)
}

fn annotations(choices: &mut Choices) -> Map<String, Value> {
    let volume = if choices.next(6) == 0 { "none" } else { "data" };
    let mut annotations = Map::new();
    annotations.insert("pillion.dev/inject".to_owned(), json!("t"));
    annotations.insert("t.pillion.dev/volume".to_owned(), json!(volume));
    let profile = "container.apparmor.security.beta.kubernetes.io/app";
    choices.maybe(6, &mut annotations, profile, &[json!("unconfined")]);
    let profile = "seccomp.security.alpha.kubernetes.io/pod";
    choices.maybe(6, &mut annotations, profile, &[json!("unconfined")]);
    annotations
}

fn pod(choices: &mut Choices) -> Value {
    let mut spec = Map::new();
    choices.maybe(
        3,
        &mut spec,
        "restartPolicy",
        &[json!("Never"), json!("OnFailure")],
    );
    choices.maybe(5, &mut spec, "hostNetwork", &[json!(true)]);
    choices.maybe(5, &mut spec, "hostPID", &[json!(true)]);
    choices.maybe(6, &mut spec, "hostIPC", &[json!(true)]);
    choices.maybe(5, &mut spec, "hostUsers", &[json!(false)]);
    choices.maybe(
        6,
        &mut spec,
        "shareProcessNamespace",
        &[json!(true), json!(false)],
    );
    choices.maybe(
        6,
        &mut spec,
        "os",
        &[json!({"name": "linux"}), json!({"name": "windows"})],
    );
    choices.maybe(
        4,
        &mut spec,
        "terminationGracePeriodSeconds",
        &[json!(10), json!(60)],
    );
    choices.maybe(
        6,
        &mut spec,
        "dnsConfig",
        &[
            json!({"searches": ["a.example"]}),
            json!({"nameservers": ["10.0.0.1"]}),
        ],
    );
    choices.maybe(
        6,
        &mut spec,
        "resources",
        &[json!({"requests": {"cpu": "500m"}})],
    );
    choices.maybe(
        5,
        &mut spec,
        "securityContext",
        &[
            json!({"runAsNonRoot": true}),
            json!({"runAsUser": 0}),
            json!({"fsGroup": 7}),
        ],
    );
    choices.maybe(
        6,
        &mut spec,
        "tolerations",
        &[json!([{"key": "a", "operator": "Exists"}])],
    );
    let app = container(choices, "app");
    // A helper of the user's own, which the template completes.
    let mut containers = vec![app];
    if choices.next(5) == 0 {
        containers.push(json!({"name": "helper", "image": "auto",
            "resources": {"requests": {"cpu": "5m"}}}));
    }
    if choices.next(4) == 0 {
        spec.insert(
            "initContainers".to_owned(),
            json!([{"name": "first", "image": "example.com/a:1"}]),
        );
    }
    spec.insert("containers".to_owned(), containers.into());
    spec.insert(
        "volumes".to_owned(),
        json!([{"name": "data", "emptyDir": {}}]),
    );
    let annotations = annotations(choices);
    json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "pod", "annotations": annotations}, "spec": spec})
}

fn template(choices: &mut Choices) -> Value {
    let mut spec = Map::new();
    let parameter = json!({"type": "string", "default": "data"});
    spec.insert("parameters".to_owned(), json!({"volume": parameter}));
    spec.insert("podSecurityLevel".to_owned(), json!("privileged"));
    choices.maybe(
        2,
        &mut spec,
        "lifecycle",
        &[json!("Native"), json!("Classic")],
    );
    choices.maybe(3, &mut spec, "order", &[json!(1)]);
    let mut helper = container(choices, "helper");
    if choices.next(3) == 0 {
        let place = &PLACES[choices.next(PLACES.len())];
        let values = values(place.kind);
        let part: Value = serde_json::from_str(place.part).unwrap();
        let part = with_value(&part, &values[choices.next(values.len())]);
        for (name, field) in part["container"].as_object().into_iter().flatten() {
            helper[name] = field.clone();
        }
    }
    if choices.next(4) == 0 {
        helper["volumeMounts"] = json!([{"name": "${params.volume}", "mountPath": "/data"}]);
    } else if helper.get("volumeMounts").is_some() {
        spec.insert(
            "volumes".to_owned(),
            json!([{"name": "data", "emptyDir": {}}]),
        );
    }
    spec.insert("sidecars".to_owned(), json!([helper]));
    spec.insert("app".to_owned(), app_edits(choices));
    spec.insert("pod".to_owned(), pod_fields(choices));
    choices.maybe(4, &mut spec, "metadata", &[
        json!({"annotations": {"container.apparmor.security.beta.kubernetes.io/helper": "runtime/default"}}),
        json!({"annotations": {"container.apparmor.security.beta.kubernetes.io/app": "runtime/default"}}),
        json!({"annotations": {"container.apparmor.security.beta.kubernetes.io/other": "runtime/default"}}),
        json!({"annotations": {"controller.kubernetes.io/pod-deletion-cost": "high"}}),
    ]);
    json!({"apiVersion": "pillion.dev/v1alpha1", "kind": "ClusterInjectionTemplate",
        "metadata": {"name": "t"}, "spec": spec})
}

/// What a template gives each app container.
fn app_edits(choices: &mut Choices) -> Value {
    let mut app = Map::new();
    choices.maybe(
        3,
        &mut app,
        "ports",
        &[json!([{"containerPort": 80, "name": "http", "hostPort": 80}])],
    );
    choices.maybe(3, &mut app, "env", &[json!([{"name": "A", "value": "c"}])]);
    choices.maybe(
        3,
        &mut app,
        "lifecycle",
        &[json!({"preStop": {"sleep": {"seconds": 25}}})],
    );
    choices.maybe(
        3,
        &mut app,
        "resources",
        &[json!({"requests": {"cpu": "20m"}, "limits": {"memory": "1Gi"}})],
    );
    choices.maybe(
        4,
        &mut app,
        "securityContext",
        &[
            json!({"procMount": "Unmasked"}),
            json!({"runAsUser": 7}),
            json!({"appArmorProfile": {"type": "RuntimeDefault"}}),
            json!({"windowsOptions": {"runAsUserName": "a"}}),
        ],
    );
    app.into()
}

/// What a template sets in the pod.
fn pod_fields(choices: &mut Choices) -> Value {
    let mut pod = Map::new();
    choices.maybe(4, &mut pod, "shareProcessNamespace", &[json!(true)]);
    choices.maybe(
        4,
        &mut pod,
        "dnsPolicy",
        &[json!("Default"), json!("ClusterFirstWithHostNet")],
    );
    choices.maybe(
        4,
        &mut pod,
        "terminationGracePeriodSeconds",
        &[json!(5), json!(90)],
    );
    choices.maybe(
        4,
        &mut pod,
        "securityContext",
        &[
            json!({"runAsUser": 0}),
            json!({"fsGroup": 9}),
            json!({"seccompProfile": {"type": "RuntimeDefault"}}),
            json!({"sysctls": [{"name": "net.core.somaxconn", "value": "1"}]}),
            json!({"sysctls": [{"name": "kernel.shm_rmid_forced", "value": "1"}]}),
        ],
    );
    choices.maybe(
        4,
        &mut pod,
        "hostAliases",
        &[json!([{"ip": "127.0.0.1", "hostnames": ["a"]}])],
    );
    choices.maybe(
        4,
        &mut pod,
        "topologySpreadConstraints",
        &[json!([{"maxSkew": 1,
        "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "minDomains": 2}])],
    );
    pod.into()
}

/// An engine with one template, or why the template does not load.
pub(super) fn engine(template: &Value) -> Result<Engine, String> {
    let source = Source {
        path: "t.yaml".to_owned(),
        text: template.to_string(),
    };
    let (catalog, errors) = Catalog::load(&[source], None);
    let settings = Settings::default();
    match errors.first() {
        Some(error) => Err(format!("{error:?}")),
        None => Ok(Engine::new(Arc::new(catalog), Arc::new(settings))),
    }
}

pub(super) fn number(variable: &str, otherwise: usize) -> usize {
    let text = std::env::var(variable).ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

#[tokio::test]
async fn what_the_api_server_takes_bare_it_takes_injected() -> Outcome {
    let client = ControlPlane::shared().await?.client()?;
    let namespace = Namespace::create(&client, "combinations", &[], &[]).await?;
    let context = RequestContext {
        namespace: namespace.name.clone(),
        ..RequestContext::default()
    };
    let mut choices = Choices::new(number("PILLION_SEED", 0x9e37_79b9) as u64);
    let (mut injected, mut refused) = (0, 0);
    let mut failures = String::new();
    for _ in 0..number("PILLION_COMBINATIONS", SAMPLE) {
        let (template, mut pod) = (template(&mut choices), pod(&mut choices));
        pod["metadata"]["namespace"] = namespace.name.clone().into();
        let Ok(engine) = engine(&template) else {
            continue;
        };
        if !namespace.create_pod("dryRun=All", &pod).await?.granted() {
            continue;
        }
        let text = pod.to_string();
        let document = Document::read(&text).unwrap();
        let decision = engine.decide(&context, &Pod::read(document.root()).unwrap(), None);
        if decision.verdict() != Verdict::Injected {
            refused += usize::from(decision.verdict() == Verdict::Denied);
            continue;
        }
        injected += 1;
        let patch: json_patch::Patch = serde_json::from_str(&decision.patch.to_json()).unwrap();
        let mut result = pod.clone();
        json_patch::patch(&mut result, &patch).unwrap();
        let answer = namespace.create_pod("dryRun=All", &result).await?;
        if !answer.granted() {
            let _ = writeln!(failures, "{}\n{template}\n{pod}\n", answer.message());
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
    assert!(
        injected > 0 && refused > 0,
        "{injected} injected, {refused} refused"
    );
    Ok(())
}
