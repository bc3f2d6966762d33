//! Reads of single objects, one answer for each.

use kube::Api;
use kube::api::{ApiResource, DynamicObject, ListParams};
use serde_json::Value;

use super::connection::Connection;
use super::names::{ObjectName, resource};

/// What came of a read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Read<T> {
    Found(T),
    /// There is no such object.
    Missing,
    /// The caller may not read it, or the API server did not answer; why, in one line.
    Unknown(String),
}

/// Names whose existence can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Named {
    /// A Secret; its metadata alone is read.
    Secret,
    /// A ConfigMap; its metadata alone is read.
    ConfigMap,
    /// A ServiceAccount; its metadata alone is read.
    ServiceAccount,
}

impl Named {
    fn resource(self) -> ApiResource {
        match self {
            Self::Secret => resource("", "Secret", "secrets"),
            Self::ConfigMap => resource("", "ConfigMap", "configmaps"),
            Self::ServiceAccount => resource("", "ServiceAccount", "serviceaccounts"),
        }
    }
}

/// Reads the cluster with the caller's rights.
#[derive(Clone)]
pub(crate) struct ClusterReader {
    pub(super) connection: Connection,
}

impl ClusterReader {
    /// A reader over this connection.
    pub(crate) fn new(connection: Connection) -> Self {
        Self { connection }
    }

    /// The API server's address, for messages.
    pub(crate) fn server(&self) -> &str {
        self.connection.server()
    }

    /// An object that is a pod or makes pods.
    pub(crate) async fn object(&self, object: &ObjectName, namespace: &str) -> Read<Value> {
        let api = self.namespaced(namespace, &object.resource);
        let found = answer(api.get_opt(&object.name).await);
        with_type(found, &object.resource)
    }

    pub(crate) async fn namespace(&self, name: &str) -> Read<Value> {
        let resource = resource("", "Namespace", "namespaces");
        let api: Api<DynamicObject> = Api::all_with(self.connection.client(), &resource);
        with_type(answer(api.get_opt(name).await), &resource)
    }

    /// All MutatingWebhookConfigurations, by name.
    pub(crate) async fn webhook_configurations(&self) -> Read<Vec<Value>> {
        let resource = resource(
            "admissionregistration.k8s.io",
            "MutatingWebhookConfiguration",
            "mutatingwebhookconfigurations",
        );
        let api: Api<DynamicObject> = Api::all_with(self.connection.client(), &resource);
        match api.list(&ListParams::default()).await {
            Ok(list) => {
                let items = list.items.into_iter();
                let values = items.filter_map(|item| serde_json::to_value(item).ok());
                Read::Found(values.map(|value| typed(value, &resource)).collect())
            }
            Err(error) => Read::Unknown(in_words(&error)),
        }
    }

    /// Whether an object of this kind and name exists.
    pub(crate) async fn exists(&self, kind: Named, namespace: &str, name: &str) -> Read<()> {
        let api = self.namespaced(namespace, &kind.resource());
        match api.get_metadata_opt(name).await {
            Ok(Some(_)) => Read::Found(()),
            Ok(None) => Read::Missing,
            Err(error) => Read::Unknown(in_words(&error)),
        }
    }

    fn namespaced(&self, namespace: &str, resource: &ApiResource) -> Api<DynamicObject> {
        Api::namespaced_with(self.connection.client(), namespace, resource)
    }
}

pub(super) fn answer(got: Result<Option<DynamicObject>, kube::Error>) -> Read<Value> {
    match got {
        Ok(Some(object)) => match serde_json::to_value(object) {
            Ok(value) => Read::Found(value),
            Err(_) => Read::Unknown("the answer cannot be read".to_owned()),
        },
        Ok(None) => Read::Missing,
        Err(error) => Read::Unknown(in_words(&error)),
    }
}

/// The object with its type.
pub(super) fn with_type(read: Read<Value>, resource: &ApiResource) -> Read<Value> {
    match read {
        Read::Found(object) => Read::Found(typed(object, resource)),
        other => other,
    }
}

/// The object with its type, which the API server does not repeat for the items of a list.
pub(super) fn typed(mut object: Value, resource: &ApiResource) -> Value {
    if let Value::Object(fields) = &mut object {
        fields.insert("apiVersion".to_owned(), resource.api_version.clone().into());
        fields.insert("kind".to_owned(), resource.kind.clone().into());
    }
    object
}

/// The API server's own words where it answered, else the first cause that says something.
pub(super) fn in_words(error: &kube::Error) -> String {
    if let kube::Error::Api(status) = error {
        return status.message.clone();
    }
    let first: &(dyn std::error::Error + 'static) = error;
    let causes = std::iter::successors(Some(first), |&error| error.source());
    let words: Vec<_> = causes.map(ToString::to_string).collect();
    let last = words.last().cloned().unwrap_or_default();
    format!("the API server did not answer: {last}")
}
