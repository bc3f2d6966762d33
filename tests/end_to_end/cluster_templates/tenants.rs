//! Templates of one namespace, and what they may take the place of.

use serde_json::{Value, json};

use super::stage::Stage;
use super::{image, spec};
use crate::support::failure::Outcome;
use crate::support::namespace::Namespace;

/// The spec of a template of the whole cluster that namespaces may replace.
fn shadowable(name: &str, tag: &str) -> Value {
    let mut spec = spec(name, &image(tag));
    spec["shadowable"] = json!(true);
    spec
}

pub(super) async fn have_templates_of_their_own(stage: &Stage) -> Outcome {
    for name in ["shop", "bank"] {
        Namespace::named(&stage.client, name, &[], &[]).await?;
    }
    stage
        .store("shop", "tool", &spec("tool", &image("shop")))
        .await?;
    stage.wait_for("shop", "tool", &image("shop")).await?;
    stage
        .wait_for_status("shop", "tool", ["Valid", "Newest"])
        .await?;
    stage.wait_for("bank", "tool", "TemplateNotFound").await?;

    // The cluster's comes first, unless it says otherwise.
    stage
        .store("", "tool", &spec("tool", &image("cluster")))
        .await?;
    stage.wait_for("shop", "tool", &image("cluster")).await?;
    stage
        .wait_for_status("shop", "tool", ["Valid", "NotShadowable"])
        .await?;
    stage
        .store("", "tool", &shadowable("tool", "cluster"))
        .await?;
    stage.wait_for("shop", "tool", &image("shop")).await?;
    stage.wait_for("bank", "tool", &image("cluster")).await?;
    stage
        .wait_for_status("shop", "tool", ["Valid", "Newest"])
        .await?;

    // Nothing of the node, and no privilege, from a tenant.
    for (name, part) in [
        (
            "node",
            json!({"volumes": [{"name": "a", "hostPath": {"path": "/"}}]}),
        ),
        ("root", json!({"pod": {"hostNetwork": true}})),
        ("account", json!({"pod": {"serviceAccountName": "admin"}})),
        ("place", json!({"pod": {"nodeName": "node-0"}})),
        (
            "confined",
            json!({"metadata": {"annotations": {
                "container.apparmor.security.beta.kubernetes.io/app": "unconfined"}}}),
        ),
    ] {
        stage.store("shop", name, &part).await?;
        stage
            .wait_for_status("shop", name, ["Invalid", "NoGoodRevision"])
            .await?;
        stage.delete("shop", name).await?;
    }

    // A template of the cluster comes before the built-in one of its name.
    stage
        .store("", "debug-tools", &spec("debug-tools", &image("own")))
        .await?;
    stage.wait_for("bank", "debug-tools", &image("own")).await
}
