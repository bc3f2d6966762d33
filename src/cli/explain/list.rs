//! The JSON that `-o json` writes.

use serde::Serialize;
use serde_json::Value;

use super::subjects::ExplainSubject;
use crate::explain::Explanation;

/// The version of the document; it changes where a reader would have to.
const API_VERSION: &str = "explain.pillion.dev/v1";
const KIND: &str = "ExplanationList";

/// All explanations of one run.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExplanationList {
    /// `explain.pillion.dev/v1`.
    api_version: &'static str,
    /// `ExplanationList`.
    kind: &'static str,
    /// One for each pod, in the order of the input.
    pub(super) items: Vec<Item>,
    /// What could not be read, and why.
    pub(super) notes: Vec<String>,
}

/// One pod.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Item {
    /// Where the pod was found.
    pub(super) object: Object,
    /// The explanation.
    #[serde(flatten)]
    pub(super) explanation: Explanation,
    /// Labels and annotations that do nothing where they are, and where they belong.
    pub(super) hints: Vec<String>,
    /// The pod as it was found, for the difference.
    #[serde(skip)]
    pub(super) pod: Value,
}

/// What a pod was found in.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Object {
    /// The file, `-` for standard input, or `cluster`.
    pub(super) source: String,
    /// The object's kind: a pod, what makes pods, or `AdmissionReview`.
    pub(super) kind: String,
    /// The object's name.
    pub(super) name: String,
}

impl ExplanationList {
    pub(super) fn new(items: Vec<Item>, notes: Vec<String>) -> Self {
        Self {
            api_version: API_VERSION,
            kind: KIND,
            items,
            notes,
        }
    }
}

impl Item {
    pub(super) fn new(about: &ExplainSubject, explanation: Explanation, served: &[&str]) -> Self {
        let object = Object {
            source: about.source.clone(),
            kind: about.kind.clone(),
            name: about.name.clone(),
        };
        Self {
            object,
            hints: about.hints(&explanation, served),
            explanation,
            pod: about.pod.clone(),
        }
    }
}
