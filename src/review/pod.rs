//! A borrowed view of a pod: metadata, and the spec's fields and containers as raw JSON.

mod reading;

use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};

use memchr::memmem::Finder;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::object::{Object, Text};
use crate::kubernetes::keys::DOMAIN;
use reading::Fields;
pub use reading::NamedPod;

/// Labels or annotations.
pub type Dictionary<'a> = BTreeMap<Text<'a>, Text<'a>>;

/// Whether a key of an annotation or label that asks something of Pillion, or tells of it, stands in
/// this JSON as API servers write it, looked for without reading it.
pub fn names_our_key(json: &[u8]) -> bool {
    static KEY: LazyLock<Finder<'static>> =
        LazyLock::new(|| Finder::new(&format!("\"{DOMAIN}")).into_owned());
    KEY.find(json).is_some()
}

/// A pod, or a workload's pod template. Its spec is read only when something is to be decided.
#[derive(Debug, Clone, Default)]
pub struct Pod<'a> {
    /// The JSON that the pod was read from.
    pub text: &'a str,
    /// `metadata`.
    pub metadata: Option<Metadata<'a>>,
    unread: Option<&'a RawValue>,
    spec: OnceLock<Spec<'a>>,
}

impl<'a> Pod<'a> {
    /// Reads a pod from its JSON.
    pub fn read(text: &'a str) -> Result<Self, serde_json::Error> {
        let Fields { metadata, spec } = serde_json::from_str(text)?;
        Ok(Self {
            text,
            metadata,
            unread: spec,
            spec: OnceLock::new(),
        })
    }

    /// Whether there is a spec.
    pub fn has_spec(&self) -> bool {
        self.unread.is_some()
    }

    /// The spec, read when it is first asked for; empty where there is none.
    pub fn spec(&self) -> Result<&Spec<'a>, serde_json::Error> {
        if let Some(spec) = self.spec.get() {
            return Ok(spec);
        }
        let spec = self.unread.map(Spec::read).transpose()?;
        Ok(self.spec.get_or_init(|| spec.unwrap_or_default()))
    }

    /// `metadata.labels`.
    pub fn labels(&self) -> Option<&Dictionary<'a>> {
        self.metadata.as_ref()?.labels.as_ref()
    }

    /// `metadata.annotations`.
    pub fn annotations(&self) -> Option<&Dictionary<'a>> {
        self.metadata.as_ref()?.annotations.as_ref()
    }
}

/// What decisions need of `metadata`, and where the part is that they do not look at.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata<'a> {
    /// The pod's name, absent where `generateName` makes one.
    #[serde(borrow, default)]
    pub name: Option<Text<'a>>,
    /// The start of a generated name.
    #[serde(borrow, default)]
    pub generate_name: Option<Text<'a>>,
    /// Labels; `None` where the pod has no such field.
    #[serde(borrow, default)]
    pub labels: Option<Dictionary<'a>>,
    /// Annotations; `None` where the pod has no such field.
    #[serde(borrow, default)]
    pub annotations: Option<Dictionary<'a>>,
    /// Whose pod it is.
    #[serde(borrow, default)]
    pub owner_references: Option<Vec<Owner<'a>>>,
    /// Who set which field, unread.
    #[serde(borrow, default)]
    pub managed_fields: Option<&'a RawValue>,
}

/// What decisions need of an owner reference.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Owner<'a> {
    /// The owner's API version.
    #[serde(borrow, default)]
    pub api_version: Option<Text<'a>>,
    /// The owner's kind.
    #[serde(borrow, default)]
    pub kind: Option<Text<'a>>,
    /// The owner's name.
    #[serde(borrow, default)]
    pub name: Option<Text<'a>>,
    /// The owner's uid.
    #[serde(borrow, default)]
    pub uid: Option<Text<'a>>,
    /// Whether it is the one that manages the pod.
    #[serde(default)]
    pub controller: Option<bool>,
}

/// The fields of a pod's spec.
#[derive(Debug, Clone, Default)]
pub struct Spec<'a> {
    /// `containers`; `None` where the spec has no such field.
    pub containers: Option<Vec<Object<'a>>>,
    /// `initContainers`; `None` where the spec has no such field.
    pub init_containers: Option<Vec<Object<'a>>>,
    /// `volumes`; `None` where the spec has no such field.
    pub volumes: Option<Vec<Object<'a>>>,
    /// All other fields.
    pub others: Object<'a>,
}

impl<'a> Spec<'a> {
    /// Reads a spec.
    pub fn read(raw: &'a RawValue) -> Result<Self, serde_json::Error> {
        serde_json::from_str(raw.get())
    }
}
