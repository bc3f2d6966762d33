//! The objects that the templates' additions need.

use serde::Serialize;

use crate::check::references::{Reference, ReferenceKind};

/// Whether an object exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Existence {
    /// It exists.
    Found,
    /// It does not.
    Missing,
    /// It may not be read, or the API server did not answer.
    Unknown,
    /// No cluster was asked.
    NotAsked,
}

/// An object that a template's addition needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Needed {
    /// Its kind.
    pub kind: ReferenceKind,
    /// Its name, in the pod's namespace.
    pub name: String,
    /// The keys that are read. Whether it has them is not looked up: contents are never read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    /// Whether the pod starts without it.
    pub optional: bool,
    /// The template whose addition needs it.
    pub template: String,
    /// Where it is named in the resulting pod.
    pub path: String,
    /// Whether it exists.
    pub exists: Existence,
}

impl From<Reference> for Needed {
    fn from(reference: Reference) -> Self {
        Self {
            kind: reference.kind,
            name: reference.name,
            keys: reference.keys,
            optional: reference.optional,
            template: reference.template,
            path: reference.path,
            exists: Existence::NotAsked,
        }
    }
}
