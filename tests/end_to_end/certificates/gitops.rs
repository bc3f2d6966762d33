//! Others who write the webhook configurations: kubectl, charts, GitOps. `caBundle` stays, or is
//! back at once; entries come and go; nobody fights. kubectl blocks a thread, so that creations need
//! another one.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::installation::Installation;
use super::load::Load;
use crate::support::failure::{Failure, Outcome};
use crate::support::kubectl::Kubectl;
use crate::support::namespace::SOON;
use crate::support::raw;
use crate::support::wait::wait_until;

/// How long creations may fail after `kubectl replace` took caBundle away: measured 0.1 s to 0.5 s
/// on two busy cores.
const INTERRUPTION: Duration = Duration::from_secs(5);

const ARGUMENTS: [&str; 2] = ["--ca-bundle-settle=1s", "--log-format=json"];

/// Runs kubectl on a manifest that stands in `folder`.
fn kubectl(kubectl: &Kubectl, manifest: &Value, command: &str) -> Outcome<String> {
    let folder = tempfile::tempdir().map_err(|error| Failure::new(error.to_string()))?;
    let file = folder.path().join("manifest.json");
    std::fs::write(&file, manifest.to_string()).map_err(|error| Failure::new(error.to_string()))?;
    kubectl.shell(
        folder.path(),
        &format!("kubectl {command} -f manifest.json"),
    )
}

/// How many entries there are.
fn every(manifests: &[Value; 2]) -> usize {
    let entries = manifests
        .iter()
        .filter_map(|manifest| manifest["webhooks"].as_array());
    entries.map(Vec::len).sum()
}

