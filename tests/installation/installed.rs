//! `helm install`, and a pod that asks comes up injected and runs.

use std::path::PathBuf;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Pod, Secret};
use serde_json::{Value, json};

use crate::programs::{CHART, NAME, NAMESPACE, Programs};
use crate::support::certificates::Authority;
use crate::support::failure::{Failure, Outcome};
use crate::support::namespace::Namespace;
use crate::support::node::Cluster;
use crate::support::raw;
use crate::support::wait::wait_until;
use crate::support::webhook::SERVER_NAME;

/// The variable that names the image's archive.
const IMAGE: &str = "PILLION_IMAGE";

/// Pods start in seconds; busy machines get their time.
const SOON: Duration = Duration::from_secs(150);

/// The API server's own Service: something that surely accepts connections.
const API_SERVER: &str = "10.97.0.1:443";

const RESTRICTED: [(&str, &str); 1] = [("pod-security.kubernetes.io/enforce", "restricted")];

fn image() -> Outcome<PathBuf> {
    let path = std::env::var_os(IMAGE).map(PathBuf::from);
    path.filter(|path| path.is_file()).ok_or_else(|| {
        Failure::new(format!(
            "{IMAGE} names no archive: run `make test-node`, or set it to what \
             `deploy/image/build.sh --profile dev target/pillion-dev.tar` prints"
        ))
    })
}

#[tokio::test]
#[ignore = "needs root and a node: make test-node"]
async fn a_release_serves_and_leaves_nothing_in_the_way() -> Outcome {
    let images = ["registry.k8s.io-pause", "docker.io-library-busybox"];
    let cluster = Cluster::start_with_images(&images, &[image()?]).await?;
    let client = cluster.client()?;
    let programs = Programs::of(cluster.kubeconfig())?;
    let own = Namespace::named(&client, NAMESPACE, &RESTRICTED, &[]).await?;
    let values = certificate(&own, &programs).await?;
    programs.helm(&[
        "install",
        NAME,
        CHART,
        "--namespace",
        NAMESPACE,
        "--values",
        &values,
        "--wait",
        "--timeout",
        "3m",
    ])?;
    let deployment = programs.get(&["deployment", NAME])?;
    assert_eq!(deployment["status"]["readyReplicas"], 2);
    holder(&programs).await?;

    let labels = [RESTRICTED[0], ("pillion.dev/injection", "enabled")];
    let shop = Namespace::named(&client, "shop", &labels, &[]).await?;
    called(&shop).await?;
    let pod: Pod = shop.create_object(asking("orders")).await?;
    let initial = pod
        .spec
        .and_then(|spec| spec.init_containers)
        .unwrap_or_default();
    let names: Vec<_> = initial
        .iter()
        .map(|container| container.name.as_str())
        .collect();
    assert_eq!(names, ["wait-for"]);
    running(&shop, "orders").await?;

    programs.helm(&[
        "uninstall",
        NAME,
        "--namespace",
        NAMESPACE,
        "--wait",
        "--timeout",
        "2m",
    ])?;
    let bare: Pod = shop.create_object(asking("bare")).await?;
    assert!(bare.spec.and_then(|spec| spec.init_containers).is_none());
    running(&shop, "bare").await
}

/// Waits until a replica holds the Lease that the chart made: the chart's roles are enough for it.
async fn holder(programs: &Programs) -> Outcome {
    wait_until("a holder of the Lease", SOON, async || {
        let lease = programs.get(&["lease", NAME]);
        let lease = lease.map_err(|failure| failure.to_string())?;
        let holder = lease["spec"]["holderIdentity"].as_str();
        if holder.is_some_and(|holder| holder.starts_with("pillion-")) {
            return Ok(());
        }
        Err(lease.to_string())
    })
    .await
}

/// Puts a certificate into a Secret, as an operator of a company's authority would, and writes the
/// values that name it.
async fn certificate(own: &Namespace, programs: &Programs) -> Outcome<String> {
    let authority = Authority::new("pillion-test-webhook")?;
    let serving = authority.serving(&[SERVER_NAME])?;
    let secret = json!({
        "metadata": {"name": "webhook-certificate"},
        "type": "kubernetes.io/tls",
        "stringData": {"tls.crt": serving.certificate, "tls.key": serving.key},
    });
    own.create_object::<Secret>(secret).await?;
    let values = json!({"certificates": {"mode": "files", "files": {
        "secretName": "webhook-certificate",
        "caBundle": authority.pem(),
    }}});
    programs.file("values.json", &values.to_string())
}

/// Waits until the API server calls Pillion: a pod that asks for what does not exist is refused.
async fn called(namespace: &Namespace) -> Outcome {
    let mut asks = asking("is-the-webhook-called");
    asks["metadata"]["annotations"] = json!({"pillion.dev/inject": "no-such-template"});
    wait_until("the first call", SOON, async || {
        let answer = namespace.create_pod("dryRun=All", &asks).await;
        let answer = answer.map_err(|failure| failure.to_string())?;
        if answer.message().contains("TemplateNotFound") {
            return Ok(());
        }
        Err(format!("{} {}", answer.status, answer.message()))
    })
    .await
}

fn asking(name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "annotations": {
            "pillion.dev/inject": "wait-for",
            "wait-for.pillion.dev/targets": API_SERVER,
        }},
        "spec": {
            "securityContext": {
                "runAsNonRoot": true,
                "runAsUser": 1000,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [{
                "name": "app",
                "image": "docker.io/library/busybox:1.37.0",
                "command": ["sleep", "3600"],
                "securityContext": {
                    "allowPrivilegeEscalation": false,
                    "capabilities": {"drop": ["ALL"]},
                },
            }],
        },
    })
}

async fn running(namespace: &Namespace, pod: &str) -> Outcome {
    let path = format!("/api/v1/namespaces/{}/pods/{pod}", namespace.name);
    wait_until(&format!("pod {pod} to run"), SOON, async || {
        let answer = raw::get(&namespace.client, &path).await;
        let answer = answer.map_err(|failure| failure.to_string())?;
        let status = &answer.body["status"];
        if status["phase"] == "Running" {
            return Ok(());
        }
        Err(status.to_string())
    })
    .await
}
