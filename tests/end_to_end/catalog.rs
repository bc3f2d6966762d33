//! The catalog on the real API server: what its templates make of pods is accepted, in a
//! namespace that enforces the Pod Security level that the templates state.
//!
//! The examples come through the webhook. The pods that the cases expect come as a user would
//! apply the output of `pillion inject`: that they are what the engine makes is shown by the
//! cases themselves, and this shows that the API server takes them, whatever the Kubernetes
//! version that they were made for.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::pods::status;
use crate::scene::program;
use crate::support::control_plane::ControlPlane;
use crate::support::failure::{During, Failure, Outcome};
use crate::support::namespace::Namespace;
use crate::support::pillion::{Identity, Pillion, Settings};
use crate::support::webhook::Registration;

/// Nothing is kept, and a field that the API server does not know is an error.
const TRY: &str = "dryRun=All&fieldValidation=Strict";

/// The levels of Pod Security, each of which allows all that the ones before allow.
const LEVELS: [&str; 3] = ["restricted", "baseline", "privileged"];

#[tokio::test]
async fn every_example_of_the_catalog_is_injected_at_its_level() -> Outcome {
    let templates = templates()?;
    let client = ControlPlane::shared().await?.client()?;
    let namespaces = namespaces(&client, "catalog").await?;
    let identity = Identity::new()?;
    let server = Pillion::start(&Settings::new(program()), &identity).await?;
    let every: Vec<_> = namespaces.values().collect();
    Registration::install(server.webhook.port(), identity.authority(), &every).await?;
    let mut failed = Vec::new();
    for (name, level) in &templates {
        let mut pod = read(&root().join(format!("examples/{name}.yaml")))?.remove(0);
        harden(&mut pod, |_| true);
        let answer = namespaces[level].create_pod(TRY, &pod).await?;
        if !answer.granted() {
            failed.push(format!("{name} at {level}: {}", answer.message()));
        } else if status(&answer.body, name)["verdict"] != "Injected" {
            failed.push(format!("{name} at {level}: {:#}", answer.body));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    Ok(())
}

#[tokio::test]
async fn every_pod_that_a_case_expects_is_accepted_at_its_level() -> Outcome {
    let templates = templates()?;
    let client = ControlPlane::shared().await?.client()?;
    let namespaces = namespaces(&client, "cases").await?;
    let bare = json!({"metadata": {"name": "bare"}, "spec": {"containers": [{"name": "bare", "image": "bare"}]}});
    let answer = namespaces["restricted"].create_pod(TRY, &bare).await?;
    assert!(!answer.granted(), "nothing enforces the level: {answer:?}");
    let (mut failed, mut tried) = (Vec::new(), 0);
    for name in templates.keys() {
        for path in files(&root().join(format!("templates/{name}/cases")))? {
            let documents = read(&path)?;
            let Some(mut pod) = documents.last().and_then(|last| last.get("pod")).cloned() else {
                continue;
            };
            let own = |container: &str| {
                !templates.contains_key(container) && given(&documents[0], container)
            };
            harden(&mut pod, own);
            pod["metadata"]["name"] = "orders".into();
            let namespace = &namespaces[level(&pod, &templates)];
            let answer = namespace.create_pod(TRY, &pod).await?;
            tried += 1;
            if !answer.granted() {
                failed.push(format!("{}: {}", path.display(), answer.message()));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(tried >= templates.len(), "only {tried} pods were tried");
    Ok(())
}

/// A namespace for each level, which enforces it.
async fn namespaces(
    client: &kube::Client,
    prefix: &str,
) -> Outcome<BTreeMap<&'static str, Namespace>> {
    let mut made = BTreeMap::new();
    for level in LEVELS {
        let label = ("pod-security.kubernetes.io/enforce", level);
        let prefix = format!("{prefix}-{level}");
        let namespace = Namespace::create(client, &prefix, &[label], &[]).await?;
        made.insert(level, namespace);
    }
    Ok(made)
}

/// The templates of the catalog, each with the level that it states.
fn templates() -> Outcome<BTreeMap<String, &'static str>> {
    let mut found = BTreeMap::new();
    for folder in files(&root().join("templates"))? {
        let file = folder.join("template.yaml");
        if !file.is_file() {
            continue;
        }
        let template = read(&file)?.remove(0);
        let stated = template["spec"]["podSecurityLevel"].as_str();
        let stated = stated.unwrap_or("restricted").to_lowercase();
        let level = LEVELS.into_iter().find(|level| *level == stated);
        let level = level.ok_or_else(|| Failure::new(format!("no such level: {stated}")))?;
        let name = template["metadata"]["name"].as_str().unwrap_or_default();
        found.insert(name.to_owned(), level);
    }
    Ok(found)
}

/// The level that the templates of this pod need together.
fn level(pod: &Value, templates: &BTreeMap<String, &'static str>) -> &'static str {
    let asked = &pod["metadata"]["annotations"]["pillion.dev/inject"];
    let needed = asked.as_str().unwrap_or_default().split(',');
    let needed = needed.filter_map(|name| templates.get(name));
    let rank = |level: &&str| LEVELS.iter().position(|other| other == level);
    needed.copied().max_by_key(rank).unwrap_or(LEVELS[0])
}

/// Whether the manifest of a case, a pod or a workload, has a container of this name.
fn given(case: &Value, name: &str) -> bool {
    let spec = &case["manifest"]["spec"];
    let of_pod = spec["containers"].as_array().into_iter();
    let of_workload = spec["template"]["spec"]["containers"].as_array();
    let mut containers = of_pod.chain(of_workload).flatten();
    containers.any(|container| container["name"] == name)
}

/// Makes the user's own containers pass the level *restricted*, so that only what a template
/// added can fail.
fn harden(pod: &mut Value, own: impl Fn(&str) -> bool) {
    let Some(containers) = pod["spec"]["containers"].as_array_mut() else {
        return;
    };
    let own = |container: &&mut Value| container["name"].as_str().is_some_and(&own);
    for container in containers.iter_mut().filter(own) {
        let context = container
            .as_object_mut()
            .map(|fields| fields.entry("securityContext").or_insert(json!({})));
        let Some(context) = context.and_then(Value::as_object_mut) else {
            continue;
        };
        let passing = json!({
            "allowPrivilegeEscalation": false,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": true,
            "seccompProfile": {"type": "RuntimeDefault"},
        });
        for (field, value) in passing.as_object().into_iter().flatten() {
            context.entry(field).or_insert_with(|| value.clone());
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What is in a folder, in order; nothing where it is missing.
fn files(folder: &Path) -> Outcome<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).during("read a folder")? {
        found.push(entry.during("read a folder")?.path());
    }
    found.sort();
    Ok(found)
}

/// The documents of a YAML file.
fn read(path: &Path) -> Outcome<Vec<Value>> {
    let text = fs::read_to_string(path).during(&format!("read {}", path.display()))?;
    serde_saphyr::from_multiple(&text).during(&format!("read {}", path.display()))
}
