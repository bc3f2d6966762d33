//! The templates of the precedence table, each with one container of the template's name, and
//! the server that has them.

use std::path::Path;

use serde_json::{Value, json};

use super::namespaces::Place;
use crate::end_to_end::scene::serve_places;
use crate::support::failure::Outcome;
use crate::support::pillion::Pillion;

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
    let templates =
        [BY_NAMESPACE, BY_POD, BY_SELECTOR, REQUIRED].map(|name| (name, template(name)));
    let places: Vec<_> = places
        .iter()
        .map(|place| (&place.namespace, place.manifest()))
        .collect();
    serve_places(folder, templates, &places).await
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
