//! Who decides whether a pod is injected, and with what: every cell of the table, as the API
//! server's selectors and match conditions and the server behind them decide it together.
//!
//! The order is: excluded namespaces, mandatory templates, the pod's label, a disabled
//! namespace, the pod's annotation, the namespace. The API server's audit log tells which
//! entry of the webhook configuration was called, so that no pod comes twice, and none in vain.

mod gates;
mod namespaces;
mod templates;

use serde_json::{Value, json};

use crate::end_to_end::pods::{names, templates_with_status};
use crate::end_to_end::scene::pod;
use crate::support::audit::calls_before;
use crate::support::control_plane::ControlPlane;
use crate::support::failure::Outcome;
use namespaces::{Injection, Place};
use templates::{BY_NAMESPACE, BY_POD, BY_SELECTOR, REQUIRED};

/// Whether the namespace has the label `pillion.dev/injection`, the value of the pod's label
/// `pillion.dev/inject`, and whether the pod asks by annotation; then the entry of the webhook
/// configuration that is called, and the templates that apply where the namespace has an
/// annotation and is not mandatory.
type Cell = (
    Injection,
    Option<&'static str>,
    bool,
    Option<&'static str>,
    &'static [&'static str],
);

#[rustfmt::skip]
const TABLE: [Cell; 18] = [
    (Injection::None,     None,          false, None,               &[]),
    (Injection::None,     None,          true,  Some("annotation"), &[BY_POD]),
    (Injection::None,     Some("true"),  false, Some("pod"),        &[BY_NAMESPACE, BY_SELECTOR]),
    (Injection::None,     Some("true"),  true,  Some("pod"),        &[BY_NAMESPACE, BY_POD, BY_SELECTOR]),
    (Injection::None,     Some("false"), false, None,               &[]),
    (Injection::None,     Some("false"), true,  None,               &[]),
    (Injection::Enabled,  None,          false, Some("namespace"),  &[BY_NAMESPACE, BY_SELECTOR]),
    (Injection::Enabled,  None,          true,  Some("annotation"), &[BY_NAMESPACE, BY_POD, BY_SELECTOR]),
    (Injection::Enabled,  Some("true"),  false, Some("pod"),        &[BY_NAMESPACE, BY_SELECTOR]),
    (Injection::Enabled,  Some("true"),  true,  Some("pod"),        &[BY_NAMESPACE, BY_POD, BY_SELECTOR]),
    (Injection::Enabled,  Some("false"), false, None,               &[]),
    (Injection::Enabled,  Some("false"), true,  None,               &[]),
    (Injection::Disabled, None,          false, None,               &[]),
    (Injection::Disabled, None,          true,  None,               &[]),
    (Injection::Disabled, Some("true"),  false, Some("pod"),        &[BY_NAMESPACE, BY_SELECTOR]),
    (Injection::Disabled, Some("true"),  true,  Some("pod"),        &[BY_NAMESPACE, BY_POD, BY_SELECTOR]),
    (Injection::Disabled, Some("false"), false, None,               &[]),
    (Injection::Disabled, Some("false"), true,  None,               &[]),
];

/// The table's answer for one namespace: without an annotation it asks for nothing, and a
/// mandatory one adds its template to whatever applies, through an entry of its own.
fn expected(cell: &Cell, place: &Place) -> (Option<&'static str>, Vec<&'static str>) {
    let (_, _, _, entry, templates) = cell;
    let listed = templates.iter().copied();
    let mut listed: Vec<_> = listed
        .filter(|name| place.asks || *name != BY_NAMESPACE)
        .collect();
    if place.mandatory {
        listed.push(REQUIRED);
        return (Some("mandatory"), listed);
    }
    (*entry, listed)
}

#[tokio::test]
async fn every_cell_of_the_precedence_table() -> Outcome {
    let control_plane = ControlPlane::shared().await?;
    let places = namespaces::create(&control_plane.client()?).await?;
    let folder = tempfile::tempdir().unwrap();
    let _server = templates::serve(folder.path(), &places).await?;
    let configuration = gates::configuration(&places).await?;
    for place in &places {
        let cells = TABLE.iter().filter(|cell| cell.0 == place.injection);
        for cell in cells {
            let (entry, templates) = expected(cell, place);
            let told = format!("{cell:?} in {place:?}");
            let pod = cell_pod(cell.1, cell.2);
            let answer = place.namespace.create_pod("dryRun=All", &pod).await?;
            assert!(answer.granted(), "{told}: {answer:?}");
            assert_eq!(templates_with_status(&answer.body), templates, "{told}");
            let mut helpers = names(&answer.body, "/spec/initContainers");
            helpers.sort_unstable();
            assert_eq!(helpers, templates, "{told}");

            let calls = calls_before(control_plane, &answer).await?;
            let first = calls.iter().filter(|call| call.round == 0);
            let called: Vec<_> = first.map(|call| call.webhook.as_str()).collect();
            let entry = entry.map(|entry| format!("{entry}.pillion.dev"));
            assert_eq!(
                called,
                entry.as_deref().into_iter().collect::<Vec<_>>(),
                "{told}"
            );
            let explained = gates::called(&configuration, place, &pod);
            assert_eq!(explained, called, "explain, {told}");
        }
    }
    Ok(())
}

/// The namespaces of Kubernetes and of Pillion come first: not even a mandatory template, or
/// a template that does not exist, is noticed there.
#[tokio::test]
async fn excluded_namespaces_are_never_touched() -> Outcome {
    let control_plane = ControlPlane::shared().await?;
    let client = control_plane.client()?;
    let places = vec![namespaces::mandatory(&client).await?];
    let folder = tempfile::tempdir().unwrap();
    let _server = templates::serve(folder.path(), &places).await?;
    for name in [
        "kube-system",
        "kube-public",
        "kube-node-lease",
        "pillion-system",
    ] {
        let namespace = namespaces::system(&client, name).await?;
        let mut pod = pod(
            "excluded",
            &json!({"pillion.dev/inject": "no-such-template"}),
        );
        pod["metadata"]["labels"] = json!({"pillion.dev/inject": "true"});
        let answer = namespace.create_pod("dryRun=All", &pod).await?;
        assert!(answer.granted(), "{name}: {answer:?}");
        assert!(templates_with_status(&answer.body).is_empty(), "{name}");
        let calls = calls_before(control_plane, &answer).await?;
        assert_eq!(calls, [], "{name}");
    }
    Ok(())
}

fn cell_pod(label: Option<&str>, asks: bool) -> Value {
    let mut pod = pod("cell", &json!({}));
    if let Some(label) = label {
        pod["metadata"]["labels"] = json!({"pillion.dev/inject": label});
    }
    if asks {
        pod["metadata"]["annotations"] = json!({"pillion.dev/inject": BY_POD});
    }
    pod
}
