//! The namespaces of the precedence table: every combination of what a namespace can say.

use k8s_openapi::api::core::v1::Namespace as NamespaceObject;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use serde_json::{Value, json};

use super::templates::BY_NAMESPACE;
use crate::support::failure::{During, Outcome};
use crate::support::namespace::Namespace;

/// The namespace's label `pillion.dev/injection`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Injection {
    None,
    Enabled,
    Disabled,
}

/// A namespace and what it says.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) namespace: Namespace,
    pub(super) injection: Injection,
    /// Whether it has the label `pillion.dev/mandatory`.
    pub(super) mandatory: bool,
    /// Whether its annotation asks for a template.
    pub(super) asks: bool,
}

impl Place {
    async fn create(
        client: &Client,
        injection: Injection,
        mandatory: bool,
        asks: bool,
    ) -> Outcome<Self> {
        let mut labels = Vec::new();
        match injection {
            Injection::None => {}
            Injection::Enabled => labels.push(("pillion.dev/injection", "enabled")),
            Injection::Disabled => labels.push(("pillion.dev/injection", "disabled")),
        }
        if mandatory {
            labels.push(("pillion.dev/mandatory", ""));
        }
        let annotation = ("pillion.dev/inject", BY_NAMESPACE);
        let annotations = if asks { &[annotation][..] } else { &[] };
        Ok(Self {
            namespace: Namespace::create(client, "precedence", &labels, annotations).await?,
            injection,
            mandatory,
            asks,
        })
    }

    /// The manifest that tells the server of this namespace.
    pub(super) fn manifest(&self) -> Value {
        let mut labels = json!({"kubernetes.io/metadata.name": self.namespace.name});
        match self.injection {
            Injection::None => {}
            Injection::Enabled => labels["pillion.dev/injection"] = json!("enabled"),
            Injection::Disabled => labels["pillion.dev/injection"] = json!("disabled"),
        }
        if self.mandatory {
            labels["pillion.dev/mandatory"] = json!("");
        }
        let mut annotations = json!({});
        if self.asks {
            annotations["pillion.dev/inject"] = json!(BY_NAMESPACE);
        }
        json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": self.namespace.name,
                "labels": labels,
                "annotations": annotations,
            },
        })
    }
}

/// Makes one namespace of each kind.
pub(super) async fn create(client: &Client) -> Outcome<Vec<Place>> {
    let mut places = Vec::new();
    for injection in [Injection::None, Injection::Enabled, Injection::Disabled] {
        for mandatory in [false, true] {
            for asks in [false, true] {
                places.push(Place::create(client, injection, mandatory, asks).await?);
            }
        }
    }
    Ok(places)
}

/// Makes a mandatory namespace that says nothing else.
pub(super) async fn mandatory(client: &Client) -> Outcome<Place> {
    Place::create(client, Injection::None, true, false).await
}

/// A namespace that is there already, labelled as if it wanted everything, in which pods can
/// be created.
pub(super) async fn system(client: &Client, name: &str) -> Outcome<Namespace> {
    let labels = json!({"metadata": {"labels": {
        "pillion.dev/mandatory": "",
        "pillion.dev/injection": "enabled",
    }}});
    let namespaces: Api<NamespaceObject> = Api::all(client.clone());
    namespaces
        .patch(name, &PatchParams::default(), &Patch::Merge(labels))
        .await
        .during(&format!("label the namespace {name}"))?;
    Namespace::ensure(client, name).await
}
