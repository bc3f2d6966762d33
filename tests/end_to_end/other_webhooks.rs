//! Pillion among other webhooks, called before and after it: a mesh, a mirror of images, a setter of
//! resources. Nothing is refused that its user did not write, no secret reaches a foreign container,
//! and a mandatory helper stays what its template says.

mod webhook;

use serde_json::{Value, json};

use crate::end_to_end::pods::{container, env, list, names};
use crate::end_to_end::scene::{pod, serve_places};
use crate::support::control_plane::ControlPlane;
use crate::support::failure::Outcome;
use crate::support::namespace::Namespace;
use webhook::{Change, OtherWebhook};

const IMAGE: &str = "registry.example.com/vault:1";

/// A helper that hands secrets to the app.
fn template(requirement: &str) -> Value {
    json!({
        "apiVersion": "pillion.dev/v1alpha1",
        "kind": "ClusterInjectionTemplate",
        "metadata": {"name": "secrets"},
        "spec": {
            "requirement": requirement,
            "volumes": [{"name": "files", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}}],
            "sidecars": [{
                "name": "secrets",
                "image": IMAGE,
                "command": ["/secrets"],
                "resources": {"limits": {"memory": "16Mi"}, "requests": {"memory": "16Mi"}},
                "volumeMounts": [{"name": "files", "mountPath": "/files"}],
            }],
            "app": {
                "env": [{"name": "SECRETS", "value": "/files"}],
                "volumeMounts": [{"name": "files", "mountPath": "/files", "readOnly": true}],
            },
        },
    })
}

fn containers(pod: &mut Value) -> impl Iterator<Item = &mut Value> {
    let spec = pod["spec"].as_object_mut().into_iter().flatten();
    spec.filter(|(list, _)| ["containers", "initContainers"].contains(&list.as_str()))
        .filter_map(|(_, list)| list.as_array_mut())
        .flatten()
}

/// As a mesh: a proxy in front of all containers, and a step before them.
fn mesh(pod: &mut Value) {
    if containers(pod).any(|container| container["name"] == "istio-proxy") {
        return;
    }
    let proxy = json!({"name": "istio-proxy", "image": "docker.io/istio/proxyv2:1.27.0"});
    if let Some(all) = pod["spec"]["containers"].as_array_mut() {
        all.insert(0, proxy);
    }
    let step = json!({"name": "istio-init", "image": "docker.io/istio/proxyv2:1.27.0"});
    match pod["spec"]["initContainers"].as_array_mut() {
        Some(all) => all.insert(0, step),
        None => pod["spec"]["initContainers"] = json!([step]),
    }
}

/// As a mirror: every image comes from one registry.
fn mirror(pod: &mut Value) {
    for container in containers(pod) {
        let image = container["image"].as_str().unwrap_or_default().to_owned();
        if !image.starts_with(MIRROR) {
            container["image"] = json!(format!("{MIRROR}{image}"));
        }
    }
}

const MIRROR: &str = "mirror.example.com/";

/// As a setter of resources: every container asks for so much, whatever it asked for.
fn resources(pod: &mut Value) {
    for container in containers(pod) {
        container["resources"]["requests"] = json!({"cpu": "123m", "memory": "16Mi"});
    }
}

const OTHERS: [(&str, Change); 3] = [("mesh", mesh), ("mirror", mirror), ("resources", resources)];

