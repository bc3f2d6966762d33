//! Templates that change the app itself and add no container.

use kube::api::DeleteParams;
use serde_json::json;

use crate::cluster::manifests::{app, pod};
use crate::cluster::scene::Scene;
use crate::support::failure::{During, Outcome};

#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn app_probes_ask_the_app() -> Outcome {
    let scene = Scene::open("probes").await?;
    let asks = json!({
        "pillion.dev/inject": "app-probes",
        "app-probes.pillion.dev/path": "/ready",
        "app-probes.pillion.dev/probes": "startup,readiness",
    });
    let mut serves = app("mkdir /tmp/www && echo yes >/tmp/www/ready
        exec httpd -f -p 8080 -h /tmp/www");
    serves["ports"] = json!([{"name": "http", "containerPort": 8080}]);
    scene.create(&pod("orders", &asks, &serves)).await?;
    scene.ready("orders").await?;
    scene.exec("orders", "app", "rm /tmp/www/ready")?;
    scene
        .until("orders", "no longer ready", |pod| {
            let status = pod.status.clone().unwrap_or_default();
            let containers = status.container_statuses.unwrap_or_default();
            let unready = containers
                .iter()
                .any(|one| one.started == Some(true) && !one.ready);
            unready.then_some(()).ok_or_else(|| "ready".to_owned())
        })
        .await
}

#[tokio::test]
#[ignore = "needs root and Linux namespaces: run `make test-node`"]
async fn graceful_drain_lets_the_app_go_on_for_a_while() -> Outcome {
    let scene = Scene::open("drain").await?;
    let asks = json!({
        "pillion.dev/inject": "graceful-drain",
        "graceful-drain.pillion.dev/seconds": "4",
        "graceful-drain.pillion.dev/grace": "20",
    });
    let waits = app("trap 'date +%s; exit 0' TERM
        sleep 3600 & wait $!");
    let mut orders = pod("orders", &asks, &waits);
    if let Some(spec) = orders["spec"].as_object_mut() {
        spec.remove("terminationGracePeriodSeconds");
    }
    scene.create(&orders).await?;
    scene.ready("orders").await?;
    let follower = scene.follow("orders", "app")?;
    let deleted = Scene::clock()?;
    let pods = scene.namespace.api::<k8s_openapi::api::core::v1::Pod>();
    pods.delete("orders", &DeleteParams::default())
        .await
        .map(drop)
        .during("delete a pod")?;
    let log = follower.read()?;
    let told = log.trim_end().parse().ok();
    assert!(told >= Some(deleted + 4), "{log} after {deleted}");
    Ok(())
}
