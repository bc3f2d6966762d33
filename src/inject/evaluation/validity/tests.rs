//! Values that load but that the API server would refuse: the person learns it, the log no value.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::inject::{Decision, Engine, RequestContext, Settings};
use crate::review::{Document, Pod};
use crate::template::{Catalog, Source};

const TEMPLATE: &str = "
apiVersion: pillion.dev/v1alpha1
kind: ClusterInjectionTemplate
metadata: {name: t}
spec:
  parameters:
    port: {type: integer, default: 80}
    path: {type: string, default: /data}
    label: {type: string, default: fine}
    disk: {type: string, default: ssd}
    memory: {type: quantity, default: 1Mi}
    medium: {type: string}
  sidecars:
  - name: helper
    image: registry.example/helper:1
    ports: [{containerPort: \"${params.port}\"}]
    env: ${app.?env}
    resources: {requests: {memory: \"${params.memory}\"}, limits: {memory: 1Gi}}
    volumeMounts: [{name: data, mountPath: \"${params.path}\"}]
  volumes: [{name: data, emptyDir: {medium: \"${params.medium}\"}}]
  app: {env: [{name: \"${params.label}\", value: x}]}
  metadata: {labels: {example.com/label: \"${params.label}\"}}
  pod: {nodeSelector: {disk: \"${params.disk}\"}}
";

fn decide(annotations: &[(&str, &str)]) -> Decision {
    let source = Source {
        path: "t.yaml".to_owned(),
        text: TEMPLATE.to_owned(),
    };
    let (catalog, errors) = Catalog::load(&[source], None);
    assert!(errors.is_empty(), "{errors:?}");
    let engine = Engine::new(Arc::new(catalog), Arc::new(Settings::default()));
    let mut all = json!({"pillion.dev/inject": "t"});
    for (key, value) in annotations {
        all[format!("t.pillion.dev/{key}")] = Value::from(*value);
    }
    let pod = json!({"metadata": {"name": "web", "annotations": all}, "spec": {"containers": [
        {"name": "app", "image": "app:1", "env": [{"name": "A name of 1.32", "value": "x"}]}]}});
    let subject = RequestContext {
        namespace: "shop".to_owned(),
        ..RequestContext::default()
    };
    let text = pod.to_string();
    let document = Document::read(&text).unwrap();
    engine.decide(&subject, &Pod::read(document.root()).unwrap(), None)
}

#[test]
fn values_that_the_api_server_would_refuse_are_refused() {
    let table = [
        (
            "port",
            "70000",
            "ports[0].containerPort: expected 1 to 65535, found 70000",
        ),
        (
            "path",
            "secret-value",
            "volumeMounts[0].mountPath: `secret-value` must begin with `/`",
        ),
        (
            "memory",
            "2Gi",
            "resources.requests.memory: the request for memory is above its limit",
        ),
        ("medium", "secret-value", "emptyDir.medium: expected Memory"),
        ("label", "secret value", "`secret value` is not a"),
        (
            "disk",
            "secret value",
            "spec.pod: nodeSelector.disk: `secret value` is not a label's value",
        ),
    ];
    for (name, value, expected) in table {
        let decision = decide(&[(name, value)]);
        assert_eq!(
            decision.reason.code(),
            "EvaluationFailed",
            "{name}: {}",
            decision.message
        );
        assert!(
            decision.message.contains(expected),
            "{name}: {}",
            decision.message
        );
        assert!(decision.patch.is_empty(), "{name}");
        assert!(
            !decision.logged.contains("secret") && decision.logged.contains("API server"),
            "{name}: {}",
            decision.logged
        );
    }
}

#[test]
fn the_apps_own_values_are_not_judged() {
    let decision = decide(&[]);
    assert_eq!(decision.reason.code(), "Applied", "{}", decision.message);
    let patch = decision.patch.to_json();
    assert!(patch.contains("A name of 1.32"), "{patch}");
}
