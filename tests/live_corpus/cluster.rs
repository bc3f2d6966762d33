//! What the pods of the corpus need in a cluster: their namespaces, and what they name.

use std::collections::BTreeSet;

use kube::Client;
use serde_json::{Value, json};

use crate::corpus::case::Case;
use crate::live_corpus::judge::{TRY, pods_of};
use crate::support::control_plane::ControlPlane;
use crate::support::failure::{Failure, Outcome};
use crate::support::namespace::Namespace;
use crate::support::raw::{self, Answer};

/// The control plane, prepared for every case.
pub(crate) struct Cluster {
    pub(crate) control_plane: ControlPlane,
    /// Where pods come without the webhook.
    pub(crate) apart: Namespace,
}

impl Cluster {
    /// Makes namespaces, service accounts, priority and runtime classes that pods name.
    pub(crate) async fn prepare(control_plane: ControlPlane, cases: &[Case]) -> Outcome<Self> {
        let client = control_plane.client()?;
        let apart = Namespace::create(&client, "without-webhook", &[], &[]).await?;
        let pods: Vec<_> = cases
            .iter()
            .flat_map(|case| pods_of(case, &case.input()))
            .collect();
        let names: BTreeSet<_> = pods.iter().map(|found| found.namespace.as_str()).collect();
        for name in names {
            Namespace::ensure(&client, name).await?;
        }
        for found in &pods {
            let spec = &found.pod["spec"];
            for namespace in [&found.namespace, &apart.name] {
                if let Some(account) = spec["serviceAccountName"].as_str() {
                    service_account(&client, namespace, account).await?;
                }
            }
            if let Some(class) = spec["priorityClassName"].as_str() {
                priority_class(&client, class).await?;
            }
            if let Some(class) = spec["runtimeClassName"].as_str() {
                runtime_class(&client, class).await?;
            }
        }
        Ok(Self {
            control_plane,
            apart,
        })
    }

    /// Tries the creation of a pod without the webhook.
    pub(crate) async fn create_apart(&self, pod: &Value) -> Outcome<Answer> {
        let mut pod = pod.clone();
        pod["metadata"]["namespace"] = self.apart.name.clone().into();
        self.apart.create_pod(TRY, &pod).await
    }
}

async fn service_account(client: &Client, namespace: &str, name: &str) -> Outcome {
    let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts");
    let object = json!({
        "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name},
    });
    ensure(client, &path, &object).await
}

async fn priority_class(client: &Client, name: &str) -> Outcome {
    // The system's own are there from the start.
    if name.starts_with("system-") {
        return Ok(());
    }
    let object = json!({
        "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass",
        "metadata": {"name": name}, "value": 1000,
    });
    ensure(
        client,
        "/apis/scheduling.k8s.io/v1/priorityclasses",
        &object,
    )
    .await
}

async fn runtime_class(client: &Client, name: &str) -> Outcome {
    let object = json!({
        "apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass",
        "metadata": {"name": name}, "handler": "runc",
    });
    ensure(client, "/apis/node.k8s.io/v1/runtimeclasses", &object).await
}

/// Creates an object that may be there already.
async fn ensure(client: &Client, path: &str, object: &Value) -> Outcome {
    let answer = raw::post(client, path, object).await?;
    if answer.granted() || answer.status == 409 {
        return Ok(());
    }
    let message = answer.message();
    Err(Failure::new(format!("failed to POST {path}: {message}")))
}
