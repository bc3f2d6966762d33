//! Which workloads the API server asks about: every cell of selectors and match conditions, and
//! what the server says to those that come.

use std::fs;

use kube::Client;
use serde_json::{Value, json};

use super::stage::{asks, calls, template_of, workload};
use crate::end_to_end::scene::program;
use crate::support::control_plane::ControlPlane;
use crate::support::failure::{During, Outcome};
use crate::support::namespace::Namespace;
use crate::support::pillion::{Identity, Pillion, Settings};
use crate::support::raw::{self, Answer};
use crate::support::webhook::register_advice;

/// How a namespace's name begins, and its labels.
type Kind = (&'static str, &'static [(&'static str, &'static str)]);

const PLACES: [Kind; 4] = [
    ("advice-plain", &[]),
    ("advice-disabled", &[("pillion.dev/injection", "disabled")]),
    ("advice-enabled", &[("pillion.dev/injection", "enabled")]),
    ("advice-mandatory", &[("pillion.dev/mandatory", "")]),
];

/// The template that enabled namespaces ask for.
const LISTED: (&str, &str) = ("pillion.dev/inject", "wait-for");

/// The pod's label, and whether it asks for a template; then for each of [`PLACES`] whether the
/// server is asked, and what it says.
type Row = (Option<&'static str>, bool, [(bool, &'static str); 4]);

const SILENT: (bool, &str) = (false, "");
const HEARD: (bool, &str) = (true, "");
const ADDED: (bool, &str) = (true, "Injected (Applied)");
const KEPT_OUT: (bool, &str) = (true, "Unchanged (NamespaceDisabled)");
const WRONG: (bool, &str) = (true, "Denied (LabelInvalid)");

#[rustfmt::skip]
const TABLE: [Row; 7] = [
    (None,          false, [SILENT, SILENT,   ADDED,  HEARD]),
    (None,          true,  [ADDED,  KEPT_OUT, ADDED,  ADDED]),
    (Some("true"),  false, [HEARD,  ADDED,    ADDED,  ADDED]),
    (Some("true"),  true,  [ADDED,  ADDED,    ADDED,  ADDED]),
    (Some("false"), false, [SILENT, SILENT,   SILENT, HEARD]),
    (Some("false"), true,  [SILENT, SILENT,   SILENT, HEARD]),
    (Some("maybe"), true,  [WRONG,  WRONG,    WRONG,  WRONG]),
];

#[tokio::test]
async fn the_api_server_asks_where_somebody_may_ask_for_a_template() -> Outcome {
    let control_plane = ControlPlane::shared().await?;
    let client = control_plane.client()?;
    let mut places = Vec::new();
    for (prefix, labels) in PLACES {
        let annotations = if labels.is_empty() {
            &[][..]
        } else {
            &[LISTED]
        };
        places.push(Namespace::create(&client, prefix, labels, annotations).await?);
    }
    let server = serve(&places).await?;
    for (label, asking, cells) in TABLE {
        for (place, (is_asked, told)) in places.iter().zip(cells) {
            for kind in ["Deployment", "CronJob"] {
                let at = format!("{label:?}, asking {asking}, {kind} in {place:?}");
                let before = calls(&server).await?;
                let answer = create(place, &object(kind, label, asking)).await?;
                assert!(answer.granted(), "{at}: {answer:?}");
                let asked = calls(&server).await? - before;
                assert_eq!(asked, u64::from(is_asked), "{at}: {answer:?}");
                let first = answer.warnings.first().map_or("", String::as_str);
                assert_eq!(first.is_empty(), told.is_empty(), "{at}: {answer:?}");
                assert!(first.contains(told), "{at}: {answer:?}");
            }
        }
    }
    made_by_a_controller(&places, &server).await?;
    system_namespaces(&client, &server).await
}

/// What a controller makes is not asked about, its owner was.
async fn made_by_a_controller(places: &[Namespace], server: &Pillion) -> Outcome {
    let before = calls(server).await?;
    for place in places {
        let mut job = object("Job", None, true);
        job["metadata"]["ownerReferences"] = json!([{
            "apiVersion": "batch/v1", "kind": "CronJob", "name": "nightly",
            "uid": "0b2e7f6a-5a57-4c0f-8f1e-3d0d6c1c5a10", "controller": true,
        }]);
        let answer = create(place, &job).await?;
        assert!(answer.granted() && answer.warnings.is_empty(), "{answer:?}");
    }
    assert_eq!(calls(server).await?, before);
    Ok(())
}

/// The namespaces of Kubernetes are left out, although the registration offers them.
async fn system_namespaces(client: &Client, server: &Pillion) -> Outcome {
    let before = calls(server).await?;
    for name in ["kube-system", "kube-public", "kube-node-lease"] {
        let place = Namespace {
            client: client.clone(),
            name: name.to_owned(),
        };
        let answer = create(&place, &object("Deployment", Some("true"), true)).await?;
        assert!(answer.granted() && answer.warnings.is_empty(), "{answer:?}");
    }
    assert_eq!(calls(server).await?, before);
    Ok(())
}

/// A server that knows the namespaces.
async fn serve(places: &[Namespace]) -> Outcome<Pillion> {
    let folder = tempfile::tempdir().during("make a folder for namespaces")?;
    let file = folder.path().join("namespaces.json");
    let items: Vec<Value> = places.iter().zip(PLACES).map(manifest).collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
    fs::write(&file, list.to_string()).during("write the namespaces")?;
    let file = file.display().to_string();
    let arguments = ["--namespace-manifest", &file];
    let mut settings = Settings::new(program());
    settings.arguments = &arguments;
    let identity = Identity::new()?;
    let server = Pillion::start(&settings, &identity).await?;
    let places: Vec<&Namespace> = places.iter().collect();
    register_advice(server.webhook.port(), identity.authority(), &places).await?;
    Ok(server)
}

fn manifest((place, (_, labels)): (&Namespace, Kind)) -> Value {
    let mut all = json!({"kubernetes.io/metadata.name": place.name});
    for (key, value) in labels {
        all[*key] = json!(value);
    }
    let mut annotations = json!({});
    if !labels.is_empty() {
        annotations[LISTED.0] = json!(LISTED.1);
        annotations["wait-for.pillion.dev/targets"] = json!("db.example.com:5432");
    }
    json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": place.name, "labels": all, "annotations": annotations},
    })
}

fn object(kind: &str, label: Option<&str>, asking: bool) -> Value {
    let mut annotations = json!({});
    if asking {
        annotations = asks("log-shipper");
    }
    let mut object = workload(kind, "cell", &annotations);
    let labels = format!("{}/metadata/labels", template_of(kind));
    if let (Some(label), Some(labels)) = (label, object.pointer_mut(&labels)) {
        labels["pillion.dev/inject"] = json!(label);
    }
    object
}

async fn create(place: &Namespace, object: &Value) -> Outcome<Answer> {
    let kind = object["kind"].as_str().unwrap_or_default().to_lowercase();
    let version = object["apiVersion"].as_str().unwrap_or_default();
    let path = format!(
        "/apis/{version}/namespaces/{}/{kind}s?dryRun=All",
        place.name
    );
    raw::post(&place.client, &path, object).await
}
