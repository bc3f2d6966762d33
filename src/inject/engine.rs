//! The engine: one immutable snapshot that decides about pods.

use std::sync::Arc;

use super::composition::{CompositionInput, compose};
use super::decision_cache::DecisionCache;
use super::reinvocation;
use super::request_context::{RequestContext, metadata};
use super::selection::{self, Selection, SelectionInput};
use super::settings::Settings;
use super::status;
use super::trace::Trace;
use super::verdict::{Decision, Reason};
use crate::review::Pod;
use crate::template::Catalog;

/// Templates and settings, ready to decide.
#[derive(Debug, Clone)]
pub struct Engine {
    catalog: Arc<Catalog>,
    settings: Arc<Settings>,
    recent: Option<Arc<DecisionCache>>,
}

impl Engine {
    /// An engine over these templates and settings.
    pub fn new(catalog: Arc<Catalog>, settings: Arc<Settings>) -> Self {
        Self {
            catalog,
            settings,
            recent: None,
        }
    }

    /// The same engine, which keeps recent decisions of so many bytes together; 0: none.
    pub fn keeping(self, bytes: usize) -> Self {
        let recent = (bytes > 0).then(|| Arc::new(DecisionCache::new(bytes)));
        Self { recent, ..self }
    }

    /// The engine that comes after this one. Where only namespaces have changed, what was decided
    /// about pods of the others stays true and is kept.
    pub fn followed_by(&self, catalog: Arc<Catalog>, settings: Arc<Settings>) -> Self {
        let is_same = Arc::ptr_eq(&self.catalog, &catalog)
            && self.settings.without_namespaces() == settings.without_namespaces();
        let recent = match &self.recent {
            Some(recent) if !is_same => Some(Arc::new(recent.emptied())),
            recent => recent.clone(),
        };
        Self {
            catalog,
            settings,
            recent,
        }
    }

    pub(crate) fn recent(&self) -> Option<&DecisionCache> {
        self.recent.as_deref()
    }

    /// The templates that this engine serves.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// The settings that this engine decides with.
    pub fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }

    /// Decides about one pod, given as its JSON text.
    pub fn decide(&self, subject: &RequestContext, pod: &str) -> Decision {
        self.decide_noting(subject, pod, None)
    }

    /// Decides about one pod, and takes notes on the way where somebody asks why.
    pub(crate) fn decide_noting(
        &self,
        subject: &RequestContext,
        pod: &str,
        trace: Option<&Trace>,
    ) -> Decision {
        match serde_json::from_str::<Pod<'_>>(pod) {
            Ok(read) => {
                let with_status = has_status(&read).then_some(pod);
                self.decide_with(subject, &read, with_status, trace)
            }
            Err(error) => unreadable(&error),
        }
    }

    /// Whether nothing can be decided about a pod before more is known of its namespace: the cluster
    /// is watched, and the namespace was not seen there yet.
    pub(crate) fn must_wait(&self, subject: &RequestContext, pod: &Pod<'_>) -> bool {
        let namespaces = &self.settings.namespaces;
        if !namespaces.is_unknown(&subject.namespace) {
            return false;
        }
        let (labels, annotations) = metadata(subject, pod);
        let asked = SelectionInput {
            namespace: &subject.namespace,
            namespace_object: &namespaces.get(&subject.namespace),
            labels: &labels,
            annotations: &annotations,
            from_node: subject.from_node,
        };
        !selection::is_left_alone(&self.settings, asked)
    }

    /// The same about a pod that is given as its JSON text.
    pub(crate) fn must_wait_for(&self, subject: &RequestContext, pod: &str) -> bool {
        self.settings.namespaces.is_unknown(&subject.namespace)
            && serde_json::from_str::<Pod<'_>>(pod).is_ok_and(|pod| self.must_wait(subject, &pod))
    }

    /// Decides about a pod that carries no status.
    pub(crate) fn decide_first(&self, subject: &RequestContext, pod: &Pod<'_>) -> Decision {
        self.decide_with(subject, pod, None, None)
    }

    /// `with_status`: the text of a pod that carries statuses.
    fn decide_with(
        &self,
        subject: &RequestContext,
        pod: &Pod<'_>,
        with_status: Option<&str>,
        trace: Option<&Trace>,
    ) -> Decision {
        let namespace = self.settings.namespaces.get(&subject.namespace);
        let (labels, annotations) = metadata(subject, pod);
        let asked = SelectionInput {
            namespace: &subject.namespace,
            namespace_object: &namespace,
            labels: &labels,
            annotations: &annotations,
            from_node: subject.from_node,
        };
        let templates = match selection::select(&self.catalog, &self.settings, asked) {
            Selection::Templates(templates) => templates,
            Selection::Nothing(refusal) => return Decision::refused(refusal),
        };
        if !pod.has_spec() {
            return Decision::plain(Reason::ReviewInvalid, "the pod has no spec");
        }
        let given = CompositionInput {
            settings: &self.settings,
            subject,
            namespace: &namespace,
            annotations: &annotations,
            templates: &templates,
            trace,
        };
        if let Some(text) = with_status
            && let Some(decision) = reinvocation::decide(given, pod, text)
        {
            return decision;
        }
        match compose(given, pod) {
            Ok(composed) => composed.decision,
            Err(error) => unreadable(&error),
        }
    }
}

/// Whether a pod carries a status annotation.
pub(crate) fn has_status(pod: &Pod<'_>) -> bool {
    let metadata = pod.metadata.as_ref();
    let annotations = metadata.and_then(|metadata| metadata.annotations.as_ref());
    annotations
        .into_iter()
        .flat_map(|annotations| annotations.keys())
        .any(|key| key.as_str().starts_with(status::PREFIX))
}

/// Without what the parser says: it repeats values.
fn unreadable(error: &serde_json::Error) -> Decision {
    let message = format!(
        "the pod cannot be read: something at line {}, column {} of its JSON has another type than \
         the API gives it",
        error.line(),
        error.column()
    );
    Decision::plain(Reason::ReviewInvalid, message)
}
