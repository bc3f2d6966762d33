//! Templates and namespaces of the cluster: what is stored is what pods get, at every moment.
//!
//! One installation in a cluster of its own, because templates are the whole cluster's and only one
//! Pillion writes about them. What follows from another is one test, in order.

mod history;
mod hostile;
mod lease;
mod namespaces;
mod stage;
mod tenants;

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::end_to_end::scene::{pod, program};
use crate::support::failure::{During, Outcome};
use crate::support::pillion::Pillion;
use crate::support::wait::wait_until;
use stage::{SOON, Stage};

/// The spec of a template with one sidecar of this name and image.
fn spec(name: &str, image: &str) -> Value {
    json!({
        "pattern": "Sidecar",
        "sidecars": [{
            "name": name,
            "image": image,
            "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}},
        }],
    })
}

/// An image by its tag.
fn image(tag: &str) -> String {
    format!("registry.example.com/helper:{tag}")
}

/// The spec of a template that does not compile.
fn broken(name: &str) -> Value {
    spec(name, "${params.nobody}")
}

#[tokio::test]
async fn what_is_stored_is_what_pods_get() -> Outcome {
    let mut stage = Stage::open().await?;
    let first = stage.server("replica-0", 0).await?;
    stage.register(&first).await?;
    stored_changed_and_broken(&stage).await?;
    let second = served_by_others(&stage, first).await?;
    repaired_and_deleted(&stage).await?;
    tenants::keep_no_replica_from_starting(&stage).await?;
    stage.lead_to(&second).await?;
    tenants::have_templates_of_their_own(&stage).await?;
    namespaces::count_as_they_are(&stage).await?;
    namespaces::count_at_once(&stage).await?;
    namespaces::bound_what_stands_in_them(&stage).await?;
    namespaces::are_known_when_their_first_pod_comes(&stage).await?;
    lease::is_stolen_and_comes_back(&stage, "replica-1").await?;
    hostile::tenants_take_a_bounded_part_of_the_memory(&stage).await?;
    history::that_was_missed_is_made_up_for(&mut stage, &second).await?;
    second.stop().await
}

/// `pillion explain` with the cluster at hand says what the webhook does with its templates.
fn explain_knows_it(stage: &Stage) -> Outcome {
    let (item, code) = explained(stage)?;
    assert_eq!(item["verdict"], "Injected", "{item:#}");
    assert_eq!(item["templates"][0]["name"], "helper", "{item:#}");
    assert_eq!(code, Some(0));
    Ok(())
}

/// Where an earlier revision is served, `explain` knows its name alone.
fn explain_knows_no_refusal(stage: &Stage, revision: &Value) -> Outcome {
    let (item, code) = explained(stage)?;
    assert_eq!(item["verdict"], "Unknown", "{item:#}");
    let message = item["message"].as_str().unwrap_or_default();
    let revision = revision.as_str().unwrap_or("no revision");
    assert!(message.contains(revision), "{item:#}");
    assert_eq!(code, Some(0));
    Ok(())
}

/// What is explained of a pod that asks for the helper, and the exit status.
fn explained(stage: &Stage) -> Outcome<(Value, Option<i32>)> {
    let folder = tempfile::tempdir().during("make a folder")?;
    let file = folder.path().join("pod.json");
    let manifest = pod("orders", &json!({"pillion.dev/inject": "helper"}));
    fs::write(&file, manifest.to_string()).during("write a manifest")?;
    let explain = Command::new(program())
        .args(["explain", "-o", "json"])
        .arg(&file)
        .arg("--kubeconfig")
        .arg(stage.control_plane.kubeconfig())
        .output()
        .during("explain a pod")?;
    let told = String::from_utf8_lossy(&explain.stdout);
    let list: Value = serde_json::from_str(&told).during("read the explanation")?;
    Ok((list["items"][0].clone(), explain.status.code()))
}

async fn stored_changed_and_broken(stage: &Stage) -> Outcome {
    stage
        .wait_for("default", "helper", "TemplateNotFound")
        .await?;
    stage
        .store("", "helper", &spec("helper", &image("1")))
        .await?;
    stage.wait_for("default", "helper", &image("1")).await?;
    explain_knows_it(stage)?;
    let status = stage
        .wait_for_status("", "helper", ["Valid", "Newest"])
        .await?;
    assert_eq!(status["conditions"][0]["type"], "Compiled");
    assert_eq!(status["conditions"][1]["type"], "Served");
    assert_eq!(status["revision"], status["servedRevision"]);

    stage
        .store("", "helper", &spec("helper", &image("2")))
        .await?;
    stage.wait_for("default", "helper", &image("2")).await?;
    let good = stage
        .wait_for_status("", "helper", ["Valid", "Newest"])
        .await?;
    assert_ne!(good["revision"], status["revision"]);
    wait_until("one kept revision", SOON, async || {
        let kept = stage.revisions().await?;
        let wanted = good["revision"].as_str().unwrap_or_default();
        match kept.as_slice() {
            [one] if one.contains(wanted) => Ok(()),
            _ => Err(format!("{kept:?}")),
        }
    })
    .await?;

    stage.store("", "helper", &broken("helper")).await?;
    let status = stage
        .wait_for_status("", "helper", ["Invalid", "LastGood"])
        .await?;
    let message = status["conditions"][0]["message"].as_str();
    let expected = "spec.sidecars[0].image: there is no parameter `nobody`";
    assert_eq!(message, Some(expected));
    assert_eq!(status["servedRevision"], good["revision"]);
    explain_knows_no_refusal(stage, &good["revision"])?;
    assert_eq!(status.get("revision"), None);
    assert_eq!(
        stage.image("default", "helper").await.as_deref(),
        Ok(image("2").as_str())
    );

    // One that never compiled is refused, and so is nothing else.
    stage.store("", "never", &broken("never")).await?;
    stage
        .wait_for_status("", "never", ["Invalid", "NoGoodRevision"])
        .await?;
    let refusal = "TemplateBroken: annotation pillion.dev/inject of the pod: the template `never` \
                   does not compile and has no earlier revision: ClusterInjectionTemplate/never: \
                   spec.sidecars[0].image: there is no parameter `nobody`";
    stage.wait_for("default", "never", refusal).await?;
    stage.delete("", "never").await?;
    stage.wait_for("default", "never", "TemplateNotFound").await
}

/// The last good revision survives the process, and every replica has it.
async fn served_by_others(stage: &Stage, first: Pillion) -> Outcome<Pillion> {
    let port = first.webhook.port();
    first.stop().await?;
    let first = stage.server("replica-0", port).await?;
    stage.wait_for("default", "helper", &image("2")).await?;
    let second = stage.server("replica-1", 0).await?;
    first.stop().await?;
    stage.lead_to(&second).await?;
    stage.wait_for("default", "helper", &image("2")).await?;
    Ok(second)
}

async fn repaired_and_deleted(stage: &Stage) -> Outcome {
    stage
        .store("", "helper", &spec("helper", &image("3")))
        .await?;
    stage.wait_for("default", "helper", &image("3")).await?;
    // The replica that is left leads by now.
    stage
        .wait_for_status("", "helper", ["Valid", "Newest"])
        .await?;
    stage.delete("", "helper").await?;
    stage
        .wait_for("default", "helper", "TemplateNotFound")
        .await?;
    wait_until("no kept revision", SOON, async || {
        let kept = stage.revisions().await?;
        if kept.is_empty() {
            return Ok(());
        }
        Err(format!("{kept:?}"))
    })
    .await
}
