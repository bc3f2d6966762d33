//! What of a `MutatingWebhookConfiguration` decides whether the API server calls.

use serde::Deserialize;
use serde_json::Value;

use crate::kubernetes::selector::{LabelSelector, SelectorDocument};

/// The kind that is read.
const KIND: &str = "MutatingWebhookConfiguration";
/// What the names of our entries end with; they are stable for ever.
const OUR_ENTRIES: &str = ".pillion.dev";
/// The name of our Service, for entries that somebody renamed.
const OUR_SERVICE: &str = "pillion";

/// A webhook configuration, as far as it decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration {
    /// `metadata.name`.
    pub name: String,
    pub(super) entries: Vec<Entry>,
}

/// Why a document is no webhook configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    /// It is of another kind.
    #[error("expected kind {KIND}, found {0}")]
    Kind(String),
    /// A field has another type.
    #[error("failed to read the {KIND}")]
    Shape(#[source] serde_json::Error),
    /// A selector has an operator that labels do not have.
    #[error("the entry {entry}: `{operator}` is no operator of a label selector")]
    Operator {
        /// The entry.
        entry: String,
        /// The operator.
        operator: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) failure_policy: FailurePolicy,
    pub(super) rules: Vec<Rule>,
    pub(super) namespace_selector: LabelSelector,
    pub(super) object_selector: LabelSelector,
    pub(super) match_conditions: Vec<Condition>,
}

/// What the API server does without an answer; `Fail` where the entry says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub(super) enum FailurePolicy {
    #[default]
    Fail,
    Ignore,
}

impl FailurePolicy {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Fail => "Fail",
            Self::Ignore => "Ignore",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
pub(super) struct Rule {
    pub(super) operations: Vec<String>,
    pub(super) api_groups: Vec<String>,
    pub(super) api_versions: Vec<String>,
    pub(super) resources: Vec<String>,
    pub(super) scope: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Condition {
    pub(super) name: String,
    pub(super) expression: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    kind: String,
    metadata: Metadata,
    #[serde(default)]
    webhooks: Vec<Webhook>,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Webhook {
    name: String,
    #[serde(default)]
    client_config: ClientConfig,
    #[serde(default)]
    failure_policy: FailurePolicy,
    #[serde(default)]
    rules: Vec<Rule>,
    #[serde(default)]
    namespace_selector: Option<SelectorDocument>,
    #[serde(default)]
    object_selector: Option<SelectorDocument>,
    #[serde(default)]
    match_conditions: Vec<Condition>,
}

#[derive(Deserialize, Default)]
struct ClientConfig {
    #[serde(default)]
    service: Option<Metadata>,
}

impl Configuration {
    /// Reads a configuration. Only entries that name Pillion are kept: those whose name ends with
    /// `.pillion.dev`, and those that call a Service named `pillion`.
    pub fn read(document: &Value) -> Result<Self, ConfigurationError> {
        let kind = document.get("kind").and_then(Value::as_str);
        if kind != Some(KIND) {
            let found = kind.unwrap_or("none").to_owned();
            return Err(ConfigurationError::Kind(found));
        }
        let document: Document =
            Document::deserialize(document).map_err(ConfigurationError::Shape)?;
        debug_assert_eq!(document.kind, KIND);
        let ours = document.webhooks.into_iter().filter(Webhook::is_ours);
        Ok(Self {
            name: document.metadata.name,
            entries: ours.map(Webhook::entry).collect::<Result<_, _>>()?,
        })
    }

    /// Whether no entry of it names Pillion.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl Webhook {
    fn is_ours(&self) -> bool {
        let service = self.client_config.service.as_ref();
        self.name.ends_with(OUR_ENTRIES) || service.is_some_and(|one| one.name == OUR_SERVICE)
    }

    fn entry(self) -> Result<Entry, ConfigurationError> {
        let name = self.name;
        let selector = |labels: Option<SelectorDocument>| {
            let read = labels.map(SelectorDocument::into_selector).transpose();
            read.map(Option::unwrap_or_default)
                .map_err(|operator| ConfigurationError::Operator {
                    entry: name.clone(),
                    operator,
                })
        };
        Ok(Entry {
            namespace_selector: selector(self.namespace_selector)?,
            object_selector: selector(self.object_selector)?,
            failure_policy: self.failure_policy,
            rules: self.rules,
            match_conditions: self.match_conditions,
            name,
        })
    }
}