async fn all_have_a_bundle(installation: &Installation, count: usize) -> Outcome {
    wait_until("caBundle in every entry", SOON, async || {
        let bundles = installation.bundles().await;
        let bundles = bundles.map_err(|failure| failure.to_string())?;
        let without: Vec<_> = bundles.iter().filter(|(_, text)| text.is_empty()).collect();
        if without.is_empty() && bundles.len() == count {
            return Ok(());
        }
        Err(format!("{} entries, without: {without:?}", bundles.len()))
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn manifests_are_applied_again_and_nobody_fights() -> Outcome {
    let installation = Installation::prepare("gitops").await?;
    let tool = Kubectl::new(installation.control_plane)?;
    let manifests = installation.manifests()?;
    for manifest in &manifests {
        kubectl(&tool, manifest, "apply")?;
    }
    let replica = installation.replica("replica-0", None, &ARGUMENTS).await?;
    replica.ready().await?;
    installation.proxy.lead_to(&[replica.webhook]);
    all_have_a_bundle(&installation, every(&manifests)).await?;
    let load = Load::start(&installation.namespace);
    let mut version = resource_version(&installation).await?;
    for command in [
        "apply",
        "apply --server-side --force-conflicts --field-manager=gitops",
        "apply --server-side --force-conflicts --field-manager=gitops",
        "apply",
    ] {
        for manifest in &manifests {
            let said = kubectl(&tool, manifest, command)?;
            assert!(!said.contains("rror"), "{command}: {said}");
        }
        all_have_a_bundle(&installation, every(&manifests)).await?;
    }
    // Whoever fights writes: nothing is written by us in answer to an apply.
    let log = replica.log().join("\n");
    assert_eq!(log.matches("caBundle written").count(), 2, "{log}");
    let (created, failures) = load.end().await?;
    let text: Vec<_> = failures.iter().map(|(_, failure)| failure).collect();
    assert!(failures.is_empty(), "{text:?}");
    println!(
        "{created} pods created while manifests were applied, {} failed",
        failures.len()
    );

    // Left alone, the object stays as it is.
    let quiet = resource_version(&installation).await?;
    version.clone_from(&quiet);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(resource_version(&installation).await?, version);
    Ok(())
}

async fn resource_version(installation: &Installation) -> Outcome<Value> {
    let path = installation.path("mutating");
    let answer = raw::get(&installation.namespace.client, &path).await?;
    Ok(answer.body["metadata"]["resourceVersion"].clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bundle_that_is_replaced_away_is_back_at_once() -> Outcome {
    let installation = Installation::prepare("replace").await?;
    let tool = Kubectl::new(installation.control_plane)?;
    let manifests = installation.manifests()?;
    for manifest in &manifests {
        kubectl(&tool, manifest, "apply")?;
    }
    let replica = installation.replica("replica-0", None, &ARGUMENTS).await?;
    replica.ready().await?;
    installation.proxy.lead_to(&[replica.webhook]);
    all_have_a_bundle(&installation, every(&manifests)).await?;
    let load = Load::start(&installation.namespace);
    let began = Instant::now();
    let said = kubectl(&tool, &manifests[0], "replace")?;
    assert!(said.contains("replaced"), "{said}");
    all_have_a_bundle(&installation, every(&manifests)).await?;
    let created = load.created();
    wait_until("creations after that", SOON, async || {
        if load.created() > created + 50 {
            return Ok(());
        }
        Err(format!("{} pods", load.created() - created))
    })
    .await?;
    let (created, failures) = load.end().await?;
    let last = failures
        .iter()
        .map(|(at, _)| at.saturating_duration_since(began))
        .max();
    let first = failures
        .iter()
        .map(|(at, _)| at.saturating_duration_since(began))
        .min();
    println!(
        "{created} pods created, {} failed, from {first:?} to {last:?} after kubectl began",
        failures.len()
    );
    let interruption = last
        .unwrap_or_default()
        .saturating_sub(first.unwrap_or_default());
    assert!(interruption < INTERRUPTION, "{failures:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_come_and_go_by_server_side_apply() -> Outcome {
    let installation = Installation::prepare("entries").await?;
    let tool = Kubectl::new(installation.control_plane)?;
    let [whole, _] = installation.manifests()?;
    let mut part = whole.clone();
    let entries = part["webhooks"].as_array_mut();
    if let Some(entries) = entries {
        entries.truncate(3);
    }
    let apply = "apply --server-side --force-conflicts --field-manager=helm";
    kubectl(&tool, &part, apply)?;
    let replica = installation.replica("replica-0", None, &ARGUMENTS).await?;
    replica.ready().await?;
    all_have_a_bundle(&installation, 3).await?;
    // A chart upgrade that adds an entry, and one that drops it again: an owned caBundle would make
    // the second one fail.
    kubectl(&tool, &whole, apply)?;
    all_have_a_bundle(&installation, 4).await?;
    let said = wait_until("the entry to be dropped", SOON, async || {
        let said = kubectl(&tool, &part, apply).map_err(|failure| failure.to_string())?;
        if said.contains("serverside-applied") {
            return Ok(said);
        }
        Err(said)
    })
    .await?;
    assert!(!said.contains("Required value"), "{said}");
    all_have_a_bundle(&installation, 3).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_that_could_stop_the_cluster_gets_no_bundle() -> Outcome {
    let installation = Installation::prepare("hazard").await?;
    let manifests = installation.manifests()?;
    let [mut mutating, validating] = manifests.clone();
    // The first entry is for every pod of namespaces with a label; without its exclusions and this
    // test's own namespace it could match kube-system.
    mutating["webhooks"][0]["namespaceSelector"] =
        json!({"matchExpressions": [{"key": "pillion.dev/mandatory", "operator": "Exists"}]});
    let tool = Kubectl::new(installation.control_plane)?;
    for manifest in [&mutating, &validating] {
        kubectl(&tool, manifest, "apply")?;
    }
    let replica = installation.replica("replica-0", None, &ARGUMENTS).await?;
    replica.ready().await?;
    wait_until("caBundle in the other entries", SOON, async || {
        let bundles = installation
            .bundles()
            .await
            .map_err(|failure| failure.to_string())?;
        let without: Vec<_> = bundles.iter().filter(|(_, text)| text.is_empty()).collect();
        if without.len() == 1
            && without
                .iter()
                .all(|(name, _)| name == "mandatory.pillion.dev")
        {
            return Ok(());
        }
        Err(format!("without: {without:?}"))
    })
    .await?;
    let log = replica.log().join("\n");
    assert!(
        log.contains("no caBundle is written to this entry"),
        "{log}"
    );
    assert!(log.contains("kube-system"), "{log}");
    let metrics = replica.metrics().await?;
    assert!(
        metrics.contains("pillion_webhook_entries{state=\"withheld\"} 1"),
        "{metrics}"
    );

    // Repaired, it gets its bundle without a restart.
    kubectl(&tool, &manifests[0], "apply")?;
    all_have_a_bundle(&installation, every(&manifests)).await?;

    // One that works is never taken away.
    kubectl(&tool, &mutating, "apply")?;
    wait_until("the report", SOON, async || {
        let log = replica.log().join("\n");
        if log.contains("this entry could stop the cluster") {
            return Ok(());
        }
        Err("no such line".to_owned())
    })
    .await?;
    all_have_a_bundle(&installation, every(&manifests)).await
}
