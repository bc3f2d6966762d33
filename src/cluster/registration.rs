//! `caBundle` in the webhook configurations, kept as it must be.
//!
//! The chart, or GitOps, owns the configurations; Pillion fills in the one field that only it can
//! know. It is written by server-side apply of untyped JSON that holds nothing else, on entries that
//! exist: a typed entry would claim fields that are not meant, and applying to an object that is
//! absent is invalid.
//!
//! The ownership of the field is given up right after. An entry of which somebody owns a field
//! cannot be dropped by the server-side apply of a chart: what is left of it is invalid, and the
//! upgrade fails (`webhooks[3].sideEffects: Required value`). A field that nobody owns is no obstacle,
//! and is left alone by everybody who does not name it.
//!
//! Two replicas can both believe to lead for a moment, and the one that is behind must not write
//! what the other has just replaced. So whoever writes reads the configuration first, **then** what
//! is to be trusted, and writes under the configuration's resource version. A write that succeeds is
//! then never older than the write before it.

mod configuration;
mod field_ownership;
mod reconciler;

use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams};
use kube::{Api, Client};

use super::bounded;
use super::names::resource;
use super::reader::in_words;
use super::webhook_lint::Installation;
pub(crate) use configuration::{Configuration, Entry};
pub(crate) use reconciler::{BundleSource, CaBundleReconciler, RegistrationStatus};

/// Who writes `caBundle`, as `managedFields` name it.
const FIELD_MANAGER: &str = "pillion-ca-bundle";

/// The API group of webhook configurations.
const GROUP: &str = "admissionregistration.k8s.io";

/// The `MutatingWebhookConfiguration` and the `ValidatingWebhookConfiguration` of one name.
#[derive(Clone)]
pub(crate) struct Registration {
    client: Client,
    name: String,
    installation: Installation,
    deployment: Option<String>,
}

/// Why the configurations were not read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RegistrationError {
    /// The API server refused, or did not answer.
    #[error("failed to {what} the {kind} {name}")]
    Api {
        /// `read`, `write the caBundle of` or the like.
        what: &'static str,
        /// The kind of the configuration.
        kind: String,
        name: String,
        /// What the API server said.
        source: Box<kube::Error>,
    },
    /// The API server did not answer in time.
    #[error("failed to {what} the {kind} {name}: no answer in time")]
    Silent {
        /// `read`, `write the caBundle of` or the like.
        what: &'static str,
        /// The kind of the configuration.
        kind: String,
        name: String,
    },
}

impl RegistrationError {
    /// Whether another writer has changed the configuration meanwhile.
    fn is_conflict(&self) -> bool {
        matches!(self, Self::Api { source, .. }
            if matches!(source.as_ref(), kube::Error::Api(status) if status.code == 409))
    }
}

impl Registration {
    /// The configurations of this name that lead to this installation. Of its Deployment, if its
    /// name is known, the replicas are counted.
    pub(crate) fn new(
        client: Client,
        name: &str,
        installation: Installation,
        deployment: Option<String>,
    ) -> Self {
        Self {
            client,
            name: name.to_owned(),
            installation,
            deployment,
        }
    }

    /// The newest state of those that exist; never one of a cache.
    pub(crate) async fn read(&self) -> Result<Vec<Configuration>, RegistrationError> {
        let mut objects = Vec::new();
        for kind in kinds() {
            let answer = bounded(self.api(&kind).get_opt(&self.name)).await;
            if let Some(object) = self.checked("read", &kind, answer)? {
                objects.push((kind, object));
            }
        }
        let installation = Installation {
            replicas: self.replicas().await,
            ..self.installation.clone()
        };
        let read = objects
            .into_iter()
            .map(|(kind, object)| Configuration::new(kind, object, &installation));
        Ok(read.collect())
    }

    /// How many replicas the Deployment wants, where that can be found out. Where it cannot, nothing
    /// depends on the number: it is asked for with every look, so that only `debug` tells why.
    async fn replicas(&self) -> Option<u32> {
        let deployments: Api<Deployment> =
            Api::namespaced(self.client.clone(), &self.installation.namespace);
        match bounded(deployments.get(self.deployment.as_ref()?)).await? {
            Ok(deployment) => u32::try_from(deployment.spec.replicas.unwrap_or(1)).ok(),
            Err(error) => {
                let error = in_words(&error);
                tracing::debug!(error, "the Deployment's replicas are not known");
                None
            }
        }
    }

    /// Writes the bundle into the entries that lack it, but for those that are withheld.
    async fn write(
        &self,
        configuration: &Configuration,
        bundle: &[u8],
    ) -> Result<(), RegistrationError> {
        let (kind, api) = (configuration.kind(), self.api(configuration.kind()));
        let body = configuration.application(bundle);
        let params = PatchParams::apply(FIELD_MANAGER).force();
        let patch = Patch::Apply(&body);
        let answer = bounded(api.patch(&self.name, &params, &patch)).await;
        let object = self.checked("write the caBundle of", kind, answer)?;
        let written = Configuration::new(kind.clone(), object, &self.installation);
        self.release(&written).await
    }

    /// Gives the ownership of the field up, where we have it.
    async fn release(&self, configuration: &Configuration) -> Result<(), RegistrationError> {
        let Some(body) = configuration.without_manager(FIELD_MANAGER) else {
            return Ok(());
        };
        let kind = configuration.kind();
        let params = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        let api = self.api(kind);
        let answer = bounded(api.patch(&self.name, &params, &Patch::Merge(&body))).await;
        self.checked("release the caBundle of", kind, answer)
            .map(drop)
    }

    fn api(&self, kind: &ApiResource) -> Api<DynamicObject> {
        Api::all_with(self.client.clone(), kind)
    }

    fn checked<T>(
        &self,
        what: &'static str,
        kind: &ApiResource,
        answer: Option<kube::Result<T>>,
    ) -> Result<T, RegistrationError> {
        let (kind, name) = (kind.kind.clone(), self.name.clone());
        match answer {
            Some(Ok(value)) => Ok(value),
            Some(Err(source)) => Err(RegistrationError::Api {
                what,
                kind,
                name,
                source: Box::new(source),
            }),
            None => Err(RegistrationError::Silent { what, kind, name }),
        }
    }
}

fn kinds() -> [ApiResource; 2] {
    [
        resource(
            GROUP,
            "MutatingWebhookConfiguration",
            "mutatingwebhookconfigurations",
        ),
        resource(
            GROUP,
            "ValidatingWebhookConfiguration",
            "validatingwebhookconfigurations",
        ),
    ]
}
