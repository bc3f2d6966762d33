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
        let client = &stage.namespace.client;
        let answer = raw::merge(client, &path, &patch).await?;
        assert!(answer.granted(), "{answer:?}");
        // A patch is tried on what the API server's watch cache has, and once more if that was old.
        raw::cached(client, &path, &answer.body).await?;
        Outcome::Ok((answer.warnings, calls(&stage.server).await? > before))
    };
    let table = [
        (json!({"labels": {"team": "shop"}}), false, ""),
        (
            json!({"labels": {"pillion.dev/injection": "enable"}}),
            true,
            "pillion: the label pillion.dev/injection is `enable`, which means nothing",
        ),
        // What is wrong was told to who wrote it.
        (json!({"labels": {"team": "bank"}}), false, ""),
        (
            json!({"labels": {"pillion.dev/injection": "enabled"}}),
            true,
            "",
        ),
        (
            json!({"annotations": {"pillion.dev/inject": "pgbouncr"}}),
            true,
            "there is no template `pgbouncr`; did you mean `pgbouncer`?",
        ),
        (
            json!({"annotations": {"pillion.dev/inject": "pgbouncer", "pgbouncer.pillion.dev/port": "many"}}),
            true,
            "pillion: annotation pgbouncer.pillion.dev/port of the namespace: `many`",
        ),
        (
            json!({"annotations": {"pgbouncer.pillion.dev/port": "6432"}}),
            true,
            "",
        ),
    ];
    for (metadata, asked, told) in table {
        let (warnings, was_asked) = edit(&metadata).await?;
        assert_eq!(was_asked, asked, "{metadata}: {warnings:?}");
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
