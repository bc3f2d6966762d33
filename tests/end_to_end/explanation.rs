//! `pillion explain` against a real API server: the live gates, live pods, and what the caller may
//! not read.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use k8s_openapi::api::core::v1::{Pod, Secret};
use serde_json::{Value, json};

use crate::end_to_end::scene::{Scene, app, asks_for_a_pool, pod, program};
use crate::support::control_plane::ControlPlane;
use crate::support::failure::{During, Failure, Outcome};

/// Runs the program with a kubeconfig.
fn pillion(kubeconfig: &Path, arguments: &[&str]) -> Outcome<Output> {
    let output = Command::new(program())
        .args(arguments)
        .arg(format!("--kubeconfig={}", kubeconfig.display()))
        .env("NO_COLOR", "1")
        .output();
    output.during("run pillion")
}

/// The first explanation of the JSON that was printed.
fn told(output: &Output) -> Outcome<Value> {
    let list: Value = serde_json::from_slice(&output.stdout).map_err(|error| {
        let said = String::from_utf8_lossy(&output.stderr);
        Failure::new(format!("{error}: {said}"))
    })?;
    let mut item = list["items"][0].clone();
    item["notes"] = list["notes"].clone();
    Ok(item)
}

/// The entries that are said to be called.
fn called(item: &Value) -> Vec<&str> {
    let entries = item["gates"]["entries"].as_array().into_iter().flatten();
    entries
        .filter(|entry| entry["call"] == "Called")
        .filter_map(|entry| entry["entry"].as_str())
        .collect()
}

#[tokio::test]
async fn a_deployment_in_a_namespace_that_is_not_enabled_names_the_gate() -> Outcome {
    let scene = Scene::open("explain-gate").await?;
    scene.deploy("bare", 0, &json!({})).await?;
    let kubeconfig = scene.control_plane.kubeconfig();
    let namespace = format!("--namespace={}", scene.namespace.name);
    let arguments = ["explain", "deployment/bare", &namespace, "-o", "json"];
    let output = pillion(&kubeconfig, &arguments)?;
    assert_eq!(output.status.code(), Some(0));
    let item = told(&output)?;
    assert_eq!(item["gates"]["call"], "NotCalled", "{item:#}");
    assert_eq!(item["reason"], "NotRequested", "{item:#}");
    let stop = &item["stoppedBy"];
    assert_eq!(stop["step"], "Gates", "{stop:#}");
    let what = stop["what"].as_str().unwrap();
    assert!(
        what.starts_with("namespaceSelector of the webhook `namespace.pillion.dev`"),
        "{what}"
    );
    let why = stop["why"].as_str().unwrap();
    assert!(
        why.contains("the namespace has no label pillion.dev/injection"),
        "{why}"
    );
    assert!(
        stop["change"]
            .as_str()
            .unwrap()
            .contains("pillion.dev/injection=enabled")
    );

    let text = pillion(&kubeconfig, &arguments[..3])?;
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(
        text.contains("Not injected: the API server does not call Pillion"),
        "{text}"
    );
    Ok(())
}

#[tokio::test]
async fn a_live_injected_pod_tells_what_was_added_and_why() -> Outcome {
    let scene = Scene::open("explain-pod").await?;
    let manifest = pod("orders", &asks_for_a_pool());
    let answer = scene.namespace.create_pod("", &manifest).await?;
    assert!(answer.granted(), "{answer:?}");
    let kubeconfig = scene.control_plane.kubeconfig();
    let namespace = format!("--namespace={}", scene.namespace.name);
    let arguments = ["explain", "pod/orders", &namespace, "-o", "json"];
    let item = told(&pillion(&kubeconfig, &arguments)?)?;
    assert_eq!(item["reason"], "AlreadyInjected", "{item:#}");
    assert_eq!(called(&item), ["annotation.pillion.dev"], "{item:#}");
    assert!(item.get("stoppedBy").is_none(), "{item:#}");
    assert_eq!(item["patch"], json!([]), "{item:#}");
    let template = &item["templates"][0];
    assert_eq!(template["name"], "pgbouncer");
    assert_eq!(template["askedForBy"], json!(["PodAnnotation"]));
    let parameters = template["parameters"].as_array().unwrap();
    let host = parameters.iter().find(|one| one["name"] == "host").unwrap();
    assert_eq!(host["value"], "db.example.com");
    assert_eq!(host["from"][0]["place"], "PodAnnotation");
    let fields = template["fields"].as_array().unwrap();
    let image = fields
        .iter()
        .find(|field| field["path"] == "spec.initContainers[pgbouncer].image");
    assert!(
        image.is_some_and(|field| field["line"].is_u64()),
        "{item:#}"
    );
    Ok(())
}

