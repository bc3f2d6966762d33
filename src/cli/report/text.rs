//! A report as text for people.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{Entry, Report, RunResult};
use crate::cli::terminal::{Colour, Paint, printable};
use crate::finding::{Code, Policy};
use crate::inject::{EnforcedFinding, TemplateOutcome, Verdict};

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
        .flat_map(|outcome| news(&outcome.findings))
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

/// What was found of what was injected in an earlier run, and was not then: all of it, where somebody has
/// changed it since.
fn news(findings: &[EnforcedFinding]) -> impl Iterator<Item = &EnforcedFinding> {
    let mut codes = findings.iter().map(|enforced| enforced.finding.code);
    let is_changed = codes.any(|code| code == Code::ChangedByOther);
    let is_left = |enforced: &&EnforcedFinding| enforced.finding.code == Code::LeftBehind;
    findings
        .iter()
        .filter(move |enforced| is_changed || is_left(enforced))
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
