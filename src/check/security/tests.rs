//! Every finding about privilege, with the pods that it is not about.

use serde_json::{Value, json};

use super::*;
use crate::check::pod::Field;
use crate::check::test_support::Scene;

fn scene(level: &str) -> Scene {
    let mut scene = Scene::new();
    let label = "pod-security.kubernetes.io/enforce".to_owned();
    scene.labels.insert(label, level.to_owned());
    scene
}

fn pod(containers: Value, spec: &Value) -> Value {
    let mut pod = json!({"metadata": {"name": "orders"}, "spec": spec});
    pod["spec"]["containers"] = containers;
    pod
}

fn codes(found: &[String]) -> Vec<&str> {
    let words = found.iter().map(|line| line.split_once(':').unwrap().0);
    words.collect()
}

#[test]
fn what_a_template_adds_is_held_against_the_level() {
    let context = json!({"allowPrivilegeEscalation": false, "runAsNonRoot": true,
        "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"}});
    let value = pod(
        json!([{"name": "app", "securityContext": {"privileged": true}},
            {"name": "mesh-proxy", "ports": [{"containerPort": 1, "hostPort": 99}],
             "securityContext": context},
            {"name": "logs-agent", "securityContext": context}]),
        &json!({"volumes": [{"name": "logs-all", "hostPath": {"path": "/var/log"}},
            {"name": "own", "hostPath": {"path": "/own"}}]}),
    );
    let view = Scene::pod(&value);
    let found = scene("restricted").found(&view, check);
    assert_eq!(
        found,
        [
            "PodSecurityViolated mesh spec.containers[1].ports[0].hostPort: the template mesh \
             violates control hostPorts of Pod Security level baseline, and the namespace shop \
             enforces restricted:latest: hostPort (container \"mesh-proxy\" uses hostPort 99); the \
             template says that it needs level privileged",
            "PodSecurityViolated logs spec.volumes[0].hostPath: the template logs violates control \
             restrictedVolumes of Pod Security level restricted, and the namespace shop enforces \
             restricted:latest: restricted volume types (volume \"logs-all\" uses restricted \
             volume type \"hostPath\"); the template says that it needs level privileged",
        ]
    );
    assert!(scene("privileged").found(&view, check).is_empty());
    let mut exempt = scene("restricted");
    exempt
        .settings
        .pod_security
        .usernames
        .push("robot".to_owned());
    exempt.user = Some("robot");
    assert!(exempt.found(&view, check).is_empty());
}

#[test]
fn a_context_that_was_bad_before_is_the_users_own() {
    let value = pod(
        json!([{"name": "app", "securityContext":
            {"privileged": true, "capabilities": {"add": ["SYS_TIME", "NET_ADMIN"]}}}]),
        &json!({"securityContext": {"runAsUser": 0, "runAsNonRoot": false}}),
    );
    let (privileged, capability, root) = (
        json!({"privileged": true}),
        json!({"capabilities": {"add": ["SYS_TIME"]}}),
        json!({"runAsUser": 0}),
    );
    let mut view = Scene::pod(&value);
    let app = &mut view.containers[0];
    app.fields_by.push(("securityContext", "mesh"));
    app.security_before = Field::Data(&privileged).read_or_default();
    view.fields_by.push(("securityContext", "logs"));
    view.spec.security_before = Field::Data(&root).read_or_default();
    let found = scene("baseline").found(&view, check);
    assert_eq!(
        codes(&found),
        [
            "PodSecurityViolated mesh spec.containers[0].securityContext.capabilities.add",
            "CapabilityAdded mesh spec.containers[0].securityContext.capabilities.add",
        ]
    );
    view.containers[0].security_before = Field::Data(&capability).read_or_default();
    let found = scene("baseline").found(&view, check);
    assert_eq!(
        codes(&found),
        [
            "PodSecurityViolated mesh spec.containers[0].securityContext.privileged",
            "CapabilityAdded mesh spec.containers[0].securityContext.privileged",
        ]
    );
    let found = scene("restricted").found(&view, check);
    let of_logs = found.iter().filter(|line| line.contains(" logs "));
    let of_logs: Vec<String> = of_logs.cloned().collect();
    assert_eq!(
        codes(&of_logs),
        ["PodSecurityViolated logs spec.securityContext.runAsNonRoot",]
    );
}

#[test]
fn the_log_names_no_values() {
    let value = pod(
        json!([{"name": "mesh-proxy",
            "readinessProbe": {"httpGet": {"port": 1, "host": "secret.example"}}}]),
        &json!({}),
    );
    let view = Scene::pod(&value);
    let violation =
        pod_security::violations(&view, Level::Baseline, pod_security::Version::Latest, 37);
    assert!(violation[0].to_string().contains("secret.example"));
    let found = scene("baseline").found(&view, |pod, with, findings| {
        check(pod, with, findings);
        for finding in findings {
            finding.message = finding.logged.clone();
        }
    });
    assert!(
        found[0].contains("(mesh-proxy)") && !found[0].contains("secret"),
        "{found:?}"
    );
}

