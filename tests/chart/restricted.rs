//! Every pod of the chart under the restricted Pod Security level, judged by the API server.

use serde_json::{Value, json};

use crate::chart::programs::{NAMESPACE, Programs, objects, values};
use crate::support::control_plane::ControlPlane;
use crate::support::failure::Outcome;
use crate::support::namespace::Namespace;

#[tokio::test]
async fn every_pod_passes_the_restricted_level() -> Outcome {
    let programs = Programs::offline()?;
    let client = ControlPlane::shared().await?.client()?;
    let level = [("pod-security.kubernetes.io/enforce", "restricted")];
    let namespace = Namespace::create(&client, "restricted", &level, &[]).await?;
    let mut count = 0;
    for (name, file) in values()? {
        for object in objects(&programs.render(&["--values", &file])?)? {
            let Some(pod) = pod_of(&object, &namespace.name) else {
                continue;
            };
            let answer = namespace.create_pod("dryRun=All", &pod).await?;
            let told = format!("{name}: {}: {}", object["kind"], answer.message());
            // The node's network is what the level forbids first of all; the notes say so.
            let in_the_node = pod["spec"]["hostNetwork"] == true;
            assert_eq!(answer.granted(), !in_the_node, "{told}");
            if in_the_node {
                let only = r#"violates PodSecurity "restricted:latest": host namespaces (hostNetwork=true), hostPort"#;
                assert!(answer.message().contains(only), "{told}");
            }
            count += 1;
        }
    }
    assert!(count > 30, "{count} pods");
    Ok(())
}

/// The pod of a Deployment, or of a chart test, in another namespace.
fn pod_of(object: &Value, namespace: &str) -> Option<Value> {
    let template = match object["kind"].as_str()? {
        "Deployment" => &object["spec"]["template"],
        "Pod" => object,
        _ => return None,
    };
    assert_eq!(object["metadata"]["namespace"], NAMESPACE);
    let mut spec = template["spec"].clone();
    // The namespace of the dry run has neither the account nor the quota.
    let fields = spec.as_object_mut()?;
    fields.remove("serviceAccountName");
    fields.remove("priorityClassName");
    Some(json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "judged", "namespace": namespace},
        "spec": spec,
    }))
}
