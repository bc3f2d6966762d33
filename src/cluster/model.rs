//! Templates of the cluster as the watch reports them and the writers store them.
//!
//! The watch, the status writer and the revisions all use these types, so they stand below all three.

use std::sync::Arc;

use serde_json::Value;

use crate::template::{Template, TemplateError};

/// A generation of a template that compiles.
#[derive(Debug, Clone)]
pub(crate) struct ServedRevision {
    /// Compiled.
    pub(crate) template: Arc<Template>,
    pub(crate) generation: i64,
    /// Its spec as JSON, for the ControllerRevision.
    pub(crate) spec: Arc<str>,
}

/// The state of a stored template: what is wrong with it and which generation serves.
#[derive(Debug, Clone)]
pub(crate) struct TemplateReport {
    /// The namespace that it is for, empty for the whole cluster.
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) generation: i64,
    pub(crate) resource_version: String,
    pub(crate) status: Arc<Value>,
    /// Errors of the newest generation; empty where it compiles.
    pub(crate) errors: Arc<[TemplateError]>,
    /// The generation that serves: the newest where it compiles, else the last good one.
    pub(crate) good: Option<ServedRevision>,
    /// The revisions that are kept of it: the names of their objects, with the generations.
    pub(crate) kept: Vec<(String, i64)>,
}

/// The state of all stored templates.
#[derive(Debug, Clone, Default)]
pub(crate) struct TemplateReports {
    /// Each template, by namespace and name.
    pub(crate) templates: Vec<Arc<TemplateReport>>,
    /// The names of kept revisions that no template has any more.
    pub(crate) orphans: Vec<String>,
}
