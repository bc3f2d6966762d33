//! The engine: one immutable snapshot that answers reviews and decides about pods.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Decision, Reason, Settings};
use crate::template::Catalog;

/// Whose pod is decided about, and what is known besides the pod itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// The namespace of the request; it wins over `metadata.namespace`.
    pub namespace: String,
    /// Whether the requester is in the group `system:nodes`: only then a mirror pod is believed.
    pub from_node: bool,
    /// Annotations that the pod is treated to carry besides its own (`--inject` and `--set`).
    pub annotations: BTreeMap<String, String>,
}

/// What an AdmissionReview is answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// An AdmissionReview with a response.
    Review {
        /// The JSON document to send with HTTP status 200.
        body: Vec<u8>,
        /// `request.uid`.
        uid: String,
        /// `request.namespace`.
        namespace: String,
        /// `metadata.name`, else `metadata.generateName`, of the pod.
        pod: String,
        /// `request.dryRun`.
        dry_run: bool,
        /// The decision that the response states.
        decision: Box<Decision>,
    },
    /// Bytes that no review can be made of: to be answered with HTTP status 400 and this text.
    BadRequest(String),
}

/// Templates and settings, ready to decide.
#[derive(Debug, Clone)]
pub struct Engine {
    catalog: Arc<Catalog>,
    settings: Arc<Settings>,
}

impl Engine {
    /// An engine over these templates and settings.
    pub fn new(catalog: Arc<Catalog>, settings: Arc<Settings>) -> Self {
        Self { catalog, settings }
    }

    /// The templates that this engine serves.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// The settings that this engine decides with.
    pub fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }

    /// Answers the bytes of an `admission.k8s.io/v1` AdmissionReview.
    pub fn review(&self, _body: &[u8]) -> Answer {
        Answer::BadRequest("not yet".to_owned())
    }

    /// Decides about one pod, given as its JSON text.
    pub fn decide(&self, _subject: &Subject, _pod: &str) -> Decision {
        Decision::plain(Reason::NotRequested, "nothing asked for a template")
    }
}
