//! An explanation for people: what happens first, then every step in order.

mod steps;

use std::fmt::Write as _;

use super::super::manifest;
use super::super::output::add_diff;
use super::super::terminal::{Colour, Paint, printable};
use super::list::{ExplanationList, Item};
use crate::explain::gates::Call;
use crate::explain::{Existence, FindingExplanation};
use crate::inject::Verdict;

/// Values are cut here; `-o json` has them whole.
const LONGEST_VALUE: usize = 72;

pub(super) fn text(list: &ExplanationList, paint: Paint) -> String {
    let mut text = String::new();
    for (index, item) in list.items.iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        add(&mut text, item, paint);
    }
    if !list.notes.is_empty() {
        heading(&mut text, paint, "Notes");
        for note in &list.notes {
            let _ = writeln!(text, "  {}", printable(note));
        }
    }
    text
}

/// What happens to each pod, why, and what to do, on one screen.
pub(super) fn brief(list: &ExplanationList, paint: Paint) -> String {
    let mut text = String::new();
    for item in &list.items {
        let explanation = &item.explanation;
        title(&mut text, item, paint);
        headline(&mut text, item, paint);
        for template in &explanation.templates {
            let (name, verdict, reason) = (&template.name, template.verdict, template.reason);
            let message = printable(&template.message);
            let _ = writeln!(text, "  {name}: {verdict} ({reason}): {message}");
            add_told(&mut text, &template.findings, paint);
        }
        add_told(&mut text, &explanation.findings, paint);
        let missing = explanation
            .references
            .iter()
            .filter(|needed| needed.exists == Existence::Missing && !needed.optional);
        for needed in missing {
            let name = printable(&needed.name);
            let _ = writeln!(text, "  missing: {} {name}: create it first", needed.kind);
        }
    }
    for note in &list.notes {
        let _ = writeln!(text, "{}", printable(note));
    }
    text
}

/// Findings that are told at admission, each with what to do about it.
fn add_told(text: &mut String, findings: &[FindingExplanation], paint: Paint) {
    let told = findings.iter().filter(|finding| finding.policy != "Ignore");
    for finding in told {
        let code = paint.text(Colour::Yellow, finding.code);
        let _ = writeln!(text, "    {code}: {}", printable(&finding.message));
        let _ = writeln!(text, "      {}", finding.help);
    }
}

fn title(text: &mut String, item: &Item, paint: Paint) {
    let explanation = &item.explanation;
    let object = &item.object;
    let name: Vec<_> = [&object.kind, &explanation.namespace, &object.name]
        .into_iter()
        .filter(|part| !part.is_empty())
        .map(|part| printable(part))
        .collect();
    let source = printable(&object.source);
    let title = format!("{} ({source})", name.join("/"));
    let _ = writeln!(text, "{}", paint.text(Colour::Bold, &title));
}

fn add(text: &mut String, item: &Item, paint: Paint) {
    let explanation = &item.explanation;
    title(text, item, paint);
    headline(text, item, paint);
    steps::gates(text, &explanation.gates, paint);
    steps::selection(text, &explanation.selection, paint);
    steps::templates(text, &explanation.templates, paint);
    if let Some(resources) = &explanation.resources {
        steps::resources(text, resources, paint);
    }
    steps::references(text, &explanation.references, paint);
    if !explanation.findings.is_empty() {
        heading(text, paint, "Findings about the pod");
        for finding in &explanation.findings {
            steps::finding(text, finding, paint);
        }
    }
    difference(text, item, paint);
}

/// What happens, and where it does not, why and what to change.
fn headline(text: &mut String, item: &Item, paint: Paint) {
    let explanation = &item.explanation;
    let would = explanation.judgement();
    let message = printable(&explanation.message);
    let (colour, line) = match explanation.gates.call {
        Call::NotCalled => (
            Colour::Yellow,
            "Not injected: the API server does not call Pillion for this pod".to_owned(),
        ),
        Call::Refused => (
            Colour::Red,
            "Refused by the API server itself: a match condition fails".to_owned(),
        ),
        Call::Called => (colour(explanation.verdict), format!("{would}: {message}")),
        Call::Unknown => (
            Colour::Yellow,
            format!("If the API server calls Pillion: {would}: {message}"),
        ),
    };
    let _ = writeln!(text, "{}", paint.text(colour, &line));
    if let Some(stop) = &explanation.stopped_by {
        let _ = writeln!(text, "  stopped by  {}", printable(&stop.what));
        let _ = writeln!(text, "  because     {}", printable(&stop.why));
        let _ = writeln!(text, "  to change   {}", printable(&stop.change));
    }
    if matches!(explanation.gates.call, Call::NotCalled | Call::Refused) {
        let _ = writeln!(text, "  if called   {would}: {message}");
    }
    for hint in &item.hints {
        let _ = writeln!(text, "  hint        {}", printable(hint));
    }
}

fn colour(verdict: Option<Verdict>) -> Colour {
    match verdict {
        Some(Verdict::Denied) => Colour::Red,
        Some(Verdict::Injected) => Colour::Green,
        Some(Verdict::Shadowed | Verdict::Skipped | Verdict::Unchanged) | None => Colour::Yellow,
    }
}

fn heading(text: &mut String, paint: Paint, words: &str) {
    let _ = writeln!(text, "\n{}", paint.text(Colour::Cyan, words));
}

/// The pod as the webhook would leave it, compared with the pod as it is.
fn difference(text: &mut String, item: &Item, paint: Paint) {
    let explanation = &item.explanation;
    if explanation.patch.is_empty() {
        return;
    }
    heading(text, paint, "Difference");
    let before = manifest::yaml(&item.pod).unwrap_or_default();
    let after = manifest::yaml(&explanation.patched(&item.pod)).unwrap_or_default();
    add_diff(text, "pod", &before, &after, paint);
}

/// A value on one line, cut where it is long.
fn shown(value: &serde_json::Value) -> String {
    let whole = value.to_string();
    if whole.chars().count() <= LONGEST_VALUE {
        return printable(&whole).into_owned();
    }
    let cut: String = whole.chars().take(LONGEST_VALUE).collect();
    format!("{}…", printable(&cut))
}
