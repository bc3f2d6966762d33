//! The objects that the templates' additions need.

use serde::Serialize;

use crate::check::references::{Reference, ReferenceKind};

/// Whether an object exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum Existence {
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
pub(crate) struct Needed {
    /// Its kind.
    pub(crate) kind: ReferenceKind,
    /// Its name, in the pod's namespace.
    pub(crate) name: String,
    /// The keys that are read. Whether it has them is not looked up: contents are never read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) keys: Vec<String>,
    /// Whether the pod starts without it.
    pub(crate) optional: bool,
    /// The template whose addition needs it.
    pub(crate) template: String,
    /// Where it is named in the resulting pod.
    pub(crate) path: String,
    /// Whether it exists.
    pub(crate) exists: Existence,
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
