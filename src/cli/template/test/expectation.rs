//! What must come of a case.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::finding::Code;
use crate::inject::{Reason, Verdict};
use crate::wording::did_you_mean;

/// What must come of a case: the second document of its file, or what a row of a table amounts to.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expectation {
    pub(super) verdict: ExpectedVerdict,
    /// The code of its reason.
    pub(super) reason: ExpectedReason,
    /// The whole message of a verdict that tells one (`compare::tells`).
    pub(super) message: Option<String>,
    #[serde(default)]
    pub(super) findings: Vec<ExpectedCode>,
    pub(super) pod: Option<Map<String, Value>>,
    /// Single places of the pod; `null`: absent.
    pub(super) paths: Option<BTreeMap<Pointer, Value>>,
}

impl Expectation {
    /// The codes of the findings, sorted, each once.
    pub(super) fn codes(&self) -> Vec<Code> {
        sorted(self.findings.iter().map(|ExpectedCode(code)| *code))
    }
}

/// The codes, each once.
pub(super) fn sorted(codes: impl Iterator<Item = Code>) -> Vec<Code> {
    let mut codes: Vec<_> = codes.collect();
    codes.sort_by_key(|code| code.as_str());
    codes.dedup();
    codes
}

/// One of the verdicts, as a case spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum ExpectedVerdict {
    Denied,
    Injected,
    Shadowed,
    Skipped,
    Unchanged,
}

impl From<ExpectedVerdict> for Verdict {
    fn from(expected: ExpectedVerdict) -> Self {
        match expected {
            ExpectedVerdict::Denied => Self::Denied,
            ExpectedVerdict::Injected => Self::Injected,
            ExpectedVerdict::Shadowed => Self::Shadowed,
            ExpectedVerdict::Skipped => Self::Skipped,
            ExpectedVerdict::Unchanged => Self::Unchanged,
        }
    }
}

/// The code of a reason.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct ExpectedReason(pub(super) String);

impl TryFrom<String> for ExpectedReason {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let own = Reason::OWN.iter().map(|reason| reason.code());
        let codes: Vec<_> = own
            .chain(Code::ALL.iter().map(|code| code.as_str()))
            .collect();
        if codes.contains(&text.as_str()) {
            return Ok(Self(text));
        }
        let hint = did_you_mean(&text, codes);
        Err(format!("there is no reason `{text}`{hint}"))
    }
}

/// The code of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct ExpectedCode(pub(super) Code);

impl TryFrom<String> for ExpectedCode {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Code::parse(&text).map(Self).ok_or_else(|| {
            let hint = did_you_mean(&text, Code::ALL.iter().map(|code| code.as_str()));
            format!("there is no code of a finding `{text}`{hint}")
        })
    }
}

/// A JSON pointer (RFC 6901) to a place of the pod.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Pointer(pub(super) String);

impl TryFrom<String> for Pointer {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let escaped = text.split('~').skip(1);
        let mut escapes = escaped.map(|rest| rest.starts_with(['0', '1']));
        if text.starts_with('/') && escapes.all(|is_right| is_right) {
            return Ok(Self(text));
        }
        Err(format!(
            "expected a JSON pointer such as /spec/containers/0/env, with ~1 for a / in a key and \
             ~0 for a ~, but got `{text}`"
        ))
    }
}

/// What an expectation cannot say.
pub(super) fn unsound(expected: &Expectation) -> Option<&'static str> {
    let told = (expected.pod.is_some(), expected.paths.is_some());
    match (expected.verdict, told) {
        (_, (true, true)) => {
            Some("`pod` is the whole pod, `paths` single places of it: one of them")
        }
        (ExpectedVerdict::Denied, (false, false)) => None,
        (ExpectedVerdict::Denied, _) => Some("there is no pod where the verdict is Denied"),
        (ExpectedVerdict::Injected, (false, false)) => {
            Some("where the verdict is Injected, say what the pod must be: `pod`, or `paths`")
        }
        _ => None,
    }
}
