//! What injection does, seen on a real API server: a throw-away control plane, the webhook
//! registered as in production, one Deployment applied, and its pod shown as a difference
//! to the pod that the same Deployment has without Pillion.
//!
//! `make demo` builds what this needs. With `KEEP=1` everything stays until Enter is
//! pressed, and the kubeconfig to look around with is printed.

#[path = "../tests/support/harness.rs"]
#[allow(dead_code, reason = "the demonstration uses a part of the harness")]
mod support;

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::PathBuf;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};
use similar::{ChangeTag, TextDiff};
use support::control_plane::{ControlPlane, Options};
use support::failure::{During, Failure, Outcome};
use support::namespace::Namespace;
use support::pillion::{Identity, Pillion, Settings};
use support::webhook::Registration;

/// How the pods ask for their helper, and the one parameter that it needs.
const ASKS: [(&str, &str); 2] = [
    ("pillion.dev/inject", "pgbouncer"),
    ("pgbouncer.pillion.dev/host", "db.example.com"),
];

#[tokio::main]
async fn main() -> Outcome {
    let program = program()?;
    step("starting etcd, kube-apiserver and kube-controller-manager");
    let control_plane = ControlPlane::start(Options::default()).await?;
    let client = control_plane.client()?;

    step("starting `pillion serve` with the built-in templates");
    let identity = Identity::new()?;
    let server = Pillion::start(&Settings::new(&program), &identity).await?;

    step("registering deploy/kustomize/base/mutating-webhook.yaml for namespace `with-pillion`");
    let without = Namespace::named(&client, "without-pillion", &[], &[]).await?;
    let with = Namespace::named(&client, "with-pillion", &[], &[]).await?;
    let port = server.webhook.port();
    Registration::install(port, identity.authority(), &[&with]).await?;

    step("applying one Deployment to both namespaces; its pods ask by annotation:");
    for (key, value) in ASKS {
        println!("      {key}: {value}");
    }
    let plain = pod_of_a_deployment(&without).await?;
    let injected = pod_of_a_deployment(&with).await?;

    step("a pod of it without Pillion, and what Pillion added (+)");
    show(&plain, &injected)?;
    if std::env::var_os("KEEP").is_some() {
        keep(&control_plane)?;
    }

    step("ending everything");
    server.stop().await?;
    drop(control_plane);
    step("done; nothing is left running. `KEEP=1 make demo` waits, for a look with kubectl");
    Ok(())
}

fn step(what: &str) {
    if std::io::stdout().is_terminal() {
        println!("\x1b[1m▸ {what}\x1b[0m");
    } else {
        println!("> {what}");
    }
}

/// The server's binary, beside which Cargo puts the examples' folder.
fn program() -> Outcome<PathBuf> {
    let me = std::env::current_exe().during("find this program")?;
    let folder = me.ancestors().nth(2).unwrap_or(&me);
    let program = folder.join("pillion");
    if program.is_file() {
        return Ok(program);
    }
    Err(Failure::new(format!(
        "{} does not exist: run `make demo`, or `cargo build --bin pillion` first",
        program.display()
    )))
}

async fn pod_of_a_deployment(namespace: &Namespace) -> Outcome<Pod> {
    let deployment: Deployment = namespace
        .create_object(json!({
            "metadata": {"name": "orders"},
            "spec": {
                "selector": {"matchLabels": {"app": "orders"}},
                "template": {
                    "metadata": {
                        "labels": {"app": "orders"},
                        "annotations": BTreeMap::from(ASKS),
                    },
                    "spec": {"containers": [{
                        "name": "orders",
                        "image": "registry.example.com/orders:1.4.2",
                        "ports": [{"containerPort": 8080}],
                    }]},
                },
            },
        }))
        .await?;
    let pods = namespace.pods_of(&deployment, 1).await?;
    let pod = pods.into_iter().next();
    pod.ok_or_else(|| Failure::new("the Deployment has no pod"))
}

