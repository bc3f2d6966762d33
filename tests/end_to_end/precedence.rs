//! Who decides whether a pod is injected, and with what: every cell of the table, as the API
//! server's selectors and match conditions and the server behind them decide it together.
//!
//! The order is: excluded namespaces, mandatory templates, the pod's label, a disabled
//! namespace, the pod's annotation, the namespace.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde_json::json;

use crate::pods::{names, templates_with_status};
use crate::scene::{pod, program};
use crate::support::control_plane::ControlPlane;
use crate::support::failure::{During, Outcome};
use crate::support::namespace::Namespace;
use crate::support::pillion::{Identity, Pillion, Settings};
use crate::support::webhook::Registration;

/// What the namespaces' annotation asks for, and what the pods' annotation asks for.
const BY_NAMESPACE: &str = "by-namespace";
const BY_POD: &str = "by-pod";
const REQUIRED: &str = "required";

/// A namespace by its label, a pod by its label (`None` where it has none) and whether it
/// asks by annotation; then the templates that apply.
type Cell = (Kind, Option<&'static str>, bool, &'static [&'static str]);

#[derive(Debug, Clone, Copy)]
enum Kind {
    Plain,
    Enabled,
    Disabled,
    Mandatory,
}

#[rustfmt::skip]
const TABLE: &[Cell] = &[
    (Kind::Plain,     None,          false, &[]),
    (Kind::Plain,     None,          true,  &[BY_POD]),
    (Kind::Plain,     Some("true"),  false, &[BY_NAMESPACE]),
    (Kind::Plain,     Some("true"),  true,  &[BY_NAMESPACE, BY_POD]),
    (Kind::Plain,     Some("false"), false, &[]),
    (Kind::Plain,     Some("false"), true,  &[]),
    (Kind::Enabled,   None,          false, &[BY_NAMESPACE]),
    (Kind::Enabled,   None,          true,  &[BY_NAMESPACE, BY_POD]),
    (Kind::Enabled,   Some("true"),  false, &[BY_NAMESPACE]),
    (Kind::Enabled,   Some("true"),  true,  &[BY_NAMESPACE, BY_POD]),
    (Kind::Enabled,   Some("false"), false, &[]),
    (Kind::Enabled,   Some("false"), true,  &[]),
    (Kind::Disabled,  None,          false, &[]),
    (Kind::Disabled,  None,          true,  &[]),
    (Kind::Disabled,  Some("true"),  false, &[BY_NAMESPACE]),
    (Kind::Disabled,  Some("true"),  true,  &[BY_NAMESPACE, BY_POD]),
    (Kind::Disabled,  Some("false"), false, &[]),
    (Kind::Disabled,  Some("false"), true,  &[]),
    (Kind::Mandatory, None,          false, &[REQUIRED]),
    (Kind::Mandatory, None,          true,  &[BY_POD, REQUIRED]),
    (Kind::Mandatory, Some("true"),  false, &[BY_NAMESPACE, REQUIRED]),
    (Kind::Mandatory, Some("true"),  true,  &[BY_NAMESPACE, BY_POD, REQUIRED]),
    (Kind::Mandatory, Some("false"), false, &[REQUIRED]),
    (Kind::Mandatory, Some("false"), true,  &[REQUIRED]),
];

#[tokio::test]
async fn every_cell_of_the_precedence_table() -> Outcome {
    let client = ControlPlane::shared().await?.client()?;
    let asks = [("pillion.dev/inject", BY_NAMESPACE)];
    let with = async |labels: &[(&str, &str)]| {
        Namespace::create(&client, "precedence", labels, &asks).await
    };
    let plain = with(&[]).await?;
    let enabled = with(&[("pillion.dev/injection", "enabled")]).await?;
    let disabled = with(&[("pillion.dev/injection", "disabled")]).await?;
    let mandatory = with(&[("pillion.dev/mandatory", "")]).await?;

    let folder = tempfile::tempdir().during("make a folder for templates")?;
    let templates = write_templates(folder.path())?;
    let manifest = folder.path().join("namespaces.yaml");
    let listed = [
        (&plain, ""),
        (&enabled, "pillion.dev/injection: enabled"),
        (&disabled, "pillion.dev/injection: disabled"),
        (&mandatory, "pillion.dev/mandatory: ''"),
    ];
    fs::write(&manifest, namespace_manifest(&listed)?).during("write the namespaces")?;
    let manifest = manifest.display().to_string();
    let mut settings = Settings::new(program());
    settings.templates = Some(&templates);
    let arguments = ["--namespace-manifest", &manifest];
    settings.arguments = &arguments;
    let identity = Identity::new()?;
    let server = Pillion::start(&settings, &identity).await?;
    let all = [&plain, &enabled, &disabled, &mandatory];
    Registration::install(server.webhook.port(), identity.authority(), &all).await?;

    for (kind, label, asks, expected) in TABLE {
        let namespace = match kind {
            Kind::Plain => &plain,
            Kind::Enabled => &enabled,
            Kind::Disabled => &disabled,
            Kind::Mandatory => &mandatory,
        };
        let cell = format!("{kind:?}, label {label:?}, asks {asks}");
        let answer = create(namespace, *label, asks.then_some(BY_POD)).await?;
        assert!(answer.granted(), "{cell}: {answer:?}");
        assert_eq!(&templates_with_status(&answer.body), expected, "{cell}");
        let mut helpers = names(&answer.body, "/spec/initContainers");
        helpers.sort_unstable();
        assert_eq!(&helpers, expected, "{cell}");
    }

    // Excluded: not even a template that does not exist is noticed.
    let system = Namespace {
        client: client.clone(),
        name: "kube-system".to_owned(),
    };
    let answer = create(&system, Some("true"), Some("no-such-template")).await?;
    assert!(answer.granted(), "{answer:?}");
    assert!(templates_with_status(&answer.body).is_empty());
    Ok(())
}

async fn create(
    namespace: &Namespace,
    label: Option<&str>,
    asks: Option<&str>,
) -> Outcome<crate::support::raw::Answer> {
    let mut pod = pod("cell", &json!({}));
    if let Some(label) = label {
        pod["metadata"]["labels"] = json!({"pillion.dev/inject": label});
    }
    if let Some(template) = asks {
        pod["metadata"]["annotations"] = json!({"pillion.dev/inject": template});
    }
    namespace.create_pod("dryRun=All", &pod).await
}

/// Three templates, each with one container of the template's name.
fn write_templates(folder: &Path) -> Outcome<std::path::PathBuf> {
    let templates = folder.join("templates");
    fs::create_dir(&templates).during("make a folder for templates")?;
    for (name, requirement) in [
        (BY_POD, "Optional"),
        (BY_NAMESPACE, "Optional"),
        (REQUIRED, "Mandatory"),
    ] {
        let text = format!(
            "apiVersion: pillion.dev/v1alpha1
kind: ClusterInjectionTemplate
metadata:
  name: {name}
spec:
  pattern: Sidecar
  description: A helper that says by its name why it is there.
  requirement: {requirement}
  sidecars:
    - name: {name}
      image: registry.example.com/helper:1.0.0
"
        );
        let file = templates.join(format!("{name}.yaml"));
        fs::write(file, text).during("write a template")?;
    }
    Ok(templates)
}

/// The namespaces as the server is told them, each with its one label line.
fn namespace_manifest(namespaces: &[(&Namespace, &str)]) -> Outcome<String> {
    let mut text = String::new();
    for (namespace, label) in namespaces {
        let name = &namespace.name;
        write!(
            text,
            "---
apiVersion: v1
kind: Namespace
metadata:
  name: {name}
  labels:
    kubernetes.io/metadata.name: {name}
    {label}
  annotations:
    pillion.dev/inject: {BY_NAMESPACE}
"
        )
        .during("write the namespaces")?;
    }
    Ok(text)
}
