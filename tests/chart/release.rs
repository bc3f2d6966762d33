//! The life of a release: installed, upgraded, rolled back, taken away, and installed again.

use std::time::Duration;

use serde_json::Value;

use crate::chart::programs::{CHART, NAME, NAMESPACE, objects, only};
use crate::chart::running::{BUNDLE_WRITER, CONFIGURATIONS, Stage};
use crate::support::failure::{Failure, Outcome};
use crate::support::wait::wait_until;

/// What every release needs; pods without a node never become ready, so nothing waits for them.
const RELEASE: [&str; 4] = [NAME, CHART, "--namespace", NAMESPACE];

impl Stage {
    pub(crate) fn helm(&self, verb: &str, arguments: &[&str]) -> Outcome<String> {
        self.programs
            .helm(&[&[verb], &RELEASE[..], arguments].concat())
    }

    /// A template of a user's, in the cluster.
    fn template(&self) -> Outcome {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/templates/pgbouncer/template.yaml"
        );
        self.programs.kubectl(&[
            "wait",
            "crd/clusterinjectiontemplates.pillion.dev",
            "--for=condition=Established",
            "--timeout=30s",
        ])?;
        self.programs.kubectl(&["apply", "-f", file]).map(drop)
    }

    /// Pods of the Deployment: the API server admits them under the restricted level.
    async fn pods(&self, count: usize) -> Outcome<Vec<Value>> {
        wait_until("the pods of Pillion", Duration::from_secs(30), async || {
            let list = self
                .programs
                .get(&["pods", "-l", "app.kubernetes.io/name=pillion"]);
            let list = list.map_err(|failure| failure.to_string())?;
            let pods = list["items"].as_array().cloned().unwrap_or_default();
            if pods.len() == count {
                return Ok(pods);
            }
            let events = self
                .programs
                .kubectl(&["get", "events", "--namespace", NAMESPACE]);
            Err(format!("{} pods; events: {events:?}", pods.len()))
        })
        .await
    }
}

#[tokio::test]
async fn an_upgrade_and_a_rollback_keep_what_pillion_wrote() -> Outcome {
    let stage = Stage::open().await?;
    stage.helm("install", &[])?;
    let pods = stage.pods(2).await?;
    assert_eq!(
        pods[0]["spec"]["priorityClassName"],
        "system-cluster-critical"
    );
    stage.pillion_runs()?;
    stage.assert_untouched("writing")?;
    // Every field of every object that the chart can change, changed.
    let changed = [
        "--set",
        "replicas=3,webhooks.timeoutSeconds=7,commonLabels.team=a",
    ];
    stage.helm("upgrade", &changed)?;
    stage.assert_untouched("an upgrade")?;
    let timeout = timeouts(&stage)?;
    assert_eq!(timeout, [7, 7, 7, 7]);
    // As Helm 3 does it, which knows no server-side apply.
    let settings = [
        "--server-side=false",
        "--set",
        "webhooks.timeoutSeconds=8,commonLabels.team=b",
    ];
    stage.helm("upgrade", &settings)?;
    stage.assert_untouched("an upgrade without server-side apply")?;
    assert_eq!(timeouts(&stage)?, [8, 8, 8, 8]);
    let arguments = ["rollback", NAME, "1", "--namespace", NAMESPACE];
    stage.programs.helm(&arguments)?;
    stage.assert_untouched("a rollback")?;
    assert_eq!(timeouts(&stage)?, [5, 5, 5, 5]);
    // And after all that an upgrade by server-side apply still works.
    stage.helm(
        "upgrade",
        &["--server-side=true", "--set", "webhooks.timeoutSeconds=6"],
    )?;
    stage.assert_untouched("the last upgrade")?;
    assert_eq!(timeouts(&stage)?, [6, 6, 6, 6]);
    Ok(())
}

fn timeouts(stage: &Stage) -> Outcome<Vec<i64>> {
    let object = stage.programs.get(&[CONFIGURATIONS[0], NAME])?;
    let entries = object["webhooks"].as_array().into_iter().flatten();
    Ok(entries
        .filter_map(|entry| entry["timeoutSeconds"].as_i64())
        .collect())
}

/// The chart's own number goes, and the API server would take none for one.
#[tokio::test]
async fn turning_the_autoscaler_on_takes_no_replica_away() -> Outcome {
    let stage = Stage::open().await?;
    stage.helm("install", &["--set", "replicas=3"])?;
    let autoscaled = |least: usize| {
        let values = format!("autoscaling.enabled=true,autoscaling.minReplicas={least}");
        stage.helm("upgrade", &["--set", &values])?;
        let deployment = stage.programs.get(&["deployment", NAME])?;
        Outcome::Ok(deployment["spec"]["replicas"].as_u64())
    };
    assert_eq!(autoscaled(2)?, Some(3), "as many as there are");
    stage.helm("upgrade", &["--reset-values", "--set", "replicas=1"])?;
    assert_eq!(autoscaled(2)?, Some(2), "as many as there are at least");
    Ok(())
}

/// An autoscaler writes `replicas`; the chart then leaves them, also where it asks for more.
#[tokio::test]
async fn an_upgrade_keeps_the_replicas_of_the_autoscaler() -> Outcome {
    let stage = Stage::open().await?;
    stage.helm("install", &["--set", "autoscaling.enabled=true"])?;
    let scale = [
        "scale",
        "deployment",
        NAME,
        "--namespace",
        NAMESPACE,
        "--replicas=5",
    ];
    stage.programs.kubectl(&scale)?;
    stage.helm(
        "upgrade",
        &["--set", "autoscaling.enabled=true,logLevel=debug"],
    )?;
    let deployment = stage.programs.get(&["deployment", NAME])?;
    assert_eq!(deployment["spec"]["replicas"], 5);
    let more = "autoscaling.enabled=true,autoscaling.minReplicas=6";
    stage.helm("upgrade", &["--set", more])?;
    let installed = ["get", "manifest", NAME, "--namespace", NAMESPACE];
    let installed = objects(&stage.programs.helm(&installed)?)?;
    let replicas = &only(&installed, "Deployment")["spec"]["replicas"];
    assert_eq!(*replicas, 5, "more are the autoscaler's to bring");
    let rendered = objects(&stage.programs.render(&["--set", more])?)?;
    assert_eq!(only(&rendered, "Deployment")["spec"].get("replicas"), None);
    Ok(())
}

