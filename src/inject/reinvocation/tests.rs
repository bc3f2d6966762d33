//! What happens to a pod between two calls, and what people write into statuses.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::inject::{Decision, Engine, Reason, RequestContext, Settings, uninject};
use crate::review::{Document, Pod};
use crate::template::{Catalog, Source};

const TEMPLATES: &str = r#"
apiVersion: pillion.dev/v1alpha1
kind: ClusterInjectionTemplate
metadata: {name: a}
spec:
  order: -1
  app:
    env: [{name: X, value: ours}]
---
apiVersion: pillion.dev/v1alpha1
kind: ClusterInjectionTemplate
metadata: {name: b}
spec:
  sidecars:
    - {name: helper, image: "helper:1", env: "${app.?env}"}
  pod: {terminationGracePeriodSeconds: 60}
  app:
    env: [{name: Z, value: ours}]
---
apiVersion: pillion.dev/v1alpha1
kind: ClusterInjectionTemplate
metadata: {name: classic}
spec:
  lifecycle: Classic
  sidecars:
    - {name: beside, image: "beside:1"}
"#;

fn decide(pod: &Value) -> Decision {
    let source = Source {
        path: "templates.yaml".to_owned(),
        text: TEMPLATES.to_owned(),
    };
    let (catalog, errors) = Catalog::load(&[source], None);
    assert!(errors.is_empty(), "{errors:?}");
    let engine = Engine::new(Arc::new(catalog), Arc::new(Settings::default()));
    decide_by(&engine, pod)
}

fn decide_by(engine: &Engine, pod: &Value) -> Decision {
    let subject = RequestContext {
        namespace: "shop".to_owned(),
        ..RequestContext::default()
    };
    let text = pod.to_string();
    let document = Document::read(&text).unwrap();
    engine.decide(&subject, &Pod::read(document.root()).unwrap(), None)
}

fn pod(templates: &str) -> Value {
    json!({
        "metadata": {"annotations": {"pillion.dev/inject": templates}},
        "spec": {"containers": [{"name": "web", "image": "web:1"}]},
    })
}

/// The pod after the first call.
fn injected(templates: &str) -> Value {
    let mut pod = pod(templates);
    apply(&mut pod);
    pod
}

fn apply(pod: &mut Value) {
    for operation in &decide(pod).patch.0 {
        assert!(operation.apply(pod), "{operation:?}");
    }
}

#[test]
fn a_sidecar_of_another_webhook_is_not_the_users() {
    let mut pod = injected("a,b");
    let containers = pod["spec"]["containers"].as_array_mut().unwrap();
    containers.push(json!({"name": "istio", "image": "istio:1"}));
    let decision = decide(&pod);
    assert_eq!(decision.reason, Reason::AlreadyInjected, "{decision:#?}");
    assert!(decision.patch.is_empty());
}

#[test]
fn what_another_webhook_rewrites_undoes_nothing_else() {
    let mut pod = injected("a,b");
    let before = pod.clone();
    pod["spec"]["containers"][0]["env"][0]["value"] = "theirs".into();
    apply(&mut pod);
    assert_eq!(pod["spec"]["initContainers"][0]["name"], "helper");
    assert_eq!(
        pod["spec"]["initContainers"].as_array().map(Vec::len),
        before["spec"]["initContainers"].as_array().map(Vec::len)
    );
    let status = &pod["metadata"]["annotations"]["pillion.dev/status.b"];
    assert_eq!(
        status,
        &before["metadata"]["annotations"]["pillion.dev/status.b"]
    );
    assert!(
        decide(&pod).patch.is_empty(),
        "a third call changes nothing"
    );
}

#[test]
fn a_rewritten_registry_is_left_to_its_webhook() {
    let mut pod = injected("b");
    pod["spec"]["initContainers"][0]["image"] = "mirror/helper:1".into();
    let decision = decide(&pod);
    assert_eq!(decision.reason, Reason::AlreadyInjected, "{decision:#?}");
}

