//! The ground under the end-to-end tests: a control plane starts, its controllers work,
//! and nothing of it outlives the test.

#[path = "support/harness.rs"]
#[allow(
    dead_code,
    reason = "each test binary uses its own part of the harness"
)]
mod support;

use k8s_openapi::api::apps::v1::Deployment;
use kube::ResourceExt;
use serde_json::json;
use support::control_plane::ControlPlane;
use support::failure::Outcome;
use support::namespace::Namespace;

#[tokio::test]
async fn a_deployment_gets_its_pod() -> Outcome {
    let control_plane = ControlPlane::shared().await?;
    let client = control_plane.client()?;
    let namespace = Namespace::create(&client, "plain", &[("team", "a")], &[]).await?;
    let deployment: Deployment = namespace
        .create_object(json!({
            "metadata": {"name": "app"},
            "spec": {
                "selector": {"matchLabels": {"app": "app"}},
                "template": {
                    "metadata": {"labels": {"app": "app"}},
                    "spec": {"containers": [{"name": "app", "image": "example.com/app:1"}]},
                },
            },
        }))
        .await?;
    let pods = namespace.pods_of(&deployment, 1).await?;
    let pod = pods.first().unwrap();
    assert!(pod.name_any().starts_with("app-"));
    let spec = pod.spec.as_ref().unwrap();
    let mounts = spec.containers[0].volume_mounts.as_ref().unwrap();
    assert_eq!(
        mounts[0].mount_path, "/var/run/secrets/kubernetes.io/serviceaccount",
        "the ServiceAccount plugin is on"
    );
    Ok(())
}