#[tokio::test]
async fn a_secret_that_a_helper_needs_is_looked_up() -> Outcome {
    let scene = Scene::open("explain-secret").await?;
    let kubeconfig = scene.control_plane.kubeconfig();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pod.json");
    let mut annotations = asks_for_a_pool();
    annotations["pgbouncer.pillion.dev/secret"] = json!("users");
    fs::write(&file, pod("orders", &annotations).to_string()).during("write a manifest")?;
    let file = file.display().to_string();
    let namespace = format!("--namespace={}", scene.namespace.name);
    let explain = ["explain", &file, &namespace, "-o", "json"];
    let inject = ["inject", "-f", &file, &namespace, "--check-references"];

    let item = told(&pillion(&kubeconfig, &explain)?)?;
    assert_eq!(item["references"][0]["exists"], "Missing", "{item:#}");
    assert_eq!(item["references"][0]["name"], "users", "{item:#}");
    let codes = codes(&item);
    assert!(codes.contains(&"SecretNotFound"), "{item:#}");
    let injected = pillion(&kubeconfig, &inject)?;
    let report = String::from_utf8_lossy(&injected.stderr).into_owned();
    assert!(report.contains("SecretNotFound"), "{report}");

    let secret = json!({"metadata": {"name": "users"}, "stringData": {"userlist.txt": "x"}});
    scene.namespace.create_object::<Secret>(secret).await?;
    let item = told(&pillion(&kubeconfig, &explain)?)?;
    assert_eq!(item["references"][0]["exists"], "Found", "{item:#}");
    assert!(!self::codes(&item).contains(&"SecretNotFound"), "{item:#}");
    let injected = pillion(&kubeconfig, &inject)?;
    let report = String::from_utf8_lossy(&injected.stderr).into_owned();
    assert!(!report.contains("SecretNotFound"), "{report}");
    Ok(())
}

/// The codes of the first template's findings.
fn codes(item: &Value) -> Vec<&str> {
    let findings = item["templates"][0]["findings"].as_array();
    let findings = findings.into_iter().flatten();
    findings.filter_map(|one| one["code"].as_str()).collect()
}

#[tokio::test]
async fn what_the_caller_may_not_read_is_said_and_is_no_failure() -> Outcome {
    let scene = Scene::open("explain-forbidden").await?;
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = powerless(scene.control_plane, folder.path())?;
    let file = folder.path().join("pod.json");
    let mut annotations = asks_for_a_pool();
    annotations["pgbouncer.pillion.dev/secret"] = json!("users");
    fs::write(&file, pod("orders", &annotations).to_string()).during("write a manifest")?;
    let namespace = format!("--namespace={}", scene.namespace.name);
    let file = file.display().to_string();
    let output = pillion(&kubeconfig, &["explain", &file, &namespace, "-o", "json"])?;
    assert_eq!(output.status.code(), Some(0));
    let item = told(&output)?;
    assert_eq!(item["gates"]["call"], "Unknown", "{item:#}");
    let problem = item["gates"]["problem"].as_str().unwrap();
    assert!(problem.contains("cannot list resource"), "{problem}");
    assert_eq!(item["references"][0]["exists"], "Unknown", "{item:#}");
    let notes = item["notes"].to_string();
    assert!(
        notes.contains("namespaces") && notes.contains("secrets") && notes.contains("--config"),
        "{notes}"
    );
    assert_eq!(item["reason"], "Applied", "{item:#}");

    // The object itself must be readable.
    scene
        .namespace
        .create_object::<Pod>(json!({
            "metadata": {"name": "plain"}, "spec": {"containers": [app()]},
        }))
        .await?;
    let output = pillion(&kubeconfig, &["explain", "pod/plain", &namespace])?;
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        error.contains("failed to read Pod `plain`") && error.contains("forbidden"),
        "{error}"
    );
    Ok(())
}

/// The kubeconfig of somebody without any right.
fn powerless(control_plane: &ControlPlane, folder: &Path) -> Outcome<std::path::PathBuf> {
    let text = fs::read_to_string(control_plane.kubeconfig()).during("read the kubeconfig")?;
    let mut kubeconfig: Value = serde_json::from_str(&text).during("read the kubeconfig")?;
    kubeconfig["users"][0]["user"]["as"] = json!("nobody");
    let path = folder.join("kubeconfig");
    fs::write(&path, kubeconfig.to_string()).during("write a kubeconfig")?;
    Ok(path)
}
