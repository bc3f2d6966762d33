//! What is wrong at a place of a text.

use serde::Serialize;

use crate::cli::manifest::ManifestError;
use crate::lint::LintFinding;
use crate::template::TemplateError;

/// Something about a place of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TextProblem {
    /// The line, from 1.
    pub(super) line: u64,
    /// The column in characters, from 1.
    pub(super) column: u64,
    /// The code of a finding of lint; an error has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<&'static str>,
    /// The field; empty where it is about the whole text.
    pub(super) field: String,
    /// What is wrong and what would be right.
    pub(super) message: String,
    /// What to do about a finding of lint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) help: Option<&'static str>,
}

impl TextProblem {
    pub(super) fn of_error(error: &TemplateError) -> Self {
        Self {
            line: error.line.into(),
            column: error.column.into(),
            code: None,
            field: error.field.clone(),
            message: error.message.clone(),
            help: None,
        }
    }

    pub(super) fn of_finding(finding: &LintFinding) -> Self {
        Self {
            line: finding.line.into(),
            column: finding.column.into(),
            code: Some(finding.code.as_str()),
            field: finding.field.clone(),
            message: finding.message.clone(),
            help: Some(finding.code.help()),
        }
    }

    pub(super) fn of_manifest(error: &ManifestError) -> Self {
        let (line, column, message) = match error {
            ManifestError::Syntax {
                line,
                column,
                message,
                ..
            } => (*line, *column, message.clone()),
            other => (1, 1, other.to_string()),
        };
        Self {
            line,
            column,
            code: None,
            field: String::new(),
            message,
            help: None,
        }
    }
}
