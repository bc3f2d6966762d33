//! What mandatory templates added, when the pod is changed after its creation.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::install;
use crate::end_to_end::scene::pod;
use crate::support::control_plane::ControlPlane;
use crate::support::failure::Outcome;
use crate::support::namespace::Namespace;
use crate::support::wait::wait_until;

const MUST: &str = r#"{"verdict":"Injected","reason":"Applied","revision":"a1","initContainers":{"must":"00000000000000aa"},"requirement":"Mandatory"}"#;
const MAY: &str = r#"{"verdict":"Injected","reason":"Applied","revision":"a1","containers":{"may":"00000000000000bb"},"message":"\"requirement\":\"Mandatory\""}"#;

/// A pod with a helper of a mandatory template and one of an optional template.
fn injected() -> Value {
    let annotations = json!({"pillion.dev/status.must": MUST, "pillion.dev/status.may": MAY});
    let mut pod = pod("helped", &annotations);
    let helper = json!({"name": "must", "image": "must:1", "restartPolicy": "Always"});
    pod["spec"]["initContainers"] = json!([helper]);
    let containers = pod["spec"]["containers"].as_array_mut();
    containers
        .unwrap()
        .push(json!({"name": "may", "image": "may:1"}));
    pod
}

fn image(list: &str, name: &str) -> Value {
    json!({"spec": {list: [{"name": name, "image": "other:2"}]}})
}

fn annotation(key: &str, value: Option<&str>) -> Value {
    json!({"metadata": {"annotations": {key: value}}})
}

#[tokio::test]
async fn what_mandatory_templates_added_cannot_be_changed() -> Outcome {
    let client = ControlPlane::shared().await?.client()?;
    let labels = [("pillion.dev/mandatory", "")];
    let namespace = Namespace::create(&client, "policy-mandatory", &labels, &[]).await?;
    install::mandatory_helpers(&client, &namespace).await?;
    let answer = namespace.create_pod("", &injected()).await?;
    assert!(answer.granted(), "{answer:?}");
    let pods: Api<Pod> = Api::namespaced(client.clone(), &namespace.name);
    let dry = PatchParams::default().dry_run();
    let bound = Duration::from_secs(30);
    wait_until("the policy to refuse", bound, async || {
        let change = Patch::Strategic(image("initContainers", "must"));
        let refused = pods.patch("helped", &dry, &change).await;
        refused.err().map(drop).ok_or_else(|| "it does not".into())
    })
    .await?;
    let status = "pillion.dev/status.must";
    for change in [
        image("initContainers", "must"),
        annotation(status, None),
        annotation(status, Some("{}")),
        annotation(
            status,
            Some(&MUST.replace("\"requirement\":\"Mandatory\"", "\"apps\":[]")),
        ),
    ] {
        let change = Patch::Strategic(change);
        let params = PatchParams::default();
        for refused in [
            pods.patch("helped", &params, &change).await,
            pods.patch_status("helped", &params, &change).await,
        ] {
            // Through the sub-resource images are not changed at all.
            let Err(error) = refused else {
                let unchanged = pods.get("helped").await.unwrap();
                let unchanged = serde_json::to_value(unchanged).unwrap();
                assert_eq!(unchanged["spec"]["initContainers"][0]["image"], "must:1");
                assert_eq!(unchanged["metadata"]["annotations"][status], MUST);
                continue;
            };
            let message = error.to_string();
            assert!(message.contains("pillion-mandatory-helpers"), "{message}");
            assert!(message.contains("must"), "{message}");
        }
    }
    for change in [
        image("containers", "app"),
        image("containers", "may"),
        annotation("pillion.dev/status.may", None),
        annotation("example.com/other", Some("x")),
        json!({"metadata": {"labels": {"team": "a"}}}),
    ] {
        let patched = pods
            .patch(
                "helped",
                &PatchParams::default(),
                &Patch::Strategic(change.clone()),
            )
            .await;
        assert!(patched.is_ok(), "{change}: {patched:?}");
    }
    Ok(())
}
