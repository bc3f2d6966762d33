//! What is told about every object, on standard error: text for people, JSON for machines.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::terminal::{Colour, Paint, printable};
use super::transform::{Entry, Report, RunResult};
use crate::finding::{Code, Finding, Policy};
use crate::inject::{EnforcedFinding, TemplateOutcome, Verdict};

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
    let files = report.entries.iter().map(|entry| &entry.file);
    let files = files.chain(report.notes.iter().map(|note| &note.file));
    let several = files.collect::<BTreeSet<_>>().len() > 1;
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
        .map(|ending| (report.count(*ending), ending.as_str().to_lowercase()))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
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

fn add_entry(text: &mut String, entry: &Entry, paint: Paint) {
    let treated = &entry.treated;
    let object = entry.identity.to_string();
    let _ = writeln!(
        text,
        "{}: {} ({}): {}",
        paint.text(Colour::Bold, &printable(&object)),
        word(treated.ending, paint),
        treated.code,
        printable(&treated.message),
    );
    let mut remedied = BTreeSet::new();
    for outcome in &treated.outcomes {
        add_outcome(text, outcome, &mut remedied, paint);
    }
    add_findings(text, "  ", &treated.findings, &mut remedied, paint);
}

fn add_outcome(
    text: &mut String,
    outcome: &TemplateOutcome,
    remedied: &mut BTreeSet<Code>,
    paint: Paint,
) {
    let revision = if outcome.revision.is_empty() {
        String::new()
    } else {
        format!(" {}", paint.text(Colour::Dim, &outcome.revision))
    };
    let _ = writeln!(
        text,
        "  {}{revision}: {} ({}): {}",
        printable(&outcome.template),
        word(RunResult::Decided(outcome.reason.verdict()), paint),
        outcome.reason,
        printable(&outcome.message),
    );
    add_findings(text, "    ", &outcome.findings, remedied, paint);
}

/// Adds findings; below the first refusal by each code of an object, what to do about it.
fn add_findings(
    text: &mut String,
    indent: &str,
    findings: &[EnforcedFinding],
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
        let _ = writeln!(text, "{indent}{word}: {}", printable(&finding));
        let code = judged.finding.code;
        if judged.policy == Policy::Deny && remedied.insert(code) {
            let _ = writeln!(text, "{indent}remedy: {}", code.help());
        }
    }
}

/// Findings as JSON, the ignored ones too.
pub(crate) fn findings_json(findings: &[EnforcedFinding]) -> Value {
    let one = |judged: &EnforcedFinding| {
        let Finding {
            code,
            path,
            message,
            ..
        } = &judged.finding;
        json!({
            "code": code.as_str(),
            "severity": code.severity().as_str(),
            "policy": judged.policy.as_str(),
            "path": path,
            "message": message,
            "help": code.help(),
        })
    };
    findings.iter().map(one).collect()
}

fn word(ending: RunResult, paint: Paint) -> String {
    let colour = match ending {
        RunResult::Decided(Verdict::Denied) => Colour::Red,
        RunResult::Decided(Verdict::Injected) | RunResult::Removed => Colour::Green,
        RunResult::Decided(Verdict::Shadowed | Verdict::Skipped) => Colour::Yellow,
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
    })
}

#[cfg(test)]
mod tests;
