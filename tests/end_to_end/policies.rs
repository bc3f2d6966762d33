//! The shipped policies on a real API server: that no pod which asked comes out bare, and that
//! only who may changes what a namespace says.
//!
//! The first must agree with the engine about who asks: a table of pods and namespaces is asked
//! without the webhook, where everybody who asks is refused, and with it, where nobody is.

mod guard;
mod install;
mod mandatory_helpers;
mod places;

use std::sync::Arc;

use pillion::inject::selection::{Selection, SelectionInput, select};
use pillion::inject::{Namespace as Facts, Settings};
use pillion::review::pod::Dictionary;
use pillion::template::{Catalog, Source};
use serde::Deserialize as _;
use serde_json::{Value, json};

use crate::end_to_end::pods::templates_with_status;
use crate::end_to_end::scene::pod;
use crate::support::control_plane::ControlPlane;
use crate::support::failure::Outcome;
use crate::support::namespace::Namespace;
use places::Place;

/// The pod's label, `None` for none.
const LABELS: [Option<&str>; 5] = [None, Some("true"), Some("false"), Some("maybe"), Some("")];

/// The pod's annotation.
const LISTS: [Option<&str>; 11] = [
    None,
    Some(""),
    Some(" ,\n,\t , -, "),
    Some("helper"),
    Some("  helper ,\n\n other "),
    Some("skipped\nshadowed"),
    Some("helper,- helper"),
    Some("-helper"),
    Some("-helper,-other"),
    Some("- other , helper"),
    Some("no-such-template"),
];

const REFUSED_BY_POLICY: &str = "ValidatingAdmissionPolicy 'pillion-require-injection'";

#[tokio::test]
async fn who_asks_is_refused_without_the_webhook_and_taken_with_it() -> Outcome {
    let client = ControlPlane::shared().await?.client()?;
    let places = places::create(&client).await?;
    let namespaces: Vec<_> = places.iter().map(|place| &place.namespace).collect();
    install::require_injection(&client, &namespaces).await?;

    let mut asking = 0;
    for (place, pod) in cells(&places) {
        let told = format!("{place:?} {}", pod["metadata"]);
        let answer = place.namespace.create_pod("dryRun=All", &pod).await?;
        let asks = asks(place, &pod);
        asking += usize::from(asks);
        assert_eq!(answer.granted(), !asks, "{told}: {answer:?}");
        let message = answer.message();
        assert!(!asks || message.contains(REFUSED_BY_POLICY), "{message}");
    }
    let cells_in_all = cells(&places).count();
    assert!(asking > 100 && cells_in_all - asking > 100, "{asking}");

    let folder = tempfile::tempdir().unwrap();
    let _server = places::serve(folder.path(), &places).await?;
    for (place, pod) in cells(&places) {
        let told = format!("{place:?} {}", pod["metadata"]);
        let answer = place.namespace.create_pod("dryRun=All", &pod).await?;
        // A label that is no boolean, and a template that nobody has, are refused by Pillion.
        let message = answer.message();
        assert!(!message.contains(REFUSED_BY_POLICY), "{told}: {message}");
        match selected(place, &pod) {
            Some(templates) => {
                assert!(answer.granted(), "{told}: {answer:?}");
                let found = templates_with_status(&answer.body);
                assert_eq!(found, templates, "{told}");
            }
            None => assert!(message.contains("denied the request"), "{told}: {answer:?}"),
        }
    }
    Ok(())
}

fn cells(places: &[Place]) -> impl Iterator<Item = (&Place, Value)> {
    places.iter().flat_map(|place| {
        LABELS.into_iter().flat_map(move |label| {
            LISTS.into_iter().map(move |list| {
                let mut pod = pod("cell", &json!({}));
                if let Some(label) = label {
                    pod["metadata"]["labels"] = json!({"pillion.dev/inject": label});
                }
                if let Some(list) = list {
                    pod["metadata"]["annotations"] = json!({"pillion.dev/inject": list});
                }
                (place, pod)
            })
        })
    })
}

/// The templates that the engine selects, sorted; `None` where it refuses the pod.
fn selected(place: &Place, pod: &Value) -> Option<Vec<String>> {
    let sources = places::templates().map(|(name, document)| Source {
        path: format!("{name}.yaml"),
        text: document.to_string(),
    });
    let (catalog, errors) = Catalog::load(&sources, None);
    assert!(errors.is_empty(), "{errors:?}");
    let texts = |value: &Value| serde_json::from_value(value.clone()).unwrap_or_default();
    let manifest = place.manifest();
    let facts = Facts {
        labels: texts(&manifest["metadata"]["labels"]),
        annotations: texts(&manifest["metadata"]["annotations"]),
        ..Facts::default()
    };
    let asked = SelectionInput {
        namespace: &place.namespace.name,
        namespace_object: &facts,
        labels: &Dictionary::deserialize(&pod["metadata"]["labels"]).unwrap_or_default(),
        annotations: &Dictionary::deserialize(&pod["metadata"]["annotations"]).unwrap_or_default(),
        from_node: false,
    };
    match select(&catalog, &Settings::default(), asked) {
        Selection::Templates(templates) => {
            let names = templates
                .iter()
                .map(|template: &Arc<_>| template.name.clone());
            let mut names: Vec<_> = names.collect();
            names.sort();
            Some(names)
        }
        Selection::Nothing(why) if why.reason.http_code() == 200 => Some(Vec::new()),
        Selection::Nothing(_) => None,
    }
}

