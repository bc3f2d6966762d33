//! Findings as they are explained: with policy, remedy and place, ignored ones too.

use serde::Serialize;

use crate::finding::{Code, Policy};
use crate::inject::verdict::EnforcedFinding;

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct FindingExplanation {
    /// The stable code.
    pub code: &'static str,
    /// `Error`, `Warning` or `Info`.
    pub(crate) severity: &'static str,
    /// What follows: `Deny`, `Skip`, `Warn` or `Ignore`.
    pub(crate) policy: &'static str,
    /// Where in the resulting pod.
    pub(crate) path: String,
    /// What was found, in one sentence.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) help: &'static str,
}

impl FindingExplanation {
    /// What is known about a code that was found there.
    pub(crate) fn new(code: Code, policy: Policy, path: String, message: String) -> Self {
        Self {
            code: code.as_str(),
            severity: code.severity().as_str(),
            policy: policy.as_str(),
            path,
            message,
            help: code.help(),
        }
    }
}

impl From<&EnforcedFinding> for FindingExplanation {
    fn from(judged: &EnforcedFinding) -> Self {
        let finding = &judged.finding;
        Self::new(
            finding.code,
            judged.policy,
            finding.path.clone(),
            finding.message.clone(),
        )
    }
}
