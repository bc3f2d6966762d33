//! What a GitOps tool does: the same manifests applied again and again over what Pillion wrote.

use crate::chart::programs::{NAME, NAMESPACE};
use crate::chart::running::{CONFIGURATIONS, Stage};
use crate::support::failure::Outcome;

/// Where a pull request changes something, so that there is something to apply.
const CHANGES: [&str; 3] = ["5", "6", "7"];

impl Stage {
    fn manifests(&self, timeout: &str) -> Outcome<String> {
        let setting = format!("webhooks.timeoutSeconds={timeout}");
        let text = self.programs.render(&["--skip-tests", "--set", &setting])?;
        self.programs.file("manifests.yaml", &text)
    }
}

/// `kubectl apply` as people and older tools do it: a three-way merge with what was last applied.
#[tokio::test]
async fn client_side_apply_again_keeps_what_pillion_wrote() -> Outcome {
    let stage = Stage::open().await?;
    for timeout in CHANGES {
        let file = stage.manifests(timeout)?;
        stage.programs.kubectl(&["apply", "-f", &file])?;
        if timeout == CHANGES[0] {
            stage.pillion_runs()?;
        }
        stage.assert_untouched("applying again")?;
        // Nothing that a tool could want to correct.
        let diff = stage.programs.try_kubectl(&["diff", "-f", &file])?;
        assert!(diff.success, "{}{}", diff.output, diff.errors);
    }
    Ok(())
}

/// Argo CD with server-side apply, and Flux: they force, and take only what their manifests say.
#[tokio::test]
async fn server_side_apply_again_keeps_what_pillion_wrote() -> Outcome {
    let stage = Stage::open().await?;
    for timeout in CHANGES {
        let file = stage.manifests(timeout)?;
        let arguments = [
            "apply",
            "--server-side",
            "--force-conflicts",
            "--field-manager=gitops",
            "-f",
            &file,
        ];
        stage.programs.kubectl(&arguments)?;
        if timeout == CHANGES[0] {
            stage.pillion_runs()?;
        }
        stage.assert_untouched("applying again")?;
        let arguments = [
            "diff",
            "--server-side",
            "--field-manager=gitops",
            "-f",
            &file,
        ];
        let diff = stage.programs.try_kubectl(&arguments)?;
        assert!(diff.success, "{}{}", diff.output, diff.errors);
    }
    Ok(())
}

/// The plain manifests, and then the same from a tool that applies on the server.
#[tokio::test]
async fn the_base_is_applied_by_one_command_and_may_change_hands() -> Outcome {
    let stage = Stage::open().await?;
    let base = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/kustomize/base");
    stage.programs.kubectl(&["apply", "-k", base])?;
    stage.pillion_runs()?;
    stage.programs.kubectl(&["apply", "-k", base])?;
    stage.assert_untouched("applying the base again")?;
    let arguments = ["apply", "--server-side", "--force-conflicts", "-k", base];
    stage.programs.kubectl(&arguments)?;
    stage.assert_untouched("the other kind of apply")?;
    stage
        .programs
        .kubectl(&["delete", "-k", base, "--wait=false"])?;
    for kind in CONFIGURATIONS {
        let left = stage
            .programs
            .try_kubectl(&["get", kind, NAME, "--namespace", NAMESPACE])?;
        assert!(!left.success, "{kind} is left");
    }
    Ok(())
}