/// Creates a pod beside each of the other webhooks, called before Pillion and after it.
async fn beside_each(requirement: &str, check: impl Fn(&str, &Value, &[String])) -> Outcome {
    let client = ControlPlane::shared().await?.client()?;
    let mut places = Vec::new();
    let mandatory = [("pillion.dev/mandatory", "")];
    let labels = if requirement == "Mandatory" {
        &mandatory[..]
    } else {
        &[]
    };
    for order in ["a", "z"] {
        for (other, change) in OTHERS {
            let prefix = format!("{order}-{other}");
            let namespace = Namespace::create(&client, &prefix, labels, &[]).await?;
            places.push((other, order, change, namespace));
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let manifests: Vec<_> = places
        .iter()
        .map(|(.., namespace)| {
            let labels: Value = labels
                .iter()
                .map(|(key, value)| ((*key).to_owned(), json!(value)))
                .collect();
            let metadata = json!({"name": namespace.name, "labels": labels});
            let manifest = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata});
            (namespace, manifest)
        })
        .collect();
    let template = [("secrets", template(requirement))];
    let _server = serve_places(folder.path(), template, &manifests).await?;
    for (other, order, change, namespace) in &places {
        let name = format!("{order}-{}", namespace.name);
        let _other = OtherWebhook::install(&name, *change, namespace).await?;
        let annotations = match requirement {
            "Mandatory" => json!({}),
            _ => json!({"pillion.dev/inject": "secrets"}),
        };
        let answer = namespace
            .create_pod("", &pod("orders", &annotations))
            .await?;
        let told = format!("{requirement}, {other} called {order}");
        assert!(answer.granted(), "{told}: {answer:?}");
        check(&told, &answer.body, &answer.warnings);
    }
    Ok(())
}

/// The app has its secrets, once, and nobody else has them.
fn assert_secrets(told: &str, pod: &Value) {
    let app = container(pod, "app");
    assert_eq!(env(app, "SECRETS"), Some("/files"), "{told}: {pod:#}");
    let foreign = ["istio-proxy", "istio-init"];
    for list_name in ["/spec/containers", "/spec/initContainers"] {
        for container in list(pod, list_name) {
            let is_foreign = foreign.iter().any(|name| container["name"] == *name);
            let is_reached = container.to_string().contains("/files");
            assert!(!(is_foreign && is_reached), "{told}: {container}");
        }
    }
    let helper = container(pod, "secrets");
    assert_eq!(helper["command"], json!(["/secrets"]), "{told}");
    let volumes = names(pod, "/spec/volumes");
    let ours = volumes.iter().filter(|name| **name == "secrets-files");
    assert_eq!(ours.count(), 1, "{told}: {volumes:?}");
}

#[tokio::test]
async fn optional_helpers_live_with_other_webhooks() -> Outcome {
    beside_each("Optional", |told, pod, _| {
        assert_secrets(told, pod);
        let helper = container(pod, "secrets");
        // What others change in it is theirs.
        if told.contains("mirror") {
            assert_eq!(helper["image"], format!("{MIRROR}{IMAGE}"), "{told}");
        }
        if told.contains("resources") {
            assert_eq!(helper["resources"]["requests"]["cpu"], "123m", "{told}");
        }
        if told.contains("mesh") {
            assert!(
                names(pod, "/spec/containers").contains(&"istio-proxy"),
                "{told}"
            );
        }
    })
    .await
}

#[tokio::test]
async fn mandatory_helpers_stay_what_they_are_among_other_webhooks() -> Outcome {
    beside_each("Mandatory", |told, pod, warnings| {
        assert_secrets(told, pod);
        let helper = container(pod, "secrets");
        // Nobody is called a third time: who is called after Pillion has the last word.
        if !told.ends_with("mirror called z") {
            assert_eq!(helper["image"], IMAGE, "{told}");
        }
        assert_eq!(helper["resources"]["limits"]["memory"], "16Mi", "{told}");
        if told.contains("mirror") {
            let is_told = warnings
                .iter()
                .any(|warning| warning.contains("MandatoryReverted"));
            assert!(is_told, "{told}: {warnings:?}");
            assert!(
                container(pod, "app")["image"]
                    .as_str()
                    .unwrap_or_default()
                    .starts_with(MIRROR)
            );
        }
        // What the template leaves unset may be set.
        if told.contains("resources") {
            assert_eq!(helper["resources"]["requests"]["cpu"], "123m", "{told}");
        }
    })
    .await
}
