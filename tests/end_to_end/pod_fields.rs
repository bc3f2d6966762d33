//! The fields of a pod's spec that a template may set, each proven on the API server.
//!
//! A field can look harmless and still be refused, or lose its meaning, once the API server's
//! own plugins have run before us and run again after us. So each one is added here to pods that
//! a LimitRange changes after us, which brings the second round, with the ServiceAccount's mount and
//! without.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::end_to_end::pods::status;
use crate::end_to_end::scene::{change_after_us, pod, program};
use crate::support::audit::calls_before;
use crate::support::control_plane::ControlPlane;
use crate::support::failure::{During, Failure, Outcome};
use crate::support::namespace::Namespace;
use crate::support::pillion::{Identity, Pillion, Settings};
use crate::support::webhook::Registration;

/// Every field, with a value that differs from what the API server fills in by itself.
pub(crate) fn cases() -> Vec<(&'static str, Value)> {
    let labels = json!({"matchLabels": {"app": "orders"}});
    vec![
        (
            "affinity",
            json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
                {"labelSelector": labels, "topologyKey": "kubernetes.io/hostname"},
            ]}}),
        ),
        (
            "dnsConfig",
            json!({"searches": ["example.com"], "options": [{"name": "ndots", "value": "2"}]}),
        ),
        ("dnsPolicy", json!("Default")),
        ("enableServiceLinks", json!(false)),
        (
            "hostAliases",
            json!([{"ip": "127.0.0.1", "hostnames": ["database.local"]}]),
        ),
        ("imagePullSecrets", json!([{"name": "registry"}])),
        ("nodeSelector", json!({"kubernetes.io/os": "linux"})),
        ("schedulerName", json!("batch-scheduler")),
        (
            "securityContext",
            json!({
                "runAsNonRoot": true,
                "fsGroup": 2000,
                "supplementalGroups": [3000],
                "seccompProfile": {"type": "RuntimeDefault"},
                "sysctls": [{"name": "net.ipv4.ping_group_range", "value": "0 0"}],
            }),
        ),
        ("shareProcessNamespace", json!(true)),
        ("terminationGracePeriodSeconds", json!(75)),
        (
            "tolerations",
            json!([{"key": "dedicated", "operator": "Equal", "value": "a", "effect": "NoSchedule"}]),
        ),
        (
            "topologySpreadConstraints",
            json!([{
                "maxSkew": 1,
                "topologyKey": "topology.kubernetes.io/zone",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": labels,
            }]),
        ),
    ]
}

#[test]
fn every_field_that_a_template_may_set_is_proven_here() -> Outcome {
    let folder = tempfile::tempdir().during("make a folder for a template")?;
    write_template(folder.path(), "noSuchField", &json!(true))?;
    let check = Command::new(program())
        .args(["template", "check"])
        .arg(folder.path())
        .output()
        .during("run `pillion template check`")?;
    let output = [check.stdout, check.stderr].concat();
    let output = String::from_utf8_lossy(&output);
    let named = output
        .lines()
        .find_map(|line| line.split_once("the fields that can are "));
    let (_, named) = named.ok_or_else(|| Failure::new(format!("no fields in:\n{output}")))?;
    let named: BTreeSet<&str> = named.split(", ").map(str::trim).collect();
    let cases = cases();
    let proven: BTreeSet<&str> = cases.iter().map(|(field, _)| *field).collect();
    assert_eq!(named, proven);
    Ok(())
}

#[tokio::test]
async fn every_proven_field_survives_the_second_round() -> Outcome {
    let control_plane = ControlPlane::shared().await?;
    let client = control_plane.client()?;
    let namespace = Namespace::create(&client, "pod-fields", &[], &[]).await?;
    change_after_us(&namespace).await?;
    let folder = tempfile::tempdir().during("make a folder for templates")?;
    for (field, value) in cases() {
        write_template(folder.path(), field, &value)?;
    }
    let mut settings = Settings::new(program());
    settings.templates = Some(folder.path());
    let identity = Identity::new()?;
    let server = Pillion::start(&settings, &identity).await?;
    let port = server.webhook.port();
    Registration::install(port, identity.authority(), &[&namespace]).await?;

    let mut failed = Vec::new();
    for (field, value) in cases() {
        for mounts_token in [true, false] {
            let tried = try_field(control_plane, &namespace, field, &value, mounts_token);
            if let Err(failure) = tried.await {
                failed.push(format!("{field}, token mounted {mounts_token}: {failure}"));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    Ok(())
}

/// Creates one pod that asks for the template of `field` and looks at what became of it.
async fn try_field(
    control_plane: &ControlPlane,
    namespace: &Namespace,
    field: &str,
    wanted: &Value,
    mounts_token: bool,
) -> Outcome {
    let template = field.to_lowercase();
    let name = format!("{template}-{mounts_token}");
    let mut asking = pod(&name, &json!({"pillion.dev/inject": template}));
    asking["metadata"]["labels"] = json!({"app": "orders"});
    if !mounts_token {
        asking["spec"]["automountServiceAccountToken"] = json!(false);
    }
    let answer = namespace.create_pod("", &asking).await?;
    let require = |holds: bool, what: &str| {
        let told = || Failure::new(format!("{what}: {}", answer.body));
        holds.then_some(()).ok_or_else(told)
    };
    require(answer.granted(), "refused")?;
    let spec = &answer.body["spec"];
    require(holds(&spec[field], wanted), "not as wanted")?;
    let verdict = &status(&answer.body, &template)["verdict"];
    require(verdict == "Injected", "not injected")?;
    let calls = calls_before(control_plane, &answer).await?;
    let seen: Vec<_> = calls
        .iter()
        .map(|call| (call.round, call.changed))
        .collect();
    require(seen == [(0, true), (1, false)], &format!("calls {seen:?}"))
}

/// Whether everything of `wanted` is in `actual`, elements of lists in any place.
fn holds(actual: &Value, wanted: &Value) -> bool {
    match (actual, wanted) {
        (Value::Object(actual), Value::Object(wanted)) => wanted
            .iter()
            .all(|(key, value)| actual.get(key).is_some_and(|actual| holds(actual, value))),
        (Value::Array(actual), Value::Array(wanted)) => wanted
            .iter()
            .all(|value| actual.iter().any(|actual| holds(actual, value))),
        (actual, wanted) => actual == wanted,
    }
}

/// A template named after the field, with one helper, so that other plugins have something
/// to do in the second round.
fn write_template(folder: &Path, field: &str, value: &Value) -> Outcome {
    let name = field.to_lowercase();
    let template = json!({
        "apiVersion": "pillion.dev/v1alpha1",
        "kind": "ClusterInjectionTemplate",
        "metadata": {"name": name},
        "spec": {
            "pattern": "Sidecar",
            "description": format!("Sets {field}."),
            "sidecars": [{"name": name, "image": "registry.example.com/helper:1.0.0"}],
            "pod": {field: value},
        },
    });
    let file = folder.join(format!("{name}.yaml"));
    fs::write(file, template.to_string()).during("write a template")
}
