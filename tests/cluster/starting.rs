//! Before the app: native sidecars that must be ready, init steps that must end.

use k8s_openapi::api::core::v1::Pod;
use serde_json::json;

use crate::cluster::manifests::{app, pod};
use crate::cluster::scene::{Scene, statuses};
use crate::support::failure::Outcome;

/// When each container of a pod started, in the order of the containers.
fn started(pod: &Pod) -> Vec<(String, String)> {
    let status = pod.status.clone().unwrap_or_default();
    let time = |state: &k8s_openapi::api::core::v1::ContainerState| {
        let running = state
            .running
            .as_ref()
            .and_then(|state| state.started_at.clone());
        let ended = state
            .terminated
            .as_ref()
            .and_then(|state| state.started_at.clone());
        serde_json::to_string(&running.or(ended)?).ok()
    };
    statuses(&status)
        .filter_map(|one| Some((one.name.clone(), time(one.state.as_ref()?)?)))
        .collect()
}

/// The pool takes three seconds before it listens. The app finds it open at its first try, which
/// it would not if both were started together.
#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn the_app_starts_only_after_its_native_sidecar_is_ready() -> Outcome {
    let scene = Scene::open("ready-first").await?;
    let asks = json!({
        "pillion.dev/inject": "pgbouncer",
        "pgbouncer.pillion.dev/host": "127.0.0.1",
    });
    let slow = json!({"pgbouncer.pillion.dev/image": "localhost/tests/slow-pool:1"});
    let orders = pod(
        "orders",
        &asks,
        &app(r#"nc -z -w 1 "$DATABASE_HOST" "$DATABASE_PORT""#),
    );
    let mut injected = scene.inject(&slow, &orders)?;
    // The server knows nothing of the parameter of the file, and would apply the template afresh.
    injected["metadata"]["labels"]["pillion.dev/inject"] = json!("false");
    scene.create(&injected).await?;
    scene.phase("orders", "Succeeded").await?;
    let log = scene.log("orders", "pgbouncer").await?;
    assert!(log.contains("listens after 3 seconds"), "{log}");
    Ok(())
}

#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn an_init_step_waits_and_the_app_follows() -> Outcome {
    let scene = Scene::open("waits").await?;
    // A Service has its address before anything answers there.
    scene
        .create(&json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "cache"},
            "spec": {"selector": {"app": "cache"}, "ports": [{"port": 6379}]},
        }))
        .await?;
    let service: k8s_openapi::api::core::v1::Service =
        crate::support::failure::During::during(scene.namespace.api().get("cache").await, "get")?;
    let address = service
        .spec
        .unwrap_or_default()
        .cluster_ip
        .unwrap_or_default();
    let asks = json!({
        "pillion.dev/inject": "wait-for, log-shipper",
        "wait-for.pillion.dev/targets": format!("{address}:6379"),
        "wait-for.pillion.dev/timeout": "300",
    });
    let orders = pod("orders", &asks, &app("echo the app runs; exec sleep 3600"));
    scene.create(&orders).await?;
    scene
        .log_has("orders", "wait-for", &format!("waiting for {address}:6379"))
        .await?;
    let waiting = scene
        .until("orders", "its state", |pod| Ok(started(pod)))
        .await?;
    let names: Vec<_> = waiting.iter().map(|(name, _)| name.as_str()).collect();
    assert!(!names.contains(&"app"), "{waiting:?}");

    let mut cache = pod(
        "cache",
        &json!({}),
        &app("exec socat TCP-LISTEN:6379,fork,reuseaddr /dev/null"),
    );
    cache["metadata"]["labels"] = json!({"app": "cache"});
    scene.create(&cache).await?;
    scene.ready("orders").await?;
    let log = scene.log("orders", "wait-for").await?;
    assert!(
        log.ends_with(&format!("{address}:6379 accepts connections\n")),
        "{log}"
    );
    // Composed by name within an order: the shipper runs while the step waits.
    let order = scene
        .until("orders", "its state", |pod| Ok(started(pod)))
        .await?;
    let names: Vec<_> = order.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["log-shipper", "wait-for", "app"], "{order:?}");
    assert!(
        order.is_sorted_by_key(|(_, time)| time.clone()),
        "{order:?}"
    );
    Ok(())
}

#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn an_init_step_that_gives_up_keeps_the_app_from_starting() -> Outcome {
    let scene = Scene::open("gives-up").await?;
    let asks = json!({
        "pillion.dev/inject": "wait-for",
        "wait-for.pillion.dev/targets": "127.0.0.1:1",
        "wait-for.pillion.dev/timeout": "2",
    });
    scene
        .create(&pod("orders", &asks, &app("echo the app runs")))
        .await?;
    scene.phase("orders", "Failed").await?;
    let log = scene.log("orders", "wait-for").await?;
    assert!(log.contains("gave up on 127.0.0.1:1 after"), "{log}");
    let ran = scene
        .until("orders", "its state", |pod| Ok(started(pod)))
        .await?;
    let names: Vec<_> = ran.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["wait-for"], "{ran:?}");
    Ok(())
}
