//! linkerd-proxy, whose program comes as an image only. Under its name runs a stand-in (see
//! `images/list.sh`) that looks at what it is given and answers the probes: proven is the wiring.

use serde_json::json;

use crate::cluster::manifests::{app, pod};
use crate::cluster::scene::Scene;
use crate::support::failure::Outcome;

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
