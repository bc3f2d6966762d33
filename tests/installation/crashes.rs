//! What nobody does on purpose: a replica is killed, the API server starts anew. Calls in flight can
//! be lost then; how many is bounded and told, and still no pod that asked comes out bare.

use std::time::Duration;

use serde_json::json;

use crate::installation::churn::{Churn, has_helper};
use crate::installation::installed::{Installation, ROLLOUT};
use crate::support::failure::{Failure, Outcome};
use crate::support::namespace::Namespace;
use crate::support::wait::wait_until;

/// For how long creations may fail when a replica is killed: those in flight, and those that meet
/// its address until the kubelet and the API server know that it is gone.
const LOST: Duration = Duration::from_secs(10);

/// All of it in turn.
pub(crate) async fn all(
    installation: &Installation,
    churn: &Churn,
    enabled: &Namespace,
) -> Outcome {
    for time in 1..=2 {
        let counts = churn
            .during(&format!("replica killed ({time})"), kill(installation))
            .await?;
        let first = counts.refused.first();
        assert!(counts.refused_for() < LOST, "first: {first:?}");
    }
    churn
        .during(
            "API server restarted",
            installation.cluster.restart_api_server(),
        )
        .await?;
    installation.settled().await?;
    churn
        .undisturbed("after the restart", converges(enabled))
        .await
}

/// Kills the process of one replica, and waits until it is back.
async fn kill(installation: &Installation) -> Outcome {
    let pods = installation.pods().await?;
    let status = pods.first().and_then(|pod| pod.status.as_ref());
    let container = status.and_then(|status| status.container_statuses.as_ref()?.first());
    let container = container.ok_or_else(|| Failure::new("no replica to kill"))?;
    let (id, restarts) = (container.container_id.clone(), container.restart_count);
    let name = pods[0].metadata.name.clone();
    installation
        .cluster
        .kill_container(&id.unwrap_or_default())?;
    wait_until(
        "the killed replica to be started again",
        ROLLOUT,
        async || {
            let pods = installation
                .pods()
                .await
                .map_err(|failure| failure.to_string())?;
            let pod = pods.iter().find(|pod| pod.metadata.name == name);
            let status =
                pod.and_then(|pod| pod.status.as_ref()?.container_statuses.as_ref()?.first());
            let is_back =
                status.is_some_and(|status| status.restart_count > restarts && status.ready);
            is_back.then_some(()).ok_or_else(|| format!("{status:?}"))
        },
    )
    .await?;
    installation.settled().await
}

/// Controllers try again by themselves: a Deployment gets all its pods, and all are injected.
async fn converges(namespace: &Namespace) -> Outcome {
    let deployment = namespace
        .create_object(json!({
            "metadata": {"name": "later"},
            "spec": {
                "replicas": 3,
                "selector": {"matchLabels": {"app": "later"}},
                "template": {
                    "metadata": {"labels": {"app": "later"}},
                    "spec": {
                        "schedulerName": "nobody",
                        "containers": [{"name": "app", "image": "registry.example.com/app:1"}],
                    },
                },
            },
        }))
        .await?;
    wait_until(
        "all pods of a Deployment, injected",
        Duration::from_mins(2),
        async || {
            let pods = namespace.pods_of(&deployment, 3).await;
            for pod in pods.map_err(|failure| failure.to_string())? {
                let plain = serde_json::to_value(&pod).map_err(|error| error.to_string())?;
                if !has_helper(&plain) {
                    return Err(format!("bare: {:?}", pod.metadata.name));
                }
            }
            Ok(())
        },
    )
    .await
}
