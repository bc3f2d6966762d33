//! What the page asks: a template, a manifest, and what is set beside them.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::cli::engine_options::KubernetesVersion;
use crate::cli::flag_values::Assignment;

/// The file that the template of the page is told to be in.
pub(super) const TEMPLATE_FILE: &str = "template.yaml";

/// The file that the manifest of the page is told to be in.
pub(super) const MANIFEST_FILE: &str = "manifest.yaml";

/// How many parameters can be set beside the manifest; more than a form has.
const MOST_SET: usize = 256;

/// The body of `POST /api/answer`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct PlaygroundQuestion {
    /// The text of the template's file.
    pub(super) template: String,
    /// The text of the manifest's file.
    pub(super) manifest: String,
    /// `TEMPLATE.PARAMETER` and its value, as `--set` takes them.
    #[serde(default)]
    pub(super) set: BTreeMap<String, String>,
    /// The cluster's version, as `--kubernetes-version` takes it.
    #[serde(default)]
    pub(super) kubernetes: Option<KubernetesVersion>,
}

/// A question that cannot be answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QuestionError {
    /// The body is no question.
    #[error("the request is no question of this page: {0}")]
    Form(#[from] serde_json::Error),
    /// Too much is set.
    #[error("{0} parameters are set, and {MOST_SET} can be")]
    TooManySet(usize),
    /// A key of `set` names no parameter.
    #[error("{0}")]
    Set(String),
}

impl PlaygroundQuestion {
    /// Reads the body of a request.
    pub(super) fn read(body: &[u8]) -> Result<Self, QuestionError> {
        let question: Self = serde_json::from_slice(body)?;
        if question.set.len() > MOST_SET {
            return Err(QuestionError::TooManySet(question.set.len()));
        }
        Ok(question)
    }

    /// What is set, as `--set` would have it.
    pub(super) fn assignments(&self) -> Result<Vec<Assignment>, QuestionError> {
        self.set
            .iter()
            .map(|(key, value)| format!("{key}={value}").parse())
            .collect::<Result<_, _>>()
            .map_err(QuestionError::Set)
    }
}
