//! Who edits a Namespace hears what of it means nothing; who edits something else of it hears nothing.

use serde_json::{Value, json};

use super::stage::{Stage, calls};
use crate::support::failure::Outcome;
use crate::support::raw;

#[tokio::test]
async fn whoever_edits_a_namespace_hears_what_means_nothing() -> Outcome {
    let stage = Stage::open("advice-on-namespaces").await?;
    let path = format!("/api/v1/namespaces/{}", stage.namespace.name);
    let edit = async |metadata: &Value| {
        let before = calls(&stage.server).await?;
        let patch = json!({ "metadata": metadata });
        let answer = raw::merge(&stage.namespace.client, &path, &patch).await?;
        assert!(answer.granted(), "{answer:?}");
        Outcome::Ok((answer.warnings, calls(&stage.server).await? - before))
    };
    let table = [
        (json!({"labels": {"team": "shop"}}), 0, ""),
        (
            json!({"labels": {"pillion.dev/injection": "enable"}}),
            1,
            "pillion: the label pillion.dev/injection is `enable`, which means nothing",
        ),
        // What is wrong was told to who wrote it.
        (json!({"labels": {"team": "bank"}}), 0, ""),
        (
            json!({"labels": {"pillion.dev/injection": "enabled"}}),
            1,
            "",
        ),
        (
            json!({"annotations": {"pillion.dev/inject": "pgbouncr"}}),
            1,
            "there is no template `pgbouncr`; did you mean `pgbouncer`?",
        ),
        (
            json!({"annotations": {"pillion.dev/inject": "pgbouncer", "pgbouncer.pillion.dev/port": "many"}}),
            1,
            "pillion: annotation pgbouncer.pillion.dev/port of the namespace: `many`",
        ),
        (
            json!({"annotations": {"pgbouncer.pillion.dev/port": "6432"}}),
            1,
            "",
        ),
    ];
    for (metadata, asked, told) in table {
        let (warnings, calls) = edit(&metadata).await?;
        assert_eq!(calls, asked, "{metadata}: {warnings:?}");
        assert_eq!(
            warnings.len(),
            usize::from(!told.is_empty()),
            "{metadata}: {warnings:?}"
        );
        assert!(
            warnings.iter().all(|one| one.contains(told)),
            "{metadata}: {warnings:?}"
        );
    }
    Ok(())
}