/// The bundle changes hands with the mode: Helm refuses to take a field that Pillion owns unless it
/// is told to, and gives it up again on the way back.
#[tokio::test]
async fn a_change_of_the_certificates_mode_hands_the_bundle_over() -> Outcome {
    let stage = Stage::open().await?;
    stage.helm("install", &[])?;
    stage.pillion_runs()?;
    let values = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/chart/values/files.yaml");
    let arguments = [&["upgrade"], &RELEASE[..], &["--values", values]].concat();
    let refused = stage.programs.try_helm(&arguments)?;
    assert!(!refused.success, "taken without a word");
    assert!(refused.errors.contains(BUNDLE_WRITER), "{}", refused.errors);
    stage.helm("upgrade", &["--values", values, "--force-conflicts"])?;
    let object = stage.programs.get(&[CONFIGURATIONS[0], NAME])?;
    for entry in object["webhooks"].as_array().into_iter().flatten() {
        let bundle = entry["clientConfig"]["caBundle"]
            .as_str()
            .unwrap_or_default();
        assert!(bundle.starts_with("LS0tLS1CRUdJTi"), "{bundle}");
    }
    stage.helm("upgrade", &["--reset-values"])?;
    // What Pillion then writes stays, as after an installation.
    stage.pillion_runs()?;
    stage.helm("upgrade", &["--set", "webhooks.timeoutSeconds=9"])?;
    stage.assert_untouched("the way back")
}

#[tokio::test]
async fn an_uninstall_leaves_nothing_in_the_way_and_keeps_templates() -> Outcome {
    let stage = Stage::open().await?;
    stage.helm("install", &["--set", "requireInjection.enabled=true"])?;
    stage.pods(2).await?;
    stage.pillion_runs()?;
    stage.template()?;
    let uninstall = ["uninstall", NAME, "--namespace", NAMESPACE, "--debug"];
    let ended = stage.programs.try_helm(&uninstall)?;
    assert!(ended.success, "{}", ended.errors);
    webhooks_go_first(&ended.errors)?;
    let kinds = stage
        .programs
        .kubectl(&["api-resources", "--verbs=list", "-o", "name"])?;
    let kinds: Vec<_> = kinds
        .lines()
        .filter(|kind| !kind.contains("events"))
        .collect();
    let kinds = kinds.join(",");
    wait_until(
        "the end of what was installed",
        Duration::from_mins(1),
        async || {
            let left = stage.programs.kubectl(&[
                "get",
                &kinds,
                "--all-namespaces",
                "-o",
                "name",
                "-l",
                "app.kubernetes.io/name=pillion",
            ]);
            let left = left.map_err(|failure| failure.to_string())?;
            let others = left
                .lines()
                .filter(|name| !name.starts_with("customresourcedefinition"));
            let others: Vec<_> = others.collect();
            if others.is_empty() {
                Ok(())
            } else {
                Err(format!("{others:?}"))
            }
        },
    )
    .await?;
    let kept = stage.programs.get(&["clusterinjectiontemplate"])?;
    assert_eq!(kept["items"][0]["metadata"]["name"], "pgbouncer");
    // A pod that asks is not held up by what is no longer there.
    let asks = [
        "run",
        "asks",
        "--image=example.com/app:1",
        "--namespace=default",
        "--labels=pillion.dev/inject=true",
        "--annotations=pillion.dev/inject=pgbouncer",
    ];
    // For a moment the API server still enforces the policy that was deleted.
    wait_until(
        "a pod that nothing refuses",
        Duration::from_secs(30),
        async || {
            let made = stage.programs.kubectl(&asks);
            made.map(drop).map_err(|failure| failure.to_string())
        },
    )
    .await?;
    // What was kept is no obstacle to the next release, and goes where that is asked for.
    stage.helm("install", &["--set", "crds.keep=false"])?;
    stage
        .programs
        .helm(&["uninstall", NAME, "--namespace", NAMESPACE])?;
    wait_until(
        "the end of definitions",
        Duration::from_mins(1),
        async || {
            let left = stage.programs.kubectl(&["get", "crd", "-o", "name"]);
            let left = left.map_err(|failure| failure.to_string())?;
            if left.contains("pillion.dev") {
                return Err(left);
            }
            Ok(())
        },
    )
    .await
}

/// The lines in which Helm says what it deletes: no Deployment goes while the API server still
/// calls it.
fn webhooks_go_first(log: &str) -> Outcome {
    let deleted: Vec<_> = log
        .lines()
        .filter(|line| line.contains("starting delete resource"))
        .collect();
    let position = |kind: &str| {
        let kind = format!("kind={kind}");
        let found = deleted.iter().position(|line| line.ends_with(&kind));
        found.ok_or_else(|| Failure::new(format!("Helm deleted no {kind}:\n{log}")))
    };
    let (deployment, service) = (position("Deployment")?, position("Service")?);
    for kind in [
        "MutatingWebhookConfiguration",
        "ValidatingWebhookConfiguration",
    ] {
        let webhooks = position(kind)?;
        assert!(webhooks < deployment && webhooks < service, "{log}");
    }
    Ok(())
}
