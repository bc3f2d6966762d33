//! What the watch hands to the rest of the server: snapshots, and whether the watches work.

use std::sync::Arc;

use super::object::Watched;
use crate::cluster::model::TemplateReports;
use crate::inject::Namespaces;
use crate::template::Catalog;

/// The watched objects of a cluster at one moment.
#[derive(Debug, Clone)]
pub(crate) struct ClusterSnapshot {
    /// The templates; the same value as long as none changes.
    pub(crate) catalog: Arc<Catalog>,
    /// The state of each template, for its status and its revisions.
    pub(crate) reports: Arc<TemplateReports>,
    pub(crate) namespaces: Namespaces,
}

/// Receives snapshots and the state of the watches.
pub(crate) trait Observer: Send + Sync + 'static {
    /// The kinds that were not listed yet, each with the reason in one line.
    fn missing(&self, kinds: &[(Watched, String)]);

    /// A watch failed and will be retried.
    fn failed(&self, kind: Watched);

    /// Whether the watch of a kind works.
    fn up(&self, kind: Watched, up: bool);

    /// A new snapshot replaces the one before.
    fn publish(&self, snapshot: ClusterSnapshot);
}