#[test]
fn a_forged_status_vouches_for_nothing_of_the_users() {
    let table = [
        json!({"auto": ["helper"]}),
        json!({"initContainers": ["helper"]}),
        json!({"replaced": ["terminationGracePeriodSeconds"]}),
        json!({"replacedIn": {"helper": ["imagePullPolicy"]}}),
        json!({"edited": {"web": ["image", "env/OWN"]}}),
        json!({"containers": ["web"], "volumes": ["data"]}),
    ];
    for forged in table {
        let mut users = pod("b");
        users["spec"] = json!({
            "terminationGracePeriodSeconds": 90,
            "volumes": [{"name": "data", "emptyDir": {}}],
            "initContainers": [{"name": "helper", "image": "own:1", "command": ["own"],
                "imagePullPolicy": "Never", "restartPolicy": "Always"}],
            "containers": [{"name": "web", "image": "web:1",
                "env": [{"name": "OWN", "value": "1"}]}],
        });
        let spec = users["spec"].clone();
        users["metadata"]["annotations"]["pillion.dev/status.b"] = forged.to_string().into();
        apply(&mut users);
        assert!(
            decide(&users).patch.is_empty(),
            "{forged}: the next call changes nothing"
        );
        uninject::remove(&mut users).unwrap();
        assert_eq!(users["spec"], spec, "{forged}");
    }
}

#[test]
fn a_status_tells_the_end_that_there_was() {
    let mut users = pod("classic");
    users["spec"]["restartPolicy"] = "Never".into();
    let forged = json!({"verdict": "Injected", "reason": "Applied", "revision": "x"});
    users["metadata"]["annotations"]["pillion.dev/status.classic"] = forged.to_string().into();
    apply(&mut users);
    let status = users["metadata"]["annotations"]["pillion.dev/status.classic"].as_str();
    assert!(status.unwrap().contains("PodMustEnd"), "{status:?}");
}

#[test]
fn a_sidecar_is_no_step() {
    let mut users = pod("classic");
    users["spec"]["initContainers"] = json!([{"name": "beside", "image": "auto"}]);
    assert_eq!(decide(&users).reason, Reason::Conflict);
}

/// A container of another webhook's, behind what was injected, on a port of ours.
fn with_a_clash(policy: &str) -> (Value, Decision) {
    let template = format!(
        "apiVersion: pillion.dev/v1alpha1\nkind: ClusterInjectionTemplate\n\
         metadata: {{name: proxy}}\nspec:\n  findings: {{PortConflict: {policy}}}\n  \
         sidecars:\n    - name: proxy\n      image: \"proxy:1\"\n      \
         ports: [{{containerPort: 6432}}]\n  app: {{env: [{{name: P, value: x}}]}}\n"
    );
    let source = Source {
        path: "t.yaml".to_owned(),
        text: template,
    };
    let (catalog, errors) = Catalog::load(&[source], None);
    assert!(errors.is_empty(), "{errors:?}");
    let engine = Engine::new(Arc::new(catalog), Arc::new(Settings::default()));
    let mut pod = pod("proxy");
    let first = decide_by(&engine, &pod);
    let patch = serde_json::to_value(&first.patch).unwrap();
    let patch: json_patch::Patch = serde_json::from_value(patch).unwrap();
    json_patch::patch(&mut pod, &patch).unwrap();
    let theirs = json!({"name": "mesh", "image": "m:1", "ports": [{"containerPort": 6432}]});
    pod["spec"]["containers"]
        .as_array_mut()
        .unwrap()
        .push(theirs);
    let second = decide_by(&engine, &pod);
    (pod, second)
}

#[test]
fn what_others_added_since_is_checked_against_ours() {
    let (_, denied) = with_a_clash("Deny");
    assert_eq!(denied.reason.code(), "PortConflict", "{denied:#?}");
    assert_eq!(denied.verdict(), crate::inject::Verdict::Denied);
    assert!(denied.patch.is_empty());
    // What is there cannot be left out any more; it is told, and nothing of theirs is edited.
    let (_, told) = with_a_clash("Skip");
    assert_eq!(told.reason, Reason::AlreadyInjected, "{told:#?}");
    assert!(told.patch.is_empty());
    let warnings = told.warnings();
    assert!(
        warnings
            .iter()
            .any(|warning| warning.contains("PortConflict")),
        "{warnings:?}"
    );
}
