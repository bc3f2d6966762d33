//! What the server writes to the cluster besides its answers: events, and the Lease among replicas.

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Event;
use serde_json::json;

use crate::end_to_end::pods::assert_has_pool;
use crate::end_to_end::scene::{Scene, asks_for_a_pool, pod};
use crate::support::definitions;
use crate::support::failure::Outcome;
use crate::support::namespace::{Namespace, SOON};
use crate::support::wait::wait_until;

/// A server in a scene, which is the replica of this name.
async fn scene(prefix: &str, home: &Namespace, replica: &str) -> Outcome<Scene> {
    let kubeconfig = home_kubeconfig().await?;
    let arguments = [
        "--watch-cluster",
        "--kubeconfig",
        &kubeconfig,
        "--own-namespace",
        &home.name,
        "--pod-name",
        replica,
    ];
    Scene::with_arguments(prefix, &arguments).await
}

async fn home_kubeconfig() -> Outcome<String> {
    let control_plane = crate::support::control_plane::ControlPlane::shared().await?;
    Ok(control_plane.kubeconfig().display().to_string())
}

/// A namespace that a server calls its own.
async fn home() -> Outcome<Namespace> {
    let control_plane = crate::support::control_plane::ControlPlane::shared().await?;
    let client = control_plane.client()?;
    definitions::ensure(&client).await?;
    Namespace::create(&client, "home", &[], &[]).await
}

/// The events of Pillion about an object of this kind.
async fn told(namespace: &Namespace, kind: &str) -> Result<Vec<Event>, String> {
    let events = namespace.events().await;
    let mut events = events.map_err(|failure| failure.to_string())?;
    events.retain(|event| {
        event.reporting_component.as_deref() == Some("pillion.dev/pillion")
            && event.involved_object.kind.as_deref() == Some(kind)
    });
    Ok(events)
}

#[tokio::test]
async fn every_pod_is_told_of_once_at_its_controller() -> Outcome {
    let scene = scene("events", &home().await?, "events-0").await?;
    let namespace = &scene.namespace;
    let dry = namespace
        .create_pod("dryRun=All", &pod("dry", &asks_for_a_pool()))
        .await?;
    assert_has_pool(&dry.body);
    let wrong = json!({"pillion.dev/inject": "nobody"});
    let refused = namespace.create_pod("", &pod("wrong", &wrong)).await?;
    assert!(!refused.granted(), "{refused:?}");
    let deployment = scene.deploy("orders", 3, &asks_for_a_pool()).await?;
    namespace.pods_of(&deployment, 3).await?;

    // The API server calls twice for each of the three: another plugin mounts the token.
    wait_until("events about three pods", SOON, async || {
        let events = told(namespace, "ReplicaSet").await?;
        let counts = events.iter().map(|event| {
            let series = event.series.as_ref().and_then(|series| series.count);
            series.unwrap_or(1)
        });
        let count: i32 = counts.sum();
        let note = events.first().and_then(|event| event.message.clone());
        assert!(count <= 3, "{events:?}");
        if count == 3
            && note
                .as_deref()
                .is_some_and(|note| note.contains("pgbouncer"))
        {
            return Ok(());
        }
        Err(format!("{count}: {note:?}"))
    })
    .await?;
    let about_pods = told(namespace, "Pod").await.unwrap_or_default();
    let about_pods: Vec<_> = about_pods
        .iter()
        .map(|event| {
            (
                event.involved_object.name.as_deref(),
                event.type_.as_deref(),
            )
        })
        .collect();
    assert_eq!(about_pods, [(Some("wrong"), Some("Warning"))]);
    let metrics = scene.server.metrics().await?;
    assert!(
        metrics.contains("pillion_events_total{result=\"written\"}"),
        "{metrics}"
    );
    Ok(())
}

#[tokio::test]
async fn a_replica_that_ends_hands_the_lease_over() -> Outcome {
    let home = home().await?;
    let holder = async || {
        let lease = home.api::<Lease>().get("pillion").await;
        let lease = lease.map_err(|error| error.to_string())?;
        let holder = lease.spec.and_then(|spec| spec.holder_identity);
        holder
            .filter(|holder| !holder.is_empty())
            .ok_or_else(|| "nobody holds the lease".to_owned())
    };
    let first = scene("lease", &home, "replica-0").await?;
    let held = wait_until("a holder of the lease", SOON, holder).await?;
    assert_eq!(held, "replica-0");
    let _second = scene("lease", &home, "replica-1").await?;
    first.server.stop().await?;
    wait_until("the other replica to take the lease", SOON, async || {
        let holder = holder().await?;
        if holder == "replica-1" {
            return Ok(());
        }
        Err(holder)
    })
    .await
}
