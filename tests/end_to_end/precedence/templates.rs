//! The templates of the precedence table, each with one container of the template's name, and
//! the server that has them.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::namespaces::Place;
use crate::scene::program;
use crate::support::failure::{During, Outcome};
use crate::support::pillion::{Identity, Pillion, Settings};
use crate::support::webhook::Registration;

/// What the namespaces' annotation asks for.
pub(super) const BY_NAMESPACE: &str = "by-namespace";
/// What the pods' annotation asks for.
pub(super) const BY_POD: &str = "by-pod";
/// Applies by its selector, without being asked for.
pub(super) const BY_SELECTOR: &str = "by-selector";
/// Applies in mandatory namespaces, whatever anybody asks for.
pub(super) const REQUIRED: &str = "required";

/// Starts a server with these templates, which knows the namespaces and is called for them.
pub(super) async fn serve(folder: &Path, places: &[Place]) -> Outcome<Pillion> {
    let templates = folder.join("templates");
    fs::create_dir(&templates).during("make a folder for templates")?;
    for name in [BY_NAMESPACE, BY_POD, BY_SELECTOR, REQUIRED] {
        let file = templates.join(format!("{name}.yaml"));
        fs::write(file, template(name).to_string()).during("write a template")?;
    }
    let manifest = folder.join("namespaces.json");
    let items: Vec<Value> = places.iter().map(Place::manifest).collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
    fs::write(&manifest, list.to_string()).during("write the namespaces")?;

    let manifest = manifest.display().to_string();
    let arguments = ["--namespace-manifest", &manifest];
    let mut settings = Settings::new(program());
    settings.templates = Some(&templates);
    settings.arguments = &arguments;
    let identity = Identity::new()?;
    let server = Pillion::start(&settings, &identity).await?;
    let namespaces: Vec<_> = places.iter().map(|place| &place.namespace).collect();
    Registration::install(server.webhook.port(), identity.authority(), &namespaces).await?;
    Ok(server)
}

fn template(name: &str) -> Value {
    let mut template = json!({
        "apiVersion": "pillion.dev/v1alpha1",
        "kind": "ClusterInjectionTemplate",
        "metadata": {"name": name},
        "spec": {
            "pattern": "Sidecar",
            "description": "A helper that says by its name why it is there.",
            "sidecars": [{"name": name, "image": "registry.example.com/helper:1.0.0"}],
        },
    });
    match name {
        REQUIRED => template["spec"]["requirement"] = json!("Mandatory"),
        BY_SELECTOR => {
            let exists = json!({"key": "no-such-label", "operator": "DoesNotExist"});
            template["spec"]["selector"] = json!({"podSelector": {"matchExpressions": [exists]}});
        }
        _ => {}
    }
    template
}
