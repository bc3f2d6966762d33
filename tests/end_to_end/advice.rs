//! What `kubectl apply` shows of the pods to come, and that it never holds anything up.

mod entries;
mod namespaces;
mod readme;
mod stage;

use serde_json::{Value, json};

use crate::end_to_end::scene::asks_for_a_pool;
use crate::support::failure::Outcome;
use crate::support::namespace::Namespace;
use crate::support::raw;
use stage::{Stage, asks, workload};

/// The limits of the API server: characters of one warning, and of all together.
const LIMITS: (usize, usize) = (256, 4096);

#[tokio::test]
async fn kubectl_apply_shows_what_will_become_of_the_pods() -> Outcome {
    let stage = Stage::open("advice").await?;
    let mut wrong = asks_for_a_pool();
    wrong["pgbouncer.pillion.dev/port"] = json!("many");
    let pool = "Injected (Applied): pgbouncer: added init containers pgbouncer; volumes";
    let table = [
        (
            "Deployment",
            "wrong",
            wrong,
            "Denied (ParameterInvalid): pgbouncer: annotation pgbouncer.pillion.dev/port of the \
             pod: `many`: ",
        ),
        ("Deployment", "good", asks_for_a_pool(), pool),
        ("StatefulSet", "good", asks_for_a_pool(), pool),
        ("DaemonSet", "good", asks_for_a_pool(), pool),
        (
            "Job",
            "skipped",
            asks("classic"),
            "Skipped (PodMustEnd): classic: the pod must end",
        ),
        ("Job", "good", asks_for_a_pool(), pool),
        ("CronJob", "good", asks_for_a_pool(), pool),
    ];
    for (kind, name, annotations, told) in table {
        let object = workload(kind, name, &annotations);
        let printed = stage.apply(&object)?;
        let start = format!("pillion: pods of this {kind} will be {told}");
        let [warning] = printed.warnings.as_slice() else {
            panic!("{kind}: {printed:?}");
        };
        assert!(warning.starts_with(&start), "{kind}: {printed:?}");
        let resource = stage::resource(kind);
        let created = format!("{resource}/{name} created\n");
        assert_eq!(printed.output, created, "{kind}");
        assert_exists(&stage.namespace, &object).await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_update_that_leaves_the_pod_template_says_nothing() -> Outcome {
    let stage = Stage::open("advice-update").await?;
    for kind in ["Deployment", "StatefulSet", "CronJob"] {
        let mut object = workload(kind, "web", &asks_for_a_pool());
        assert_eq!(stage.apply(&object)?.warnings.len(), 1, "{kind}");
        let calls = stage.calls().await?;
        let (number, annotation) = match kind {
            "CronJob" => ("/spec/successfulJobsHistoryLimit", 7),
            _ => ("/spec/replicas", 2),
        };
        let (parent, field) = number.rsplit_once('/').unwrap_or_default();
        object.pointer_mut(parent).unwrap()[field] = json!(annotation);
        object["metadata"]["annotations"] = json!({"example.com/owner": "us"});
        let printed = stage.apply(&object)?;
        assert_eq!(printed.warnings, [""; 0], "{kind}");
        assert!(printed.output.ends_with(" configured\n"), "{printed:?}");
        assert_eq!(
            stage.calls().await?,
            calls,
            "the API server did not even ask"
        );

        // Nor does this reach the pods, but somebody means it to.
        object["metadata"]["annotations"] = json!({"pillion.dev/inject": "no-such-template"});
        let printed = stage.apply(&object)?;
        let told = format!("the annotation `pillion.dev/inject` of the {kind} does nothing: ");
        assert!(
            printed.warnings.last().unwrap().contains(&told),
            "{kind}: {printed:?}"
        );
        // The API server asks once more where a controller wrote a status in between.
        let calls_for_annotation = stage.calls().await?;
        assert!(calls_for_annotation > calls, "{kind}");

        object["metadata"]["annotations"] = json!({});
        let template = object.pointer_mut(stage::template_of(kind)).unwrap();
        template["metadata"]["annotations"]["pgbouncer.pillion.dev/host"] = json!("other.example");
        let printed = stage.apply(&object)?;
        assert_eq!(printed.warnings.len(), 1, "{kind}: {printed:?}");
        assert!(stage.calls().await? > calls_for_annotation, "{kind}");
    }
    let folder = tempfile::tempdir().unwrap();
    let calls = stage.calls().await?;
    let scale = format!(
        "kubectl -n {} scale deployment/web --replicas=5",
        stage.namespace.name
    );
    let printed = stage.kubectl.shell(folder.path(), &scale)?;
    assert_eq!(printed, "deployment.apps/web scaled\n");
    assert_eq!(stage.calls().await?, calls);
    Ok(())
}

#[tokio::test]
async fn many_warnings_arrive_whole_and_the_most_important_first() -> Outcome {
    let stage = Stage::open("advice-many").await?;
    let talkers: Vec<String> = (10..40).map(|number| format!("talker-{number}")).collect();
    let names = format!("classic,{}", talkers.join(","));
    let object = workload("Job", "many", &asks(&names));
    let printed = stage.apply(&object)?;
    let lengths = printed.warnings.iter().map(|line| line.chars().count());
    assert!(
        lengths.clone().all(|length| length <= LIMITS.0),
        "{printed:?}"
    );
    let together: usize = lengths.sum();
    assert!(together <= LIMITS.1, "{together}: {printed:?}");
    assert!(together > LIMITS.1 - LIMITS.0, "{together}: {printed:?}");
    for (line, talker) in printed.warnings.iter().zip(&talkers) {
        let start =
            format!("pillion: pods of this Job will be Denied (ValidationFailed): {talker}");
        assert!(line.starts_with(&start), "{line}");
        // Cut by us at a word, not by the API server in the middle of one.
        assert!(line.ends_with(" größer…"), "{line}");
    }
    assert_exists(&stage.namespace, &object).await
}

#[tokio::test]
async fn a_finding_is_told_before_what_is_added() -> Outcome {
    let stage = Stage::open("advice-finding").await?;
    let mut object = workload("Deployment", "kept", &asks_for_a_pool());
    let env = json!([{"name": "DATABASE_HOST", "value": "elsewhere.example.com"}]);
    object["spec"]["template"]["spec"]["containers"][0]["env"] = env;
    let printed = stage.apply(&object)?;
    let [finding, verdict] = printed.warnings.as_slice() else {
        panic!("{printed:?}");
    };
    assert!(finding.starts_with("pillion: pgbouncer: "), "{finding}");
    assert!(finding.contains("DATABASE_HOST"), "{finding}");
    assert!(
        verdict.contains(" will be Injected (Applied): "),
        "{verdict}"
    );
    Ok(())
}

#[tokio::test]
async fn nothing_is_held_up_where_the_server_is_gone() -> Outcome {
    let stage = Stage::open("advice-gone").await?;
    let object = workload("Deployment", "good", &asks_for_a_pool());
    let Stage {
        server,
        kubectl,
        namespace,
        ..
    } = stage;
    server.stop().await?;
    let printed = kubectl.apply(&namespace.name, &object)?;
    assert_eq!(printed.warnings, [""; 0]);
    assert_exists(&namespace, &object).await
}

/// The object is there as it was applied, whatever was said of it.
async fn assert_exists(namespace: &Namespace, object: &Value) -> Outcome {
    let kind = object["kind"].as_str().unwrap_or_default();
    let path = format!(
        "/apis/{}/namespaces/{}/{}s/{}",
        object["apiVersion"].as_str().unwrap_or_default(),
        namespace.name,
        kind.to_lowercase(),
        object["metadata"]["name"].as_str().unwrap_or_default(),
    );
    let stored = raw::get(&namespace.client, &path).await?;
    assert!(stored.granted(), "{stored:?}");
    let annotations = format!("{}/metadata/annotations", stage::template_of(kind));
    assert_eq!(
        stored.body.pointer(&annotations),
        object.pointer(&annotations),
        "nothing is patched"
    );
    Ok(())
}
