//! Who may say on a namespace what Pillion does there.

use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace as NamespaceObject;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use serde_json::{Value, json};

use super::install;
use crate::support::control_plane::ControlPlane;
use crate::support::failure::{During, Failure, Outcome};
use crate::support::namespace::Namespace;
use crate::support::raw;
use crate::support::wait::wait_until;

const LABEL: &str = "policy-guard";

/// Lets a user change namespaces, and `manage` them where they are in that group.
async fn grant(client: &Client, user: &str, rules: &Value) -> Outcome {
    let group = "/apis/rbac.authorization.k8s.io/v1";
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": {"name": user}, "rules": rules,
    });
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": {"name": user},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": user},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    });
    for (plural, object) in [("clusterroles", role), ("clusterrolebindings", binding)] {
        let answer = raw::post(client, &format!("{group}/{plural}"), &object).await?;
        if !answer.granted() {
            return Err(Failure::new(answer.message()));
        }
    }
    Ok(())
}

async fn patch(client: &Client, name: &str, metadata: &Value) -> Result<(), String> {
    let api: Api<NamespaceObject> = Api::all(client.clone());
    let patch = Patch::Merge(json!({"metadata": metadata}));
    let patched = api.patch(name, &PatchParams::default(), &patch).await;
    patched.map(drop).map_err(|error| error.to_string())
}

#[tokio::test]
async fn who_may_not_manage_changes_nothing_of_pillion() -> Outcome {
    let control_plane = ControlPlane::shared().await?;
    let admin = control_plane.client()?;
    let namespaces = json!({"apiGroups": [""], "resources": ["namespaces", "namespaces/status"], "verbs": ["*"]});
    let manage =
        json!({"apiGroups": ["pillion.dev"], "resources": ["namespaces"], "verbs": ["manage"]});
    grant(&admin, "guard-developer", &json!([namespaces])).await?;
    grant(&admin, "guard-platform", &json!([namespaces, manage])).await?;
    install::namespace_guard(&admin, LABEL).await?;

    let labels = [(LABEL, ""), ("pillion.dev/mandatory", ""), ("team", "a")];
    let annotations = [("pillion.dev/inject", "helper")];
    let namespace = Namespace::create(&admin, "guard", &labels, &annotations).await?;
    let name = namespace.name.as_str();
    let developer = control_plane.client_as("guard-developer", &["system:authenticated"])?;
    let platform = control_plane.client_as("guard-platform", &["system:authenticated"])?;

    let opts_out = json!({"labels": {"pillion.dev/mandatory": null}});
    wait_until("the guard to refuse", Duration::from_secs(30), async || {
        let api: Api<NamespaceObject> = Api::all(developer.clone());
        let dry = PatchParams::default().dry_run();
        let refused = api
            .patch(name, &dry, &Patch::Merge(json!({"metadata": opts_out})))
            .await;
        refused.err().map(drop).ok_or_else(|| "it does not".into())
    })
    .await?;
    for metadata in [
        opts_out.clone(),
        json!({"labels": {"pillion.dev/mandatory": "x"}}),
        json!({"labels": {"pillion.dev/injection": "disabled"}}),
        json!({"annotations": {"pillion.dev/inject": "other"}}),
        json!({"annotations": {"pillion.dev/inject": null}}),
        json!({"annotations": {"pillion.dev/findings": "X=Ignore"}}),
        json!({"annotations": {"pgbouncer.pillion.dev/image": "evil"}}),
    ] {
        let refused = patch(&developer, name, &metadata).await;
        let message = refused.expect_err(&metadata.to_string());
        assert!(message.contains("pillion-namespace-guard"), "{message}");
        assert!(message.contains("you may not change"), "{message}");
    }
    // The labels can be reached through a sub-resource as well.
    let api: Api<NamespaceObject> = Api::all(developer.clone());
    let through = Patch::Merge(json!({"metadata": opts_out}));
    let refused = api
        .patch_status(name, &PatchParams::default(), &through)
        .await;
    assert!(refused.is_err(), "{refused:?}");

    for metadata in [
        json!({"labels": {"team": "b"}}),
        json!({"annotations": {"example.com/pillion.dev": "x", "notpillion.dev/inject": "x"}}),
    ] {
        patch(&developer, name, &metadata)
            .await
            .map_err(Failure::new)?;
    }
    patch(&platform, name, &opts_out)
        .await
        .map_err(Failure::new)?;
    let now = Api::<NamespaceObject>::all(admin).get(name).await;
    let labels = now.during("read the namespace")?.metadata.labels;
    assert!(
        !labels
            .unwrap_or_default()
            .contains_key("pillion.dev/mandatory")
    );

    let makes = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {
        "name": "guard-made", "labels": {LABEL: "", "pillion.dev/injection": "enabled"},
    }});
    let answer = raw::post(&developer, "/api/v1/namespaces?dryRun=All", &makes).await?;
    assert_eq!(answer.status, 403, "{answer:?}");
    let answer = raw::post(&platform, "/api/v1/namespaces?dryRun=All", &makes).await?;
    assert!(answer.granted(), "{answer:?}");
    Ok(())
}
