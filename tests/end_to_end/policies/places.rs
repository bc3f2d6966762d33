//! The namespaces of the table, and the server that knows them.

use std::path::Path;

use kube::Client;
use serde_json::{Value, json};

use crate::end_to_end::scene::serve_places;
use crate::support::failure::Outcome;
use crate::support::namespace::Namespace;
use crate::support::pillion::Pillion;

const INJECTIONS: [Option<&str>; 4] = [None, Some("enabled"), Some("disabled"), Some("odd")];

const LISTS: [Option<&str>; 3] = [None, Some("helper"), Some("helper, other\n-other,-skipped")];

/// A namespace and what it says.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) namespace: Namespace,
    injection: Option<&'static str>,
    list: Option<&'static str>,
}

impl Place {
    async fn create(
        client: &Client,
        injection: Option<&'static str>,
        list: Option<&'static str>,
    ) -> Outcome<Self> {
        let labels: Vec<_> = injection
            .map(|one| ("pillion.dev/injection", one))
            .into_iter()
            .collect();
        let annotations: Vec<_> = list
            .map(|one| ("pillion.dev/inject", one))
            .into_iter()
            .collect();
        Ok(Self {
            namespace: Namespace::create(client, "policy", &labels, &annotations).await?,
            injection,
            list,
        })
    }

    /// The manifest that tells the server of this namespace.
    pub(super) fn manifest(&self) -> Value {
        let mut metadata = json!({
            "name": self.namespace.name,
            "labels": {"kubernetes.io/metadata.name": self.namespace.name},
            "annotations": {},
        });
        if let Some(injection) = self.injection {
            metadata["labels"]["pillion.dev/injection"] = json!(injection);
        }
        if let Some(list) = self.list {
            metadata["annotations"]["pillion.dev/inject"] = json!(list);
        }
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    }
}

/// One namespace of each kind.
pub(super) async fn create(client: &Client) -> Outcome<Vec<Place>> {
    let mut places = Vec::new();
    for injection in INJECTIONS {
        for list in LISTS {
            places.push(Place::create(client, injection, list).await?);
        }
    }
    Ok(places)
}

/// A namespace that says nothing.
pub(super) async fn plain(client: &Client) -> Outcome<Place> {
    Place::create(client, None, None).await
}

/// The templates: a sidecar, an init step, one that is always skipped, one that only looks.
pub(super) fn templates() -> [(&'static str, Value); 4] {
    ["helper", "other", "skipped", "shadowed"].map(|name| {
        let container = json!([{"name": name, "image": "registry.example.com/helper:1.0.0"}]);
        let mut template = json!({
            "apiVersion": "pillion.dev/v1alpha1",
            "kind": "ClusterInjectionTemplate",
            "metadata": {"name": name},
            "spec": {"pattern": "Sidecar", "description": "Of a test."},
        });
        let spec = &mut template["spec"];
        match name {
            "other" => {
                spec["pattern"] = json!("Init");
                spec["initContainers"] = container;
            }
            "skipped" => {
                spec["sidecars"] = container;
                spec["matchConditions"] = json!([{"name": "never", "expression": "false"}]);
            }
            "shadowed" => {
                spec["sidecars"] = container;
                spec["mode"] = json!("Shadow");
            }
            _ => spec["sidecars"] = container,
        }
        (name, template)
    })
}

/// Starts a server that knows templates and namespaces, and is called for them.
pub(super) async fn serve(folder: &Path, places: &[Place]) -> Outcome<Pillion> {
    let places: Vec<_> = places
        .iter()
        .map(|place| (&place.namespace, place.manifest()))
        .collect();
    serve_places(folder, templates(), &places).await
}
