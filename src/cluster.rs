//! The cluster: what commands read of it with the caller's rights, and what the server watches and
//! writes with its own.
//!
//! Nothing here decides about pods. A command asks for an object or whether a name exists, and what
//! the caller may not read is an answer like any other. Values of Secrets are never asked for: the
//! API server is asked for their metadata alone, but for the one Secret that is Pillion's own.

mod authority;
mod connection;
mod events;
mod inspection;
mod lease;
mod model;
mod names;
mod reader;
mod registration;
mod revisions;
mod templates;
mod watch;
pub(crate) mod webhook_lint;
mod weight;

pub(crate) use authority::{AuthoritySecret, AuthoritySecretError, SecretState};
pub(crate) use connection::{Connection, ConnectionError, KubeconfigOptions};
pub(crate) use events::{DecisionEvent, EventResult, EventSender, EventWriter, events};
pub(crate) use inspection::{
    Access, CLUSTER_TEMPLATES, DryRunResult, NAMESPACED_TEMPLATES, ObjectPage, Resource,
};
pub(crate) use lease::{Lease, LeaseOptions};
pub(crate) use names::ObjectName;
pub(crate) use reader::{ClusterReader, Named, Read};
pub(crate) use registration::{
    BundleSource, CaBundleReconciler, Configuration, Entry, Registration, RegistrationError,
    RegistrationStatus,
};
pub(crate) use templates::{Served, TemplateWriter};
pub(crate) use watch::{ClusterSnapshot, Observer, TenantLimits, Watched, watch};

/// How long a single answer of the API server is waited for where the server asks.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(15);

/// The answer of the API server, or `None` where it does not come in time.
async fn bounded<T>(answer: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(PATIENCE, answer).await.ok()
}
