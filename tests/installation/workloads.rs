//! What people do with it: a Deployment whose pods come up injected, and run.

use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use serde_json::json;

use crate::installation::churn::{HELPER, has_helper};
use crate::installation::installed::Installation;
use crate::installation::objects::FIRST_IMAGE;
use crate::support::failure::{Failure, Outcome};
use crate::support::namespace::Namespace;
use crate::support::wait::wait_until;

/// A pod starts in seconds.
const SOON: Duration = Duration::from_mins(2);

/// A Deployment in an enabled namespace: its pods have the helper, and all of it runs.
pub(crate) async fn come_up_injected_and_run(
    installation: &Installation,
    namespace: &Namespace,
) -> Outcome {
    let deployment: Deployment = namespace
        .create_object(json!({
            "metadata": {"name": "orders"},
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": {"app": "orders"}},
                "template": {
                    "metadata": {"labels": {"app": "orders"}},
                    "spec": {"containers": [{
                        "name": "app",
                        "image": FIRST_IMAGE,
                        "command": ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done"],
                    }]},
                },
            },
        }))
        .await?;
    let pods = namespace.api::<k8s_openapi::api::core::v1::Pod>();
    let waited = wait_until("injected pods that run", SOON, async || {
        let found = namespace.pods_of(&deployment, 2).await;
        let found = found.map_err(|failure| failure.to_string())?;
        for pod in found {
            let name = pod.metadata.name.clone().unwrap_or_default();
            let pod = pods.get(&name).await.map_err(|error| error.to_string())?;
            let plain = serde_json::to_value(&pod).map_err(|error| error.to_string())?;
            if !has_helper(&plain) {
                return Ok(Err(Failure::new(format!("{name} has no {HELPER}"))));
            }
            let status = pod.status.unwrap_or_default();
            let all = status.container_statuses.iter().flatten();
            let mut all = all.chain(status.init_container_statuses.iter().flatten());
            if status.phase.as_deref() != Some("Running") || !all.all(|one| one.ready) {
                return Err(format!("{name}: {status:?}"));
            }
        }
        Ok(Ok(()))
    });
    match waited.await.flatten() {
        Ok(()) => told_by_an_event(namespace).await,
        Err(failure) => Err(installation.told(failure).await),
    }
}

/// The event at the pods' controller, for those who look with `kubectl describe`.
async fn told_by_an_event(namespace: &Namespace) -> Outcome {
    wait_until("an event of the verdict", SOON, async || {
        let events = namespace.events().await;
        let events = events.map_err(|failure| failure.to_string())?;
        let told = events.iter().find(|event| {
            event.reason.as_deref() == Some("Injected")
                && event.involved_object.kind.as_deref() == Some("ReplicaSet")
        });
        let message = told.and_then(|event| event.message.clone());
        match message {
            Some(message) if message.contains(HELPER) => Ok(()),
            _ => Err(format!("{message:?}")),
        }
    })
    .await
}
