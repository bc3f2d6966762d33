//! The API server calls again after other plugins changed the pod, and people copy pods:
//! neither may add anything twice.

use serde_json::json;

use crate::end_to_end::pods::{TOKEN, annotation, assert_has_pool, container, list, names, status};
use crate::end_to_end::scene::{Scene, asks_for_a_pool, change_after_us, pod};
use crate::support::audit::{Call, calls_before};
use crate::support::failure::Outcome;

#[tokio::test]
async fn the_token_mount_brings_no_second_call() -> Outcome {
    let scene = Scene::open("token").await?;
    let answer = scene
        .namespace
        .create_pod("", &pod("orders", &asks_for_a_pool()))
        .await?;
    assert!(answer.granted(), "{answer:?}");
    let mount = |name: &str| {
        let mounts = list(container(&answer.body, name), "/volumeMounts").iter();
        let tokens: Vec<_> = mounts.filter(|mount| mount["mountPath"] == TOKEN).collect();
        assert_eq!(tokens.len(), 1, "token mounts of {name}: {:#}", answer.body);
        tokens[0].clone()
    };
    // The very mount that the API server gave the app, so that it has nothing to add.
    assert_eq!(mount("pgbouncer"), mount("app"));
    let calls = calls_before(scene.control_plane, &answer).await?;
    let seen: Vec<_> = calls
        .iter()
        .map(|call| (call.round, call.changed))
        .collect();
    assert_eq!(seen, [(0, true)]);
    Ok(())
}

#[tokio::test]
async fn without_a_token_there_is_none_of_ours_and_one_call() -> Outcome {
    let scene = Scene::open("no-token").await?;
    let mut without = pod("orders", &asks_for_a_pool());
    without["spec"]["automountServiceAccountToken"] = json!(false);
    let answer = scene.namespace.create_pod("", &without).await?;
    assert!(answer.granted(), "{answer:?}");
    for name in ["app", "pgbouncer"] {
        let mounts = list(container(&answer.body, name), "/volumeMounts").iter();
        assert_eq!(
            mounts.filter(|mount| mount["mountPath"] == TOKEN).count(),
            0
        );
    }
    let calls = calls_before(scene.control_plane, &answer).await?;
    assert_eq!(calls.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_plugin_that_changes_our_container_brings_a_second_call_that_changes_nothing() -> Outcome
{
    let scene = Scene::open("reinvocation").await?;
    change_after_us(&scene.namespace).await?;
    let answer = scene
        .namespace
        .create_pod("", &pod("orders", &asks_for_a_pool()))
        .await?;
    assert!(answer.granted(), "{answer:?}");
    assert_has_pool(&answer.body);
    for name in ["app", "pgbouncer"] {
        let mounts = list(container(&answer.body, name), "/volumeMounts").iter();
        let tokens = mounts.filter(|mount| mount["mountPath"] == TOKEN).count();
        assert_eq!(tokens, 1, "token mounts of {name}: {:#}", answer.body);
    }
    let calls = calls_before(scene.control_plane, &answer).await?;
    let expected = [(0, true), (1, false)].map(|(round, changed)| Call {
        round,
        webhook: "annotation.pillion.dev".to_owned(),
        changed,
    });
    assert_eq!(calls, expected);
    Ok(())
}

#[tokio::test]
async fn a_forged_status_is_not_believed() -> Outcome {
    let scene = Scene::open("forged").await?;
    let honest = scene
        .namespace
        .create_pod("", &pod("honest", &asks_for_a_pool()))
        .await?;
    let true_status = status(&honest.body, "pgbouncer");

    let forgeries = [
        // What an honest status says, without the container that it speaks of.
        annotation(&honest.body, "pillion.dev/status.pgbouncer").unwrap(),
        r#"{"verdict":"Injected"}"#,
        r#"{"verdict":"Injected","containers":["app"]}"#,
        "not JSON {",
        "",
    ];
    for (number, forgery) in forgeries.into_iter().enumerate() {
        let mut annotations = asks_for_a_pool();
        annotations["pillion.dev/status.pgbouncer"] = json!(forgery);
        let name = format!("forged-{number}");
        let answer = scene
            .namespace
            .create_pod("", &pod(&name, &annotations))
            .await?;
        assert!(answer.granted(), "{forgery}: {answer:?}");
        assert_has_pool(&answer.body);
        let mut written = status(&answer.body, "pgbouncer");
        // What the forgery named and was left is told.
        written.as_object_mut().unwrap().remove("findings");
        assert_eq!(written, true_status, "{forgery}");
    }
    Ok(())
}

#[tokio::test]
async fn a_status_of_another_template_is_nothing_to_us() -> Outcome {
    let scene = Scene::open("foreign").await?;
    change_after_us(&scene.namespace).await?;
    for (name, foreign) in [
        ("claims", r#"{"verdict":"Injected","containers":["app"]}"#),
        ("babbles", "not JSON {"),
    ] {
        let mut annotations = asks_for_a_pool();
        annotations["pillion.dev/status.other"] = json!(foreign);
        let answer = scene
            .namespace
            .create_pod("", &pod(name, &annotations))
            .await?;
        assert!(answer.granted(), "{foreign}: {answer:?}");
        // The first call's status is still there after the second call.
        assert_has_pool(&answer.body);
        let kept = annotation(&answer.body, "pillion.dev/status.other");
        assert_eq!(kept, Some(foreign));
        let calls = calls_before(scene.control_plane, &answer).await?;
        let changed: Vec<_> = calls.iter().map(|call| call.changed).collect();
        assert_eq!(changed, [true, false], "{foreign}");
    }
    Ok(())
}

#[tokio::test]
async fn a_copied_pod_gets_nothing_twice() -> Outcome {
    let scene = Scene::open("copied").await?;
    change_after_us(&scene.namespace).await?;
    let first = scene
        .namespace
        .create_pod("", &pod("first", &asks_for_a_pool()))
        .await?;
    assert!(first.granted(), "{first:?}");

    // As from `kubectl get pod first -o json`, with another name.
    let mut copy = first.body.clone();
    copy.as_object_mut().unwrap().remove("status");
    copy["metadata"] = json!({
        "name": "copy",
        "annotations": first.body["metadata"]["annotations"],
    });
    let second = scene.namespace.create_pod("", &copy).await?;
    assert!(second.granted(), "{second:?}");
    assert_has_pool(&second.body);
    let calls = calls_before(scene.control_plane, &second).await?;
    assert!(!calls.is_empty(), "nobody was called");
    assert!(calls.iter().all(|call| !call.changed), "{calls:?}");
    for list in ["/spec/initContainers", "/spec/containers", "/spec/volumes"] {
        assert_eq!(names(&second.body, list), names(&first.body, list));
    }
    for name in ["app", "pgbouncer"] {
        let (copied, original) = (container(&second.body, name), container(&first.body, name));
        assert_eq!(copied, original);
    }
    Ok(())
}
