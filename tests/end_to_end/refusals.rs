//! A refusal reaches the person who must act, also where a controller made the pod.

use serde_json::json;

use crate::end_to_end::scene::{Scene, app, pod};
use crate::support::failure::Outcome;
use crate::support::namespace::SOON;
use crate::support::wait::wait_until;

#[tokio::test]
async fn a_refused_parameter_is_seen_on_the_replica_set() -> Outcome {
    let scene = Scene::open("refusal").await?;
    let annotations = json!({
        "pillion.dev/inject": "pgbouncer",
        "pgbouncer.pillion.dev/host": "not a host!",
    });
    let deployment = scene.deploy("orders", 1, &annotations).await?;
    let set = scene.namespace.replica_set_of(&deployment).await?;
    let tells = |message: &str| {
        message.contains("pgbouncer.pillion.dev/host") && message.contains("not a host!")
    };

    // The condition `ReplicaFailure`, as `kubectl describe replicaset` shows it.
    let name = set.metadata.name.clone().unwrap();
    let sets = scene
        .namespace
        .api::<k8s_openapi::api::apps::v1::ReplicaSet>();
    let message = wait_until("the condition ReplicaFailure", SOON, async || {
        let set = sets.get(&name).await.map_err(|error| error.to_string())?;
        let conditions = set.status.and_then(|status| status.conditions);
        let failed = conditions
            .unwrap_or_default()
            .into_iter()
            .find(|condition| condition.type_.as_deref() == Some("ReplicaFailure"));
        failed
            .and_then(|condition| condition.message)
            .ok_or_else(|| "no such condition".into())
    })
    .await?;
    assert!(message.contains("denied the request"), "{message}");
    assert!(tells(&message), "{message}");

    // The events below it.
    let event = wait_until("the event FailedCreate", SOON, async || {
        let events = scene.namespace.events().await;
        let events = events.map_err(|failure| failure.to_string())?;
        let failed = events.into_iter().find(|event| {
            event.reason.as_deref() == Some("FailedCreate")
                && event.involved_object.name.as_deref() == Some(&name)
        });
        failed
            .and_then(|event| event.message)
            .ok_or_else(|| "no such event".into())
    })
    .await?;
    assert!(tells(&event), "{event}");
    Ok(())
}

#[tokio::test]
async fn a_refusal_names_what_would_be_right() -> Outcome {
    let scene = Scene::open("typing-errors").await?;
    let cases = [
        // A template that nobody has, and the one that was meant.
        (
            json!({"pillion.dev/inject": "pgbouncr"}),
            ["pgbouncr", "pgbouncer"],
        ),
        // A parameter that the template does not have, and the one that was meant.
        (
            json!({
                "pillion.dev/inject": "pgbouncer",
                "pgbouncer.pillion.dev/host": "db.example.com",
                "pgbouncer.pillion.dev/prot": "5432",
            }),
            ["pgbouncer.pillion.dev/prot", "port"],
        ),
        // A parameter that is required and absent.
        (
            json!({"pillion.dev/inject": "pgbouncer"}),
            ["pgbouncer.pillion.dev/host", "required"],
        ),
    ];
    for (annotations, told) in cases {
        let answer = scene
            .namespace
            .create_pod("", &pod("mistyped", &annotations))
            .await?;
        assert!(matches!(answer.status, 403 | 422), "{answer:?}");
        for text in told {
            assert!(answer.message().contains(text), "no {text} in {answer:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_label_that_is_no_boolean_is_refused() -> Outcome {
    let scene = Scene::open("label").await?;
    let mut pod = pod("maybe", &json!({}));
    pod["metadata"]["labels"] = json!({"pillion.dev/inject": "maybe"});
    pod["spec"]["containers"] = json!([app()]);
    let answer = scene.namespace.create_pod("", &pod).await?;
    assert!(matches!(answer.status, 403 | 422), "{answer:?}");
    assert!(
        answer.message().contains("pillion.dev/inject"),
        "{answer:?}"
    );
    assert!(answer.message().contains("maybe"), "{answer:?}");
    Ok(())
}
