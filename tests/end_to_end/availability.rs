//! `failurePolicy: Fail` holds up the pods that ask while no server answers, and only those.

use serde_json::json;

use crate::end_to_end::pods::{assert_has_pool, assert_untouched, plain};
use crate::end_to_end::scene::{Scene, asks_for_a_pool, pod, program};
use crate::support::failure::Outcome;
use crate::support::namespace::SOON;
use crate::support::pillion::{Pillion, Settings};
use crate::support::wait::wait_until;

#[tokio::test]
async fn pods_that_ask_wait_for_a_server_that_is_down() -> Outcome {
    let scene = Scene::open("outage").await?;
    let port = scene.server.webhook.port();
    scene.server.stop().await?;

    let asking = pod("asking", &asks_for_a_pool());
    let answer = scene.namespace.create_pod("", &asking).await?;
    assert_eq!(answer.status, 500, "{answer:?}");
    let message = answer.message();
    assert!(
        message.contains(r#"failed calling webhook "annotation.pillion.dev""#),
        "{message}"
    );

    let silent = pod("silent", &json!({}));
    let answer = scene.namespace.create_pod("", &silent).await?;
    assert!(answer.granted(), "{answer:?}");
    assert_untouched(&answer.body);

    // A Deployment made during the outage; its first pod is refused.
    let deployment = scene
        .namespace
        .create_object(json!({
            "metadata": {"name": "orders"},
            "spec": {
                "selector": {"matchLabels": {"app": "orders"}},
                "template": {
                    "metadata": {"labels": {"app": "orders"}, "annotations": asks_for_a_pool()},
                    "spec": {"containers": [crate::end_to_end::scene::app()]},
                },
            },
        }))
        .await?;
    wait_until("the first refused pod", SOON, async || {
        let events = scene.namespace.events().await;
        let events = events.map_err(|failure| failure.to_string())?;
        let refused = events.iter().any(|event| {
            let message = event.message.as_deref().unwrap_or_default();
            message.contains("failed calling webhook")
        });
        refused.then_some(()).ok_or_else(|| "no such event".into())
    })
    .await?;

    let mut settings = Settings::new(program());
    settings.port = port;
    let _back = Pillion::start(&settings, &scene.identity).await?;
    let answer = scene.namespace.create_pod("", &asking).await?;
    assert!(answer.granted(), "{answer:?}");
    assert_has_pool(&answer.body);
    // The controller tries again by itself.
    let pods = scene.namespace.pods_of(&deployment, 1).await?;
    assert_has_pool(&plain(&pods[0])?);
    Ok(())
}

/// A replica that hangs: the API server stops waiting at the webhook's `timeoutSeconds`, and what asks then
/// is refused; pods that do not ask are not held up.
#[tokio::test]
async fn pods_that_ask_time_out_at_a_server_that_is_stopped() -> Outcome {
    let scene = Scene::open("stopped").await?;
    let asking = pod("asking", &asks_for_a_pool());
    let answer = scene.namespace.create_pod("dryRun=All", &asking).await?;
    assert!(answer.granted(), "{answer:?}");
    scene.server.signal("STOP")?;
    let answer = scene.namespace.create_pod("", &asking).await?;
    assert_eq!(answer.status, 500, "{answer:?}");
    let message = answer.message();
    assert!(message.contains("failed calling webhook"), "{message}");
    assert!(
        message.contains("deadline exceeded") || message.contains("Timeout"),
        "{message}"
    );
    let silent = pod("silent", &json!({}));
    let answer = scene.namespace.create_pod("", &silent).await?;
    assert!(answer.granted(), "{answer:?}");
    scene.server.signal("CONT")?;
    let answer = scene.namespace.create_pod("", &asking).await?;
    assert!(answer.granted(), "{answer:?}");
    assert_has_pool(&answer.body);
    Ok(())
}
