//! What is asked about: a pod as a manifest makes it, or a whole AdmissionReview.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::gates::Arrival;
use crate::inject::answer::pod_to_create;
use crate::inject::engine::Engine;
use crate::inject::request_context::RequestContext;
use crate::inject::selection::SelectionInput;
use crate::inject::settings::Namespace;
use crate::inject::trace::Trace;
use crate::inject::verdict::Decision;
use crate::review::pod::Dictionary;
use crate::review::{Document, Json, Pod, request};
use crate::wording::with_sources;

/// What is asked about.
#[derive(Debug, Clone, Copy)]
pub enum Question<'q> {
    /// A pod that is to be created, as JSON.
    Pod {
        /// Whose it is.
        subject: &'q RequestContext,
        /// The pod.
        pod: &'q str,
    },
    /// The bytes of an AdmissionReview.
    Review(&'q [u8]),
}

/// A question as it was read.
pub(super) struct Case {
    pub(super) subject: RequestContext,
    namespace: Namespace,
    labels: Dictionary<'static>,
    annotations: Dictionary<'static>,
    operation: String,
    object: Value,
    request: Value,
}

impl Question<'_> {
    /// The engine's decision, made on the road that the webhook takes.
    pub(super) fn decide(self, engine: &Engine, trace: &Trace) -> Result<(Decision, Case), String> {
        match self {
            Self::Pod { subject, pod } => {
                let document = Document::read(pod);
                let decision = match &document {
                    Ok(document) => decide(engine, subject, document.root(), trace),
                    Err(error) => Decision::unreadable(error),
                };
                let request = json!({
                    "kind": {"group": "", "version": "v1", "kind": "Pod"},
                    "resource": {"group": "", "version": "v1", "resource": "pods"},
                    "operation": "CREATE",
                    "namespace": subject.namespace,
                    "dryRun": false,
                });
                let case = Case::new(engine, subject.clone(), pod, request);
                Ok((decision, case))
            }
            Self::Review(body) => {
                let document = request::document(body).map_err(|error| with_sources(&error))?;
                let read = request::read(&document).map_err(|error| with_sources(&error))?;
                let decision = match pod_to_create(&read) {
                    Err(decision) => *decision,
                    Ok(pod) => decide(engine, &RequestContext::of(&read), pod, trace),
                };
                let pod = read.object.map_or("{}", Json::raw);
                let whole: Value = serde_json::from_slice(body).unwrap_or_default();
                let mut request = whole.get("request").cloned().unwrap_or_default();
                if let Value::Object(request) = &mut request {
                    request.remove("object");
                    request.remove("oldObject");
                }
                Ok((
                    decision,
                    Case::new(engine, RequestContext::of(&read), pod, request),
                ))
            }
        }
    }
}

impl Case {
    fn new(engine: &Engine, subject: RequestContext, pod: &str, request: Value) -> Self {
        let namespaces = &engine.settings().namespaces;
        let namespace = namespaces.get(&subject.namespace).into_owned();
        let document = Document::read(pod);
        let read = document.as_ref().map(|document| Pod::read(document.root()));
        let (labels, annotations) = match read {
            Ok(Ok(pod)) => (
                owned(&RequestContext::labels(&pod)),
                owned(&subject.annotations(&pod)),
            ),
            _ => Default::default(),
        };
        let mut object = serde_json::from_str(pod).unwrap_or_default();
        as_it_arrives(&mut object, &subject);
        let operation = request.get("operation").and_then(Value::as_str);
        Self {
            namespace,
            labels,
            annotations,
            operation: operation.unwrap_or_default().to_owned(),
            object,
            request,
            subject,
        }
    }

    pub(super) fn asked(&self) -> SelectionInput<'_> {
        SelectionInput {
            namespace: &self.subject.namespace,
            namespace_object: &self.namespace,
            labels: &self.labels,
            annotations: &self.annotations,
            from_node: self.subject.from_node,
        }
    }

    pub(super) fn arrival(&self) -> Arrival<'_> {
        Arrival {
            operation: &self.operation,
            namespace_labels: &self.namespace.labels,
            labels: &self.labels,
            object: &self.object,
            request: &self.request,
        }
    }
}

fn decide(engine: &Engine, context: &RequestContext, pod: Json<'_>, trace: &Trace) -> Decision {
    match Pod::read(pod) {
        Ok(pod) => engine.decide(context, &pod, Some(trace)),
        Err(error) => Decision::unreadable(&error),
    }
}

/// The same texts in memory of their own.
fn owned(texts: &Dictionary<'_>) -> Dictionary<'static> {
    let texts = texts.iter();
    texts
        .map(|(key, value)| (key.clone().into_owned(), value.clone().into_owned()))
        .collect()
}

/// The pod as match conditions see it: in its namespace, with the annotations that it is treated
/// to carry.
fn as_it_arrives(object: &mut Value, subject: &RequestContext) {
    let Some(object) = object.as_object_mut() else {
        return;
    };
    let metadata = object.entry("metadata").or_insert_with(|| json!({}));
    let Some(metadata) = metadata.as_object_mut() else {
        return;
    };
    metadata
        .entry("namespace")
        .or_insert_with(|| subject.namespace.as_str().into());
    set_annotations(metadata, &subject.annotations);
}

fn set_annotations(metadata: &mut Map<String, Value>, annotations: &BTreeMap<String, String>) {
    if annotations.is_empty() {
        return;
    }
    let own = metadata.entry("annotations").or_insert_with(|| json!({}));
    if own.is_null() {
        *own = json!({});
    }
    if let Some(own) = own.as_object_mut() {
        for (key, value) in annotations {
            own.insert(key.clone(), Value::from(value.as_str()));
        }
    }
}
