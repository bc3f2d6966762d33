//! Namespaces as the cluster has them, from their first pod on.

use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::stage::{SOON, Stage, image_of};
use super::{image, spec};
use crate::support::failure::{During, Failure, Outcome};
use crate::support::namespace::Namespace;
use crate::support::raw;
use crate::support::wait::wait_until;

/// How many namespaces are labelled right before a pod.
const LABELLED: usize = 12;

/// How many namespaces are made together with their first pod.
const NEW: usize = 40;

/// Labels and annotations of a namespace are those that it has now.
pub(super) async fn count_as_they_are(stage: &Stage) -> Outcome {
    stage
        .store("", "guest", &spec("guest", &image("1")))
        .await?;
    let annotations = [("pillion.dev/inject", "guest")];
    let namespace = Namespace::named(&stage.client, "relabelled", &[], &annotations).await?;
    let gets = async |wanted: Option<&str>, labels: Value| {
        let api: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(stage.client.clone());
        let patch = Patch::Merge(json!({"metadata": {"labels": labels}}));
        let parameters = PatchParams::default();
        let patched = api.patch(&namespace.name, &parameters, &patch).await;
        patched.during("relabel a namespace")?;
        wait_until(&format!("{wanted:?} after {labels}"), SOON, async || {
            let answer = stage.dry_pod(&namespace.name, &json!({})).await?;
            let found = image_of(&answer.body, "guest");
            if answer.granted() && found.as_deref() == wanted {
                return Ok(());
            }
            Err(format!("{found:?} {}", answer.message()))
        })
        .await
    };
    gets(None, json!({})).await?;
    let first = image("1");
    gets(Some(&first), json!({"pillion.dev/injection": "enabled"})).await?;
    gets(None, json!({"pillion.dev/injection": "disabled"})).await?;
    gets(Some(&first), json!({"pillion.dev/injection": "enabled"})).await?;
    gets(None, json!({"pillion.dev/injection": null})).await
}

/// A pod that comes right behind the label of its namespace: the API server calls for it, and the watch may not
/// have told of the label yet.
pub(super) async fn count_at_once(stage: &Stage) -> Outcome {
    let annotations = [("pillion.dev/inject", "guest")];
    let wanted = image("1");
    for round in 0..LABELLED {
        let name = format!("at-once-{round}");
        let namespace = Namespace::named(&stage.client, &name, &[], &annotations).await?;
        wait_until("the namespace is known", SOON, async || {
            match stage.image(&namespace.name, "guest").await? {
                found if found == wanted => Ok(()),
                found => Err(found),
            }
        })
        .await?;
        let api: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(stage.client.clone());
        let labels = json!({"metadata": {"labels": {"pillion.dev/injection": "enabled"}}});
        let (parameters, patch) = (PatchParams::default(), Patch::Merge(labels));
        let patched = api.patch(&name, &parameters, &patch).await;
        patched.during("label a namespace")?;
        let answer = stage
            .dry_pod(&name, &json!({}))
            .await
            .map_err(Failure::new)?;
        let found = image_of(&answer.body, "guest");
        assert_eq!(
            found.as_deref(),
            Some(wanted.as_str()),
            "{}",
            answer.message()
        );
    }
    Ok(())
}

/// A LimitRange of the cluster is one of the checks'.
pub(super) async fn bound_what_stands_in_them(stage: &Stage) -> Outcome {
    let namespace = Namespace::named(&stage.client, "limited", &[], &[]).await?;
    let asks = json!({"pillion.dev/inject": "guest"});
    let found = async |wanted: bool| {
        wait_until(&format!("a finding: {wanted}"), SOON, async || {
            let answer = stage.dry_pod(&namespace.name, &asks).await?;
            let told = format!("{:?} {}", answer.warnings, answer.message());
            if told.contains("LimitRangeViolated") == wanted {
                return Ok(());
            }
            Err(told)
        })
        .await
    };
    found(false).await?;
    let range = json!({
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": {"name": "sizes"},
        "spec": {"limits": [{"type": "Container", "min": {"memory": "64Mi"}}]},
    });
    let path = "/api/v1/namespaces/limited/limitranges";
    let answer = raw::post(&stage.client, path, &range).await?;
    assert!(answer.granted(), "{answer:?}");
    found(true).await
}

/// A namespace, its ServiceAccount and its first pod in the same moment: no pod is taken for one of
/// a namespace without annotations, and none fails.
pub(super) async fn are_known_when_their_first_pod_comes(stage: &Stage) -> Outcome {
    let labels = json!({"pillion.dev/injection": "enabled"});
    let annotations = json!({"pillion.dev/inject": "guest"});
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..NEW {
        let name = format!("new-{number}");
        let (client, labels, annotations) =
            (stage.client.clone(), labels.clone(), annotations.clone());
        tasks.spawn(async move {
            let namespace = json!({
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": name, "labels": labels, "annotations": annotations},
            });
            let account = json!({
                "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"},
            });
            let inside = format!("/api/v1/namespaces/{name}");
            let pod = crate::end_to_end::scene::pod("first", &json!({}));
            raw::post(&client, "/api/v1/namespaces", &namespace).await?;
            raw::post(&client, &format!("{inside}/serviceaccounts"), &account).await?;
            let answer = raw::post(&client, &format!("{inside}/pods"), &pod).await?;
            Ok::<_, Failure>((name, answer))
        });
    }
    let mut seen = 0;
    while let Some(done) = tasks.join_next().await {
        let (name, answer) = done.during("make a namespace")??;
        assert!(answer.granted(), "{name}: {answer:?}");
        let found = image_of(&answer.body, "guest");
        assert_eq!(found, Some(image("1")), "{name}: {answer:?}");
        seen += 1;
    }
    assert_eq!(seen, NEW);
    Ok(())
}
