//! What the ServiceAccount may do, and what the caller may not ask.

use super::installation::{Installation, doctor};
use super::{expect, unwell};
use crate::support::failure::{During, Outcome};

#[tokio::test]
async fn rights_that_are_missing_or_too_many_are_told() -> Outcome {
    let installation = Installation::create().await?;
    expect(&installation, "a healthy installation", &[]).await?;

    installation.unbind("pillion").await?;
    let report = expect(&installation, "no binding", &["Permissions failure"]).await?;
    assert!(
        report.says("may not list clusterinjectiontemplates of pillion.dev everywhere"),
        "{report:?}"
    );
    installation.bind("pillion", "pillion").await?;
    installation.bind("too-much", "cluster-admin").await?;
    let report = expect(&installation, "too much", &["Permissions failure"]).await?;
    assert!(report.says("may get secrets everywhere"), "{report:?}");
    installation.unbind("too-much").await?;
    expect(&installation, "all is well again", &[]).await?;

    // Who may read nothing is told so, line by line.
    let report = installation.doctor_as("nobody")?;
    assert_eq!(report.status, 0, "{report:?}");
    let unwell = unwell(&report);
    assert!(unwell.len() > 10, "{unwell:?}");
    assert!(
        unwell.iter().all(|line| line.ends_with("warning")),
        "{unwell:?}"
    );
    assert!(
        report.says("to know it you need: get deployments"),
        "{report:?}"
    );

    // The same for people.
    let text = installation.text()?;
    assert!(text.contains("ok       ApiServer"), "{text}");
    assert!(text.contains(", 0 warnings, 0 failures"), "{text}");
    Ok(())
}

#[test]
fn a_cluster_that_does_not_answer_is_exit_status_2() -> Outcome {
    let folder = tempfile::tempdir().during("make a folder")?;
    let kubeconfig = folder.path().join("kubeconfig");
    let text = r#"{"apiVersion": "v1", "kind": "Config", "current-context": "x",
        "clusters": [{"name": "x", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "x", "user": {}}],
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}]}"#;
    std::fs::write(&kubeconfig, text).during("write a kubeconfig")?;
    let output = doctor(&kubeconfig, &[])?;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("failed to ask the API server"), "{said}");
    Ok(())
}
