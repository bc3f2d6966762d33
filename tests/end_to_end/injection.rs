//! Pods that ask get their helper, others stay as they are.

use std::collections::BTreeSet;

use k8s_openapi::api::batch::v1::Job;
use serde_json::json;

use crate::end_to_end::pods::{
    TOKEN, annotation, assert_has_pool, assert_untouched, container, list, names, plain,
};
use crate::end_to_end::scene::{Scene, app, asks_for_a_pool, pod};
use crate::support::failure::Outcome;

/// The ReplicaSet's controller waits for its first pod before it makes more, so that the others are
/// copies of one that was decided about.
#[tokio::test]
async fn replicas_are_answered_as_the_first_with_a_token_of_their_own() -> Outcome {
    let scene = Scene::open("replicas").await?;
    let deployment = scene.deploy("orders", 6, &asks_for_a_pool()).await?;
    let mut volumes = BTreeSet::new();
    for pod in scene.namespace.pods_of(&deployment, 6).await? {
        let pod = plain(&pod)?;
        assert_has_pool(&pod);
        let mount = |name: &str| {
            let mounts = list(container(&pod, name), "/volumeMounts").iter();
            let mut tokens = mounts.filter(|mount| mount["mountPath"] == TOKEN);
            tokens.next().cloned().unwrap()
        };
        assert_eq!(mount("pgbouncer"), mount("app"));
        let volume = mount("app")["name"].as_str().unwrap().to_owned();
        assert!(
            names(&pod, "/spec/volumes").contains(&volume.as_str()),
            "{pod:#}"
        );
        volumes.insert(volume);
    }
    assert_eq!(volumes.len(), 6, "each pod has a volume of its own");
    let metrics = scene.server.metrics().await?;
    let mut lines = metrics.lines();
    let recalled = lines.find_map(|line| line.strip_prefix("pillion_decisions_recalled_total "));
    let recalled: u32 = recalled.unwrap().parse().unwrap();
    assert!(
        recalled >= 3,
        "{recalled} of 6 pods were answered as an earlier one"
    );
    Ok(())
}

#[tokio::test]
async fn a_deployment_gets_injected_pods() -> Outcome {
    let scene = Scene::open("deployment").await?;
    let deployment = scene.deploy("orders", 2, &asks_for_a_pool()).await?;
    for pod in scene.namespace.pods_of(&deployment, 2).await? {
        let pod = plain(&pod)?;
        assert_has_pool(&pod);
        let generated = pod["metadata"]["annotations"].as_object().unwrap();
        let (_, file) = generated
            .iter()
            .find(|(key, _)| key.starts_with("pillion.dev/file.pgbouncer-"))
            .expect("a generated file");
        assert!(file.as_str().unwrap().contains("host=db.example.com"));
    }
    Ok(())
}

#[tokio::test]
async fn the_label_false_opts_a_pod_out() -> Outcome {
    let scene = Scene::open("opt-out").await?;
    let mut refusing = pod("refuses", &asks_for_a_pool());
    refusing["metadata"]["labels"] = json!({"pillion.dev/inject": "false"});
    let answer = scene.namespace.create_pod("", &refusing).await?;
    assert!(answer.granted(), "{answer:?}");
    assert_untouched(&answer.body);

    let silent = pod("asks-for-nothing", &json!({"team": "a"}));
    let answer = scene.namespace.create_pod("", &silent).await?;
    assert!(answer.granted(), "{answer:?}");
    assert_untouched(&answer.body);
    assert_eq!(annotation(&answer.body, "team"), Some("a"));
    Ok(())
}

#[tokio::test]
async fn a_job_gets_a_native_sidecar_and_can_still_end() -> Outcome {
    let scene = Scene::open("job").await?;
    let job: Job = scene
        .namespace
        .create_object(json!({
            "metadata": {"name": "report"},
            "spec": {"template": {
                "metadata": {"annotations": asks_for_a_pool()},
                "spec": {"restartPolicy": "Never", "containers": [app()]},
            }},
        }))
        .await?;
    let pods = scene.namespace.pods_of_job(&job, 1).await?;
    let pod = plain(&pods[0])?;
    assert_has_pool(&pod);
    assert_eq!(pod["spec"]["restartPolicy"], "Never");
    assert!(names(&pod, "/spec/initContainers").contains(&"pgbouncer"));
    Ok(())
}

#[tokio::test]
async fn fields_that_no_version_knows_do_not_disturb() -> Outcome {
    let scene = Scene::open("unknown-fields").await?;
    let mut strange = pod("strange", &asks_for_a_pool());
    strange["spec"]["fieldOfTheFuture"] = json!({"nested": [1, null, {"deep": true}]});
    strange["spec"]["containers"][0]["containerOfTheFuture"] = json!("yes");

    // Field validation is the API server's: strictly it refuses, before any webhook.
    let strict = scene
        .namespace
        .create_pod("fieldValidation=Strict", &strange)
        .await?;
    assert_eq!(strict.status, 400, "{strict:?}");
    assert!(strict.message().contains("spec.fieldOfTheFuture"));

    let warned = scene
        .namespace
        .create_pod("fieldValidation=Warn", &strange)
        .await?;
    assert!(warned.granted(), "{warned:?}");
    assert!(
        warned
            .warnings
            .iter()
            .any(|warning| warning.contains("spec.fieldOfTheFuture")),
        "{warned:?}"
    );
    assert_has_pool(&warned.body);

    strange["metadata"]["name"] = json!("strange-but-silent");
    let ignored = scene
        .namespace
        .create_pod("fieldValidation=Ignore", &strange)
        .await?;
    assert!(ignored.granted(), "{ignored:?}");
    assert_has_pool(&ignored.body);
    assert_eq!(container(&ignored.body, "app")["name"], "app");
    Ok(())
}
