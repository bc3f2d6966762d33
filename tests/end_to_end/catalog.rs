//! The catalog on a real API server: every template's example in a namespace that enforces the
//! Pod Security level that the template states, and every case of a pod.
//!
//! That a case gives the expected pod is held by `pillion template test`; here the API server
//! says whether it takes that pod, after its own defaults, its plugins and the second call.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use k8s_openapi::api::core::v1::ServiceAccount;
use serde_json::{Value, json};

use crate::end_to_end::pods::status;
use crate::end_to_end::scene::program;
use crate::support::control_plane::ControlPlane;
use crate::support::failure::{During, Failure, Outcome};
use crate::support::namespace::Namespace;
use crate::support::pillion::{Identity, Pillion, Settings};
use crate::support::webhook::Registration;

/// The Pod Security levels, the strictest first.
const LEVELS: [&str; 3] = ["restricted", "baseline", "privileged"];
const ENFORCE: &str = "pod-security.kubernetes.io/enforce";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The templates' names with their documents.
fn catalog() -> Outcome<BTreeMap<String, Value>> {
    let mut templates = BTreeMap::new();
    for entry in fs::read_dir(root().join("templates")).during("list the catalog")? {
        let folder = entry.during("list the catalog")?.path();
        if folder.is_dir() {
            let document = documents(&folder.join("template.yaml"))?.remove(0);
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            templates.insert(name.into_owned(), document);
        }
    }
    assert!(templates.len() > 2, "the catalog is at templates/");
    Ok(templates)
}

/// The documents of a YAML file.
fn documents(path: &Path) -> Outcome<Vec<Value>> {
    let what = format!("read {}", path.display());
    let text = fs::read_to_string(path).during(&what)?;
    let parts = text.split("\n---\n");
    parts
        .map(|part| serde_saphyr::from_str(part).during(&what))
        .collect()
}

/// A namespace for each level, whose pods come to a server with the catalog.
async fn namespaces(prefix: &str, levels: &[&str]) -> Outcome<(Vec<Namespace>, Pillion)> {
    let client = ControlPlane::shared().await?.client()?;
    let mut namespaces = Vec::new();
    for level in levels {
        let namespace = Namespace::create(&client, prefix, &[(ENFORCE, level)], &[]).await?;
        let account = json!({"metadata": {"name": "orders"}});
        namespace.create_object::<ServiceAccount>(account).await?;
        namespaces.push(namespace);
    }
    let identity = Identity::new()?;
    let server = Pillion::start(&Settings::new(program()), &identity).await?;
    let all: Vec<&Namespace> = namespaces.iter().collect();
    Registration::install(server.webhook.port(), identity.authority(), &all).await?;
    Ok((namespaces, server))
}

/// The example of a template, whose own containers pass the level *restricted*: what is refused
/// then is refused for what was added.
fn example(template: &str) -> Outcome<Value> {
    let path = root().join(format!("examples/{template}.yaml"));
    let mut pod = documents(&path)?.remove(0);
    let context = &mut pod["spec"]["securityContext"];
    if context.get("runAsUser").is_none() {
        context["runAsUser"] = json!(1000);
    }
    context["runAsNonRoot"] = json!(true);
    context["seccompProfile"] = json!({"type": "RuntimeDefault"});
    let containers = pod["spec"]["containers"].as_array_mut();
    for container in containers.into_iter().flatten() {
        container["securityContext"] = json!({
            "allowPrivilegeEscalation": false,
            "capabilities": {"drop": ["ALL"]},
        });
    }
    Ok(pod)
}

#[tokio::test]
async fn every_example_is_accepted_at_the_level_that_its_template_states() -> Outcome {
    let (namespaces, _server) = namespaces("catalog-levels", &LEVELS).await?;
    let mut failed = Vec::new();
    for (template, document) in catalog()? {
        let stated = document["spec"]["podSecurityLevel"].as_str();
        let stated = stated.unwrap_or("restricted");
        let pod = example(&template)?;
        for (level, namespace) in LEVELS.iter().zip(&namespaces) {
            let answer = namespace.create_pod("dryRun=All", &pod).await?;
            if *level == stated {
                let granted = answer.granted();
                if !granted || status(&answer.body, &template)["verdict"] != "Injected" {
                    failed.push(format!("{template} in {level}: {}", answer.message()));
                }
                break;
            }
            // A level that is stated is needed: the next stricter one refuses the pod.
            if answer.granted() || !answer.message().contains("violates PodSecurity") {
                failed.push(format!("{template} needs no more than {level}"));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    Ok(())
}

/// The cases of the catalog that are about a pod in a plain namespace of the newest Kubernetes, as
/// `pillion template test` reads them; the others need an API server of their own.
fn cases() -> Outcome<Vec<Value>> {
    let output = Command::new(program())
        .args(["template", "test", "-o", "json"])
        .current_dir(root())
        .output()
        .during("run the cases of the catalog")?;
    let mut report: Value =
        serde_json::from_slice(&output.stdout).during("read the report of the cases")?;
    let Value::Array(mut cases) = report["cases"].take() else {
        return Err(Failure::new("the report has no cases"));
    };
    let elsewhere = ["kubernetes", "namespace", "parameters"];
    cases.retain(|case| {
        let given = &case["given"];
        given["manifest"]["kind"] == "Pod" && elsewhere.iter().all(|key| given.get(key).is_none())
    });
    Ok(cases)
}

#[tokio::test]
async fn the_pods_of_all_cases_are_accepted_or_refused_as_expected() -> Outcome {
    let (namespaces, _server) = namespaces("catalog-cases", &["privileged"]).await?;
    let mut failed = Vec::new();
    let cases = cases()?;
    for case in &cases {
        let pod = &case["given"]["manifest"];
        let answer = namespaces[0].create_pod("dryRun=All", pod).await?;
        if answer.granted() != (case["verdict"] != "Denied") {
            let (template, name) = (&case["template"], &case["case"]);
            let (verdict, message) = (&case["verdict"], answer.message());
            failed.push(format!("{template}/{name}: {verdict}, but {message}"));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(cases.len() > 600, "only {} cases were tried", cases.len());
    Ok(())
}
