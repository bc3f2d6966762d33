//! What became of every object, and how it is told on standard error: text for people, JSON for
//! machines.

mod text;

use serde_json::{Value, json};

use super::manifest::kinds::Identity;
use crate::inject::{EnforcedFinding, Reason, TemplateOutcome, Verdict};
pub(crate) use text::text;

/// What was done with an object: a verdict of the engine, or what only `uninject` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunResult {
    Decided(Verdict),
    /// What was injected was taken out.
    Removed,
    /// Some of it was taken out, or none, and some was left.
    RemovedInPart,
}

impl RunResult {
    /// Every ending, in the order in which a report counts them.
    pub(crate) const ALL: [Self; 7] = [
        Self::Decided(Verdict::Denied),
        Self::Decided(Verdict::Injected),
        Self::Removed,
        Self::RemovedInPart,
        Self::Decided(Verdict::Shadowed),
        Self::Decided(Verdict::Skipped),
        Self::Decided(Verdict::Unchanged),
    ];

    /// The word that is printed.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Decided(verdict) => verdict.as_str(),
            Self::Removed => "Removed",
            Self::RemovedInPart => "RemovedInPart",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TransformResult {
    pub(crate) ending: RunResult,
    /// The code that scripts look for.
    pub(crate) code: &'static str,
    /// One sentence for the person.
    pub(crate) message: String,
    /// One entry for each template.
    pub(crate) outcomes: Vec<TemplateOutcome>,
    /// What was found that is no template's doing.
    pub(crate) findings: Vec<EnforcedFinding>,
    /// What the object says and does nothing where it is, each with where it would do something.
    pub(crate) hints: Vec<String>,
    /// The change as a JSON Patch on the object (RFC 6902); `None` where there is none.
    pub(crate) patch: Option<Value>,
    /// What of the object the message is about: a JSON pointer. `None`: the whole.
    pub(crate) place: Option<String>,
}

impl TransformResult {
    /// Whether anything was injected now, and not in an earlier run.
    fn is_injected(&self) -> bool {
        self.ending != RunResult::Decided(Verdict::Unchanged)
    }

    /// An object that stays as it is, or is refused, without any template's part in it.
    pub(crate) fn plain(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            ending: RunResult::Decided(reason.verdict()),
            code: reason.code(),
            message: message.into(),
            outcomes: Vec::new(),
            findings: Vec::new(),
            hints: Vec::new(),
            patch: None,
            place: None,
        }
    }
}

/// One object of the input and how it ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    /// The file that it stands in.
    pub(crate) file: String,
    /// The number of its document in the file, from 1.
    pub(crate) document: usize,
    pub(crate) identity: Identity,
    pub(crate) treated: TransformResult,
}

/// A document that is not a Kubernetes object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    /// The file that it stands in.
    pub(crate) file: String,
    /// Its number in the file, from 1.
    pub(crate) document: usize,
}

/// What happened to the whole input.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Report {
    pub(crate) entries: Vec<Entry>,
    /// Every document that is no object, in order.
    pub(crate) notes: Vec<Note>,
}

impl Report {
    /// Whether any object was refused: then nothing is written.
    pub(crate) fn is_refused(&self) -> bool {
        self.count(RunResult::Decided(Verdict::Denied)) > 0
    }

    /// Whether everything was done that was asked for.
    pub(crate) fn is_whole(&self) -> bool {
        !self.is_refused() && self.count(RunResult::RemovedInPart) == 0
    }

    /// How many objects ended so.
    pub(crate) fn count(&self, ending: RunResult) -> usize {
        let entries = self.entries.iter();
        entries
            .filter(|entry| entry.treated.ending == ending)
            .count()
    }
}

/// The operations of a patch as JSON. A patch is texts and values, which JSON can always hold.
pub(crate) fn operations(patch: &json_patch::Patch) -> Value {
    serde_json::to_value(patch).unwrap_or_default()
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ReportFormat {
    /// One line per object, one below it for each template and each finding.
    Text,
    /// One JSON document on one line.
    Json,
}

/// Findings as JSON, the ignored ones too.
pub(crate) fn findings_json(findings: &[EnforcedFinding]) -> Value {
    findings
        .iter()
        .map(|judged| {
            let finding = &judged.finding;
            json!({
                "code": finding.code.as_str(),
                "severity": finding.code.severity().as_str(),
                "policy": judged.policy.as_str(),
                "path": finding.path,
                "message": finding.message,
                "help": finding.code.help(),
            })
        })
        .collect()
}

/// The report as JSON. Fields are only ever added.
pub(crate) fn json(report: &Report) -> Value {
    let objects: Vec<_> = report.entries.iter().map(entry_json).collect();
    let notes: Vec<_> = report
        .notes
        .iter()
        .map(|note| {
            json!({
                "file": note.file,
                "document": note.document,
                "message": "not a Kubernetes object, left as it is",
            })
        })
        .collect();
    let counts: serde_json::Map<_, _> = RunResult::ALL
        .iter()
        .map(|ending| (ending.as_str().to_owned(), report.count(*ending).into()))
        .collect();
    json!({ "objects": objects, "notes": notes, "counts": counts })
}

fn entry_json(entry: &Entry) -> Value {
    let (identity, treated) = (&entry.identity, &entry.treated);
    let outcomes: Vec<_> = treated
        .outcomes
        .iter()
        .map(|outcome| {
            json!({
                "template": outcome.template,
                "revision": outcome.revision,
                "verdict": outcome.reason.verdict().as_str(),
                "reason": outcome.reason.code(),
                "message": outcome.message,
                "findings": findings_json(&outcome.findings),
            })
        })
        .collect();
    json!({
        "file": entry.file,
        "document": entry.document,
        "apiVersion": identity.api_version,
        "kind": identity.kind,
        "namespace": identity.namespace,
        "name": identity.name,
        "verdict": treated.ending.as_str(),
        "reason": treated.code,
        "message": treated.message,
        "templates": outcomes,
        "findings": findings_json(&treated.findings),
        "hints": treated.hints,
    })
}

#[cfg(test)]
mod tests;
