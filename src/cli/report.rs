//! What became of every object, and how it is told on standard error: text for people, JSON for
//! machines.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::manifest::kinds::Identity;
use super::terminal::{Colour, Paint, printable};
use crate::finding::{Code, Policy};
use crate::inject::{EnforcedFinding, Reason, TemplateOutcome, Verdict};

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

/// The report as text.
pub(crate) fn text(report: &Report, paint: Paint) -> String {
    let files: BTreeSet<_> = report
        .entries
        .iter()
        .map(|entry| &entry.file)
        .chain(report.notes.iter().map(|note| &note.file))
        .collect();
    let several = files.len() > 1;
    let mut text = String::new();
    for entry in &report.entries {
        if several {
            let _ = write!(text, "{}: ", printable(&entry.file));
        }
        add_entry(&mut text, entry, paint);
    }
    for note in &report.notes {
        let file = printable(&note.file);
        let document = note.document;
        let _ = writeln!(
            text,
            "{file}: document {document}: not a Kubernetes object, left as it is"
        );
    }
    text.push_str(&summary(report));
    text
}

fn summary(report: &Report) -> String {
    let counts: Vec<_> = RunResult::ALL
        .iter()
        .map(|ending| (report.count(*ending), in_words(ending.as_str())))
        .filter(|(count, _)| *count > 0)
        .map(|(count, words)| format!("{count} {words}"))
        .collect();
    let refused = if report.is_refused() {
        "; nothing was written"
    } else {
        ""
    };
    match counts.as_slice() {
        [] => "no objects\n".to_owned(),
        counts => format!("{}{refused}\n", counts.join(", ")),
    }
}

/// A name such as `RemovedInPart` in words.
fn in_words(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

/// Adds an object and its templates. Where one template alone decides, its sentence is the object's;
/// where a template's sentence is part of the object's, it is told below and not twice.
fn add_entry(text: &mut String, entry: &Entry, paint: Paint) {
    let treated = &entry.treated;
    let object = entry.identity.to_string();
    let _ = write!(
        text,
        "{}: {} ({})",
        paint.text(Colour::Bold, &printable(&object)),
        word(treated.ending, paint),
        treated.code,
    );
    // What was injected in an earlier run is no news; what is found about it now is.
    let (told, earlier): (Vec<_>, Vec<_>) = treated.outcomes.iter().partition(|outcome| {
        outcome.reason.verdict() != Verdict::Injected || treated.is_injected()
    });
    let mut remedied = BTreeSet::new();
    match told.as_slice() {
        [only] if only.reason.code() == treated.code => {
            let _ = writeln!(text, ": {}", sentence(only, paint));
            let (findings, said) = (&only.findings, &only.message);
            add_findings(text, "  ", findings, said, &mut remedied, paint);
        }
        told => add_outcomes(text, &treated.message, told, &mut remedied, paint),
    }
    let said = &treated.message;
    let news: Vec<_> = earlier
        .iter()
        .flat_map(|outcome| &outcome.findings)
        .filter(|enforced| is_news(enforced.finding.code))
        .cloned()
        .collect();
    for findings in [&treated.findings, &news] {
        add_findings(text, "  ", findings, said, &mut remedied, paint);
    }
    for hint in &treated.hints {
        let word = paint.text(Colour::Yellow, "hint");
        let _ = writeln!(text, "  {word}: {}", printable(hint));
    }
}

/// Ends the line of an object with its sentence, and adds a line for each template.
fn add_outcomes(
    text: &mut String,
    message: &str,
    told: &[&TemplateOutcome],
    remedied: &mut BTreeSet<Code>,
    paint: Paint,
) {
    if !told.iter().any(|one| message.contains(&one.message)) {
        let _ = write!(text, ": {}", printable(message));
    }
    text.push('\n');
    for outcome in told {
        let _ = writeln!(
            text,
            "  {} ({}): {}",
            word(RunResult::Decided(outcome.reason.verdict()), paint),
            outcome.reason,
            sentence(outcome, paint),
        );
        let (findings, said) = (&outcome.findings, &outcome.message);
        add_findings(text, "    ", findings, said, remedied, paint);
    }
}

/// `TEMPLATE REVISION: what became of it`.
fn sentence(outcome: &TemplateOutcome, paint: Paint) -> String {
    let template = printable(&outcome.template);
    let message = printable(&outcome.message);
    if outcome.revision.is_empty() {
        return format!("{template}: {message}");
    }
    let revision = paint.text(Colour::Dim, &outcome.revision);
    format!("{template} {revision}: {message}")
}

/// Whether a finding about what was injected in an earlier run is about what became of it since.
fn is_news(code: Code) -> bool {
    matches!(code, Code::ChangedByOther | Code::LeftBehind)
}

/// Adds findings, but for sentences that were said already; below the first refusal by each code of
/// an object, what to do about it.
fn add_findings(
    text: &mut String,
    indent: &str,
    findings: &[EnforcedFinding],
    said: &str,
    remedied: &mut BTreeSet<Code>,
    paint: Paint,
) {
    for judged in findings.iter().filter(|judged| judged.is_told()) {
        let (word, colour) = match judged.policy {
            Policy::Deny => ("refused", Colour::Red),
            Policy::Skip => ("skipped", Colour::Yellow),
            Policy::Warn | Policy::Ignore => ("warning", Colour::Yellow),
        };
        let word = paint.text(colour, word);
        let finding = judged.finding.to_string();
        if !said.contains(&judged.finding.message) {
            let _ = writeln!(text, "{indent}{word}: {}", printable(&finding));
        }
        let code = judged.finding.code;
        if judged.policy == Policy::Deny && remedied.insert(code) {
            let _ = writeln!(text, "{indent}remedy: {}", code.help());
        }
    }
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

fn word(ending: RunResult, paint: Paint) -> String {
    let colour = match ending {
        RunResult::Decided(Verdict::Denied) => Colour::Red,
        RunResult::Decided(Verdict::Injected) | RunResult::Removed => Colour::Green,
        RunResult::Decided(Verdict::Shadowed | Verdict::Skipped) | RunResult::RemovedInPart => {
            Colour::Yellow
        }
        RunResult::Decided(Verdict::Unchanged) => Colour::Dim,
    };
    paint.text(colour, ending.as_str()).into_owned()
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