/// What is tried, the containers, the rest of the spec, and what is found.
const PRIVILEGE: [(&str, &str, &str, &str); 14] = [
    (
        "what level restricted allows",
        r#"[{"name": "mesh-a", "securityContext": {"capabilities": {"add": ["NET_BIND_SERVICE"]}}}]"#,
        "{}",
        "",
    ),
    (
        "capabilities",
        r#"[{"name": "app", "securityContext": {"capabilities": {"add": ["SYS_TIME"]}}},
            {"name": "mesh-a", "securityContext": {"capabilities": {"add": ["NET_ADMIN", "CHOWN"]}}}]"#,
        "{}",
        "CapabilityAdded mesh spec.containers[1].securityContext.capabilities.add",
    ),
    (
        "privileged",
        r#"[{"name": "logs-a", "securityContext": {"privileged": true}}]"#,
        "{}",
        "CapabilityAdded logs spec.containers[0].securityContext.privileged",
    ),
    (
        "host processes",
        r#"[{"name": "app"}, {"name": "mesh-a"}, {"name": "mesh-b"}, {"name": "logs-a"}]"#,
        r#"{"hostPID": true}"#,
        "HostNamespaceShared mesh spec.hostPID, HostNamespaceShared logs spec.hostPID",
    ),
    (
        "host communication",
        r#"[{"name": "mesh-a"}]"#,
        r#"{"hostIPC": true}"#,
        "HostNamespaceShared mesh spec.hostIPC",
    ),
    (
        "no helper",
        r#"[{"name": "app"}]"#,
        r#"{"hostPID": true}"#,
        "",
    ),
    (
        "the user's own sharing",
        r#"[{"name": "mesh-a"}]"#,
        r#"{"shareProcessNamespace": true}"#,
        "",
    ),
    (
        "root beside an app that is not",
        r#"[{"name": "app", "securityContext": {"runAsUser": 1000}},
            {"name": "mesh-a", "securityContext": {"runAsUser": 0}}]"#,
        "{}",
        "HelperRunsAsRoot mesh spec.containers[1].securityContext.runAsUser",
    ),
    (
        "root by the pod",
        r#"[{"name": "app", "securityContext": {"runAsUser": 1000}}, {"name": "mesh-a"}]"#,
        r#"{"securityContext": {"runAsUser": 0}}"#,
        "HelperRunsAsRoot mesh spec.containers[1].securityContext.runAsUser",
    ),
    (
        "root beside what may be root",
        r#"[{"name": "app"}, {"name": "mesh-a", "securityContext": {"runAsUser": 0}}]"#,
        "{}",
        "",
    ),
    (
        "root in a user namespace",
        r#"[{"name": "app", "securityContext": {"runAsNonRoot": true}},
            {"name": "mesh-a", "securityContext": {"runAsUser": 0}}]"#,
        r#"{"hostUsers": false}"#,
        "",
    ),
    (
        "the image decides",
        r#"[{"name": "app", "securityContext": {"runAsNonRoot": true}}, {"name": "mesh-a"}]"#,
        "{}",
        "",
    ),
    (
        "token",
        r#"[{"name": "mesh-a", "volumeMounts": [{"name": "mesh-t", "mountPath": "/t"}]}]"#,
        r#"{"automountServiceAccountToken": false, "volumes": [{"name": "mesh-t", "projected":
            {"sources": [{"serviceAccountToken": {"path": "t"}}]}}]}"#,
        "TokenMounted mesh spec.containers[0].volumeMounts[0]",
    ),
    (
        "token where the pod has one",
        r#"[{"name": "mesh-a", "volumeMounts": [{"name": "mesh-t", "mountPath": "/t"}]}]"#,
        r#"{"volumes": [{"name": "mesh-t", "projected":
            {"sources": [{"serviceAccountToken": {"path": "t"}}]}}]}"#,
        "",
    ),
];

#[test]
fn privilege_beyond_the_apps_is_found() {
    for (what, containers, spec, expected) in PRIVILEGE {
        let containers = serde_json::from_str(containers).unwrap();
        let value = pod(containers, &serde_json::from_str(spec).unwrap());
        let found = Scene::new().found(&Scene::pod(&value), check);
        assert_eq!(codes(&found).join(", "), expected, "{what}");
    }
    let value = pod(
        json!([{"name": "app"}]),
        &json!({"shareProcessNamespace": true}),
    );
    let mut view = Scene::pod(&value);
    view.fields_by.push(("shareProcessNamespace", "logs"));
    let found = Scene::new().found(&view, check);
    assert_eq!(
        codes(&found),
        ["ProcessNamespaceShared logs spec.shareProcessNamespace"]
    );
}