/// Unchanged lines that are shown around each difference.
const CONTEXT: usize = 3;

/// Prints both pods as one difference, in colour on a terminal, and what it amounts to.
fn show(plain: &Pod, injected: &Pod) -> Outcome {
    let (old, new) = (readable(plain)?, readable(injected)?);
    let diff = TextDiff::from_lines(&old, &new);
    let colour = std::io::stdout().is_terminal() || std::env::var_os("FORCE_COLOR").is_some();
    let paint = |code: &str, line: &str| {
        if colour && !code.is_empty() {
            println!("{code}{line}\x1b[0m");
        } else {
            println!("{line}");
        }
    };
    let (mut added, mut removed) = (0, 0);
    let mut shown = 0;
    for group in diff.grouped_ops(CONTEXT) {
        let begin = group
            .first()
            .map_or(0, |operation| operation.old_range().start);
        hidden(begin.saturating_sub(shown), paint);
        shown = group
            .last()
            .map_or(shown, |operation| operation.old_range().end);
        for change in group
            .iter()
            .flat_map(|operation| diff.iter_changes(operation))
        {
            let (sign, code) = match change.tag() {
                ChangeTag::Delete => ('-', "\x1b[31m"),
                ChangeTag::Insert => ('+', "\x1b[32m"),
                ChangeTag::Equal => (' ', ""),
            };
            added += usize::from(change.tag() == ChangeTag::Insert);
            removed += usize::from(change.tag() == ChangeTag::Delete);
            let line = change.value().trim_end_matches('\n');
            paint(code, &format!("{sign} {line}"));
        }
    }
    hidden(old.lines().count().saturating_sub(shown), paint);
    step(&format!(
        "{added} lines added by Pillion, {removed} of the pod's own changed"
    ));
    Ok(())
}

/// Says how many unchanged lines are left out.
fn hidden(lines: usize, paint: impl Fn(&str, &str)) {
    if lines > 0 {
        paint(
            "\x1b[2m",
            &format!("  ... {lines} lines that are the same in both"),
        );
    }
}

/// The pod as YAML, without what differs between any two pods.
fn readable(pod: &Pod) -> Outcome<String> {
    let mut pod = serde_json::to_value(pod).during("read a pod")?;
    let token_volume = pod
        .pointer("/spec/volumes")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|volume| volume.get("name")?.as_str())
        .find(|name| name.starts_with("kube-api-access-"))
        .map(str::to_owned);
    for field in [
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "managedFields",
        "ownerReferences",
    ] {
        remove(&mut pod, "/metadata", field);
    }
    remove(&mut pod, "", "status");
    let text = serde_saphyr::to_string(&names_first(pod)).during("write a pod as YAML")?;
    Ok(match token_volume {
        Some(name) => text.replace(&name, "kube-api-access"),
        None => text,
    })
}

/// Every map with its `name` first, as people write them: an added field then never looks as
/// if it replaced the line that begins a list element.
fn names_first(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let (mut first, rest): (Vec<_>, Vec<_>) = fields
                .into_iter()
                .map(|(key, value)| (key, names_first(value)))
                .partition(|(key, _)| key == "name");
            first.extend(rest);
            Value::Object(first.into_iter().collect())
        }
        Value::Array(elements) => elements.into_iter().map(names_first).collect(),
        other => other,
    }
}

fn remove(object: &mut Value, parent: &str, field: &str) {
    if let Some(Value::Object(fields)) = object.pointer_mut(parent) {
        fields.remove(field);
    }
}

fn keep(control_plane: &ControlPlane) -> Outcome {
    println!(
        "\n  export KUBECONFIG={}\n  kubectl get pods -A\n\nPress Enter to end.",
        control_plane.kubeconfig().display()
    );
    let mut line = String::new();
    std::io::stdin()
        .read_line(&mut line)
        .map(drop)
        .during("wait for Enter")
}
