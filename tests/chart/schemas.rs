//! Every rendering against the schemas of the API server itself, by kubeconform.
//!
//! `/openapi/v3` has them all: Kubernetes' own kinds, ours, and cert-manager's, whose definitions
//! the test installs. They are made strict, so that a misspelt field is found. The kinds of the
//! Prometheus operator are left out: its definitions are in no registry that the tests reach.

use std::fs;
use std::path::Path;
use std::time::Duration;

use kube::Client;
use serde_json::{Map, Value, json};

use crate::chart::programs::{Programs, tools, values};
use crate::support::control_plane::ControlPlane;
use crate::support::failure::{During, Outcome};
use crate::support::raw;
use crate::support::wait::wait_until;

/// Kinds without a schema here.
const LEFT_OUT: &str = "ServiceMonitor,PrometheusRule";

/// Where kubeconform finds the schema of a kind, below the folder.
const LAYOUT: &str = "{{ .Group }}/{{ .ResourceAPIVersion }}/{{ .ResourceKind }}.json";

#[tokio::test]
async fn every_rendering_is_what_the_api_server_takes() -> Outcome {
    let control_plane = ControlPlane::shared().await?;
    let programs = Programs::of(control_plane.kubeconfig())?;
    let folder = tempfile::tempdir().during("make a folder for schemas")?;
    let awaited = install_definitions(&programs)?;
    write_schemas(&control_plane.client()?, folder.path(), &awaited).await?;
    let location = format!("{}/{LAYOUT}", folder.path().display());
    let check = |file: &str| {
        programs.kubeconform(&[
            "-strict",
            "-summary",
            "-skip",
            LEFT_OUT,
            "-schema-location",
            &location,
            file,
        ])
    };
    for (name, file) in values()? {
        let file = programs.file("rendered.yaml", &programs.render(&["--values", &file])?)?;
        let ended = check(&file)?;
        assert!(ended.success, "{name}: {}{}", ended.output, ended.errors);
        assert!(
            ended.output.contains("Invalid: 0, Errors: 0"),
            "{}",
            ended.output
        );
    }
    // A check that finds nothing proves nothing.
    for (right, wrong) in [
        ("maxUnavailable: 1", "maxUnavailabel: 1"),
        ("revisionHistoryLimit: 3", "revisionHistoryLimit: three"),
        ("reinvocationPolicy: IfNeeded", "reinvocation: IfNeeded"),
        ("secretName: pillion-tls", "secret: pillion-tls"),
    ] {
        let rendered = programs.render(&["--set", "certificates.mode=certManager"])?;
        assert!(rendered.contains(right), "{right}");
        let file = programs.file("wrong.yaml", &rendered.replacen(right, wrong, 1))?;
        let ended = check(&file)?;
        assert!(!ended.success, "{wrong} was taken");
    }
    Ok(())
}

/// Installs cert-manager's definitions and ours; the kinds that the API server must then know, with
/// the paths of their groups.
fn install_definitions(programs: &Programs) -> Outcome<Vec<(&'static str, &'static str)>> {
    let theirs = tools()?.join("cert-manager").display().to_string();
    programs.kubectl(&["apply", "--server-side", "-f", &theirs])?;
    let ours = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/deploy/chart/pillion/files/crds"
    );
    programs.kubectl(&["apply", "--server-side", "-f", ours])?;
    Ok(vec![
        ("apis/cert-manager.io/v1", "Certificate"),
        ("apis/cert-manager.io/v1", "Issuer"),
        ("apis/pillion.dev/v1alpha1", "ClusterInjectionTemplate"),
        ("apis/pillion.dev/v1alpha1", "InjectionTemplate"),
    ])
}

/// The document of one group, without the hash of the index, which a moment later may be another.
async fn document(client: &Client, group: &str) -> Outcome<Value> {
    let answer = raw::get(client, &format!("/openapi/v3/{group}")).await?;
    Ok(answer.body)
}

/// Writes a schema for each kind of each group that the API server knows.
async fn write_schemas(client: &Client, folder: &Path, awaited: &[(&str, &str)]) -> Outcome {
    for (group, kind) in awaited {
        let what = format!("the schema of {kind}");
        wait_until(&what, Duration::from_mins(1), async || {
            let document = document(client, group).await;
            let document = document.map_err(|failure| failure.to_string())?;
            let known = kinds(&document).any(|(_, _, known, _)| known == *kind);
            known.then_some(()).ok_or_else(|| "not there".to_owned())
        })
        .await?;
    }
    let index = raw::get(client, "/openapi/v3").await?.body;
    for group in index["paths"].as_object().into_iter().flatten() {
        let mut document = document(client, group.0).await?;
        let found: Vec<_> = kinds(&document).collect();
        let mut components = document["components"].take();
        make_strict(&mut components);
        for (group, version, kind, name) in found {
            let schema = json!({
                "$ref": format!("#/components/schemas/{name}"),
                "components": components,
            });
            // The core group has only a version, which kubeconform takes for both.
            let group = if group.is_empty() {
                version.clone()
            } else {
                group
            };
            let folder = folder.join(group).join(version);
            fs::create_dir_all(&folder).during("make a folder for schemas")?;
            let file = folder.join(format!("{}.json", kind.to_lowercase()));
            fs::write(file, schema.to_string()).during("write a schema")?;
        }
    }
    Ok(())
}

/// Group, version, kind and schema of what a document describes.
fn kinds(document: &Value) -> impl Iterator<Item = (String, String, String, String)> {
    let schemas = document["components"]["schemas"].as_object();
    schemas.into_iter().flatten().filter_map(|(name, schema)| {
        let kinds = schema["x-kubernetes-group-version-kind"].as_array()?;
        // Options and the like are of every group; a kind of an API is of one.
        let [kind] = kinds.as_slice() else {
            return None;
        };
        let text = |key: &str| kind[key].as_str().unwrap_or_default().to_owned();
        Some((text("group"), text("version"), text("kind"), name.clone()))
    })
}

/// Refuses fields that an object with named fields does not name.
fn make_strict(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if is_closed(fields) {
                fields.insert("additionalProperties".to_owned(), json!(false));
            }
            fields.values_mut().for_each(make_strict);
        }
        Value::Array(items) => items.iter_mut().for_each(make_strict),
        _ => {}
    }
}

fn is_closed(fields: &Map<String, Value>) -> bool {
    fields.get("properties").is_some_and(Value::is_object)
        && fields.get("type") == Some(&json!("object"))
        && !fields.contains_key("additionalProperties")
        && fields.get("x-kubernetes-preserve-unknown-fields") != Some(&json!(true))
}
