//! Templates whose programs come as images only. Under their names run stand-ins (see
//! `images/list.sh`) that look at what they are given and answer the probes: proven is the wiring.

use serde_json::json;

use crate::cluster::manifests::{app, pod};
use crate::cluster::scene::Scene;
use crate::support::failure::Outcome;

#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn the_app_finds_dapr_at_its_first_try() -> Outcome {
    let scene = Scene::open("dapr").await?;
    let asks = json!({"pillion.dev/inject": "dapr", "dapr.pillion.dev/app-id": "orders"});
    let asking = app("curl -sS --fail localhost:$DAPR_HTTP_PORT/v1.0/healthz/outbound");
    scene.create(&pod("orders", &asks, &asking)).await?;
    scene.phase("orders", "Succeeded").await?;
    assert_eq!(scene.log("orders", "app").await?, "ok\n");
    Ok(())
}

#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn linkerd_proxy_has_its_token_and_its_name() -> Outcome {
    let scene = Scene::open("linkerd").await?;
    scene
        .create(&json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "linkerd-identity-trust-roots"},
            "data": {"ca-bundle.crt": "roots"},
        }))
        .await?;
    let asks = json!({"pillion.dev/inject": "linkerd-proxy"});
    scene
        .create(&pod("orders", &asks, &app("exec sleep 3600")))
        .await?;
    scene.ready("orders").await?;
    let log = scene.log("orders", "linkerd-proxy").await?;
    let namespace = &scene.namespace.name;
    let identity = "serviceaccount.identity.linkerd.cluster.local";
    assert_eq!(log, format!("identity default.{namespace}.{identity}\n"));
    Ok(())
}