/// Whether the engine would do anything about the pod but leave it alone.
fn asks(place: &Place, pod: &Value) -> bool {
    selected(place, pod).is_none_or(|templates| !templates.is_empty())
}

/// A namespace of one test with the policy, without labels.
async fn lone(prefix: &str) -> Outcome<Namespace> {
    let client = ControlPlane::shared().await?.client()?;
    let namespace = Namespace::create(&client, prefix, &[], &[]).await?;
    install::require_injection(&client, &[&namespace]).await?;
    Ok(namespace)
}

fn with_status(list: &str, statuses: &[(&str, &str)]) -> Value {
    let mut annotations = json!({"pillion.dev/inject": list});
    for (template, status) in statuses {
        annotations[format!("pillion.dev/status.{template}")] = json!(status);
    }
    pod("copied", &annotations)
}

#[tokio::test]
async fn a_status_must_be_true_of_the_containers() -> Outcome {
    let namespace = lone("policy-status").await?;
    let status = |lists: &str| {
        format!(r#"{{"verdict":"Injected","reason":"Applied","revision":"a1"{lists}}}"#)
    };
    let lacks = "lacks containers that its status names as added, in the annotation pillion.dev/status.helper";
    let sees = "carries no annotation pillion.dev/status.<template> for";
    let none = status("");
    let long = status(&format!(r#","message":"{}""#, "x".repeat(64 * 1024)));
    let taken = [
        status(r#","containers":["app"]"#),
        status(r#","volumes":["app-data"],"labels":["x"]"#),
        status(r#","containers":{"app":"00000000000000aa"}"#),
        status(r#","volumes":{"app-data":"aa"},"labels":{"x":"bb"}"#),
        status(r#","edited":{"containers":["env/A"],"app":["env/A"]}"#),
        status(r#","containers":["app"],"message":"\"initContainers\":[\"gone\"]""#),
        long,
        // No proof against forgery.
        "not JSON".to_owned(),
    ];
    for status in &taken {
        let pod = with_status("helper", &[("helper", status)]);
        let answer = namespace.create_pod("dryRun=All", &pod).await?;
        assert!(answer.granted(), "{status:.100}: {answer:?}");
    }
    let refused = [
        (vec![("helper", status(r#","containers":["gone"]"#))], lacks),
        (
            vec![("helper", status(r#","containers":["app","gone"]"#))],
            lacks,
        ),
        (
            vec![("helper", status(r#","initContainers":["gone"]"#))],
            lacks,
        ),
        (
            vec![(
                "helper",
                status(r#","containers":["app"],"initContainers":["gone"],"volumes":["v"]"#),
            )],
            lacks,
        ),
        (
            vec![(
                "helper",
                status(r#","containers":{"app":"aa","gone":"bb"}"#),
            )],
            lacks,
        ),
        (
            vec![(
                "helper",
                status(
                    r#","containers":{"app":"aa"},"initContainers":{"gone":"bb"},"volumes":{"v":"cc"}"#,
                ),
            )],
            lacks,
        ),
        (vec![("other", none.clone())], sees),
        (vec![("helpe", none.clone())], sees),
    ];
    for (statuses, told) in &refused {
        let statuses: Vec<_> = statuses.iter().map(|(t, s)| (*t, s.as_str())).collect();
        let pod = with_status("helper", &statuses);
        let answer = namespace.create_pod("dryRun=All", &pod).await?;
        assert_eq!(answer.status, 403, "{answer:?}");
        assert!(answer.message().contains(told), "{answer:?}");
        assert!(answer.message().contains("helper"), "{answer:?}");
    }
    // What was left behind by templates that nobody asks for any more is nobody's concern.
    let mut out = with_status(
        "helper",
        &[("helper", &status(r#","containers":["gone"]"#))],
    );
    out["metadata"]["labels"] = json!({"pillion.dev/inject": "false"});
    let other = with_status("", &[("helper", &status(r#","containers":["gone"]"#))]);
    for pod in [out, other] {
        let answer = namespace.create_pod("dryRun=All", &pod).await?;
        assert!(answer.granted(), "{answer:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_copy_without_its_annotations_is_refused() -> Outcome {
    let namespace = lone("policy-copy").await?;
    let key = "pillion.dev/file.pgbouncer-config.pgbouncer.ini";
    let mut injected = pod("copied", &json!({ key: "[databases]" }));
    injected["spec"]["volumes"] = json!([{"name": "pgbouncer-config", "downwardAPI": {"items": [{
        "path": "pgbouncer.ini",
        "fieldRef": {"fieldPath": format!("metadata.annotations['{key}']")},
    }]}}]);
    injected["spec"]["initContainers"] = json!([{
        "name": "pgbouncer", "image": "pgbouncer:1", "restartPolicy": "Always",
        "volumeMounts": [{"name": "pgbouncer-config", "mountPath": "/etc/pgbouncer"}],
    }]);
    let mut copied = injected.clone();
    copied["metadata"]["annotations"] = json!({"other": "x"});
    let mut without_helpers = copied.clone();
    without_helpers["spec"]["initContainers"] = json!([]);
    for pod in [injected, without_helpers] {
        let answer = namespace.create_pod("dryRun=All", &pod).await?;
        assert!(answer.granted(), "{answer:?}");
    }
    let answer = namespace.create_pod("dryRun=All", &copied).await?;
    assert_eq!(answer.status, 403, "{answer:?}");
    for told in ["volumes pgbouncer-config", "--keep-annotations=true"] {
        assert!(answer.message().contains(told), "{answer:?}");
    }
    Ok(())
}

#[tokio::test]
async fn long_annotations_stay_within_the_budget() -> Outcome {
    let namespace = lone("policy-cost").await?;
    let size = 64 * 1024;
    let status = r#"{"verdict":"Injected","reason":"Applied","revision":"a1"}"#;
    let lists = [
        format!("helper{}", ",".repeat(size)),
        format!("helper{}", "\n ".repeat(size / 2)),
        format!("helper{}", ",-x".repeat(size / 3)),
        format!("helper{}", ",helper".repeat(size / 7)),
    ];
    for list in &lists {
        let answer = namespace
            .create_pod("dryRun=All", &with_status(list, &[("helper", status)]))
            .await?;
        assert!(answer.granted(), "{:.60}: {:.600}", list, answer.message());
    }
    // Names that nobody has are refused in any case, and the message stays short.
    let names: Vec<_> = (0..size / 6)
        .map(|number| format!("t{number:04x}"))
        .collect();
    for list in [names.join(","), "x".repeat(size)] {
        let answer = namespace
            .create_pod("dryRun=All", &with_status(&list, &[]))
            .await?;
        assert!(!answer.granted(), "{list:.60}");
        let message = answer.message();
        assert!(message.contains("pillion.dev/inject"), "{message:.600}");
        assert!(message.len() < 1500, "{message:.3000}");
    }
    Ok(())
}

/// Edge 10: the status of a skipped template is left out where the annotations would be too large
/// with it. Nothing shows then that Pillion saw the pod, and the policy refuses it.
#[tokio::test]
async fn a_status_that_did_not_fit_is_missed() -> Outcome {
    let client = ControlPlane::shared().await?.client()?;
    let places = vec![places::plain(&client).await?];
    install::require_injection(&client, &[&places[0].namespace]).await?;
    let folder = tempfile::tempdir().unwrap();
    let _server = places::serve(folder.path(), &places).await?;
    let namespace = &places[0].namespace;
    let mut pod = pod("full", &json!({"pillion.dev/inject": "skipped"}));
    let answer = namespace.create_pod("dryRun=All", &pod).await?;
    assert_eq!(templates_with_status(&answer.body), ["skipped"]);
    pod["metadata"]["annotations"]["filler"] = json!("x".repeat(256 * 1024 - 60));
    let answer = namespace.create_pod("dryRun=All", &pod).await?;
    assert!(!answer.granted());
    let message = answer.message();
    assert!(
        message.contains("could not write so large an annotation"),
        "{message:.600}"
    );
    Ok(())
}

#[tokio::test]
async fn mirror_pods_of_nodes_are_let_through() -> Outcome {
    let namespace = lone("policy-mirror").await?;
    let control_plane = ControlPlane::shared().await?;
    let mut mirror = pod(
        "mirror",
        &json!({
            "pillion.dev/inject": "helper",
            "kubernetes.io/config.mirror": "a1",
            "kubernetes.io/config.source": "file",
        }),
    );
    mirror["spec"]["nodeName"] = json!("node-1");
    let groups = ["system:nodes", "system:masters"];
    let node = Namespace {
        client: control_plane.client_as("system:node:node-1", &groups)?,
        name: namespace.name.clone(),
    };
    let answer = node.create_pod("dryRun=All", &mirror).await?;
    assert!(answer.granted(), "{answer:?}");
    // The annotation alone is not believed.
    let answer = namespace.create_pod("dryRun=All", &mirror).await?;
    assert_eq!(answer.status, 403, "{answer:?}");
    assert!(answer.message().contains(REFUSED_BY_POLICY), "{answer:?}");
    Ok(())
}
