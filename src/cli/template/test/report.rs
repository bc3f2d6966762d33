//! What is told about the cases: text for people, JSON for machines.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::super::{counted, error_json};
use super::compare::{Difference, arranged};
use crate::cli::manifest::yaml;
use crate::cli::output::hunks;
use crate::cli::terminal::{Colour, Paint, printable};
use crate::template::TemplateError;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum CaseOutcome {
    /// All is as expected.
    Passed,
    /// Something is not.
    Failed(Vec<Difference>),
    /// It was not as expected, and the expectation was written anew.
    Updated,
    /// The case cannot be run; why, with its place.
    Unreadable(String),
}

impl CaseOutcome {
    fn word(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed(_) => "failed",
            Self::Updated => "updated",
            Self::Unreadable(_) => "unreadable",
        }
    }
}

/// A case and how it ended.
#[derive(Debug)]
pub(super) struct Tested {
    pub(super) template: String,
    pub(super) case: String,
    pub(super) file: String,
    /// Its line there, where the file has several cases.
    pub(super) line: Option<u64>,
    pub(super) description: String,
    /// What was given, and the verdict that is expected; `null` where it could not be read.
    pub(super) given: Value,
    pub(super) verdict: Option<&'static str>,
    pub(super) ending: CaseOutcome,
}

#[derive(Debug, Default)]
pub(super) struct Report {
    /// The cases, those of one template together.
    pub(super) cases: Vec<Tested>,
    /// Errors of the tested templates.
    pub(super) errors: Vec<TemplateError>,
    /// Templates that have no case.
    pub(super) without_cases: Vec<String>,
    /// Whether `--update` wrote nothing, because a template does not compile.
    pub(super) is_kept: bool,
}

/// The endings in the order in which they are counted.
const ENDINGS: [(&str, Colour); 4] = [
    ("passed", Colour::Green),
    ("updated", Colour::Yellow),
    ("failed", Colour::Red),
    ("unreadable", Colour::Red),
];

impl Report {
    /// Whether a case cannot be run.
    pub(super) fn is_unreadable(&self) -> bool {
        self.count("unreadable") > 0
    }

    /// Whether a case failed, or a template does not compile.
    pub(super) fn is_failed(&self) -> bool {
        self.count("failed") > 0 || !self.errors.is_empty()
    }

    fn count(&self, word: &str) -> usize {
        count(&self.cases, word)
    }

    /// The cases of each template.
    pub(super) fn by_template(&self) -> impl Iterator<Item = &[Tested]> {
        self.cases.chunk_by(|a, b| a.template == b.template)
    }
}

fn count(cases: &[Tested], word: &str) -> usize {
    let cases = cases.iter();
    cases.filter(|case| case.ending.word() == word).count()
}

pub(super) fn text(report: &Report, paint: Paint) -> String {
    let mut text = String::new();
    for error in &report.errors {
        let error = error.to_string();
        let _ = writeln!(
            text,
            "{}: {}",
            paint.text(Colour::Red, "error"),
            printable(&error)
        );
    }
    for cases in report.by_template() {
        for case in cases {
            add_case(&mut text, case, paint);
        }
        let template = cases.first().map_or("", |case| &case.template);
        let _ = writeln!(text, "{}: {}", printable(template), counts(cases, paint));
    }
    if !report.without_cases.is_empty() {
        let names = report.without_cases.join(", ");
        let _ = writeln!(text, "without cases: {}", printable(&names));
    }
    if report.is_kept {
        text.push_str(
            "no expectation was written, because a template does not compile: mend it, and update then\n",
        );
    }
    let _ = writeln!(
        text,
        "{}: {}",
        counted(report.cases.len(), "case"),
        counts(&report.cases, paint)
    );
    text
}

fn counts(cases: &[Tested], paint: Paint) -> String {
    let some: Vec<_> = ENDINGS
        .iter()
        .map(|(word, colour)| (count(cases, word), word, colour))
        .filter(|(count, ..)| *count > 0)
        .map(|(count, word, colour)| paint.text(*colour, &format!("{count} {word}")).into_owned())
        .collect();
    if some.is_empty() {
        "none was run".to_owned()
    } else {
        some.join(", ")
    }
}

fn add_case(text: &mut String, case: &Tested, paint: Paint) {
    let headline = |word: &str, colour| {
        let mut place = printable(&case.file).into_owned();
        if let Some(line) = case.line {
            let _ = write!(place, ":{line}: {}", printable(&case.case));
        }
        let word = paint.text(colour, word);
        format!("{}: {word}\n", paint.text(Colour::Bold, &place))
    };
    match &case.ending {
        CaseOutcome::Passed => {}
        CaseOutcome::Updated => text.push_str(&headline("updated", Colour::Yellow)),
        CaseOutcome::Unreadable(error) => {
            let _ = writeln!(
                text,
                "{}: {}",
                paint.text(Colour::Red, "error"),
                printable(error)
            );
        }
        CaseOutcome::Failed(differences) => {
            text.push_str(&headline("failed", Colour::Red));
            if !case.description.is_empty() {
                let _ = writeln!(text, "  {}", printable(&case.description));
            }
            for difference in differences {
                add_difference(text, difference, paint);
            }
        }
    }
}

fn is_short(value: &Value) -> bool {
    !value.is_array() && !value.is_object()
}

/// What differs: in one line where that is enough, else as a comparison of YAML.
pub(super) fn add_difference(text: &mut String, difference: &Difference, paint: Paint) {
    let Difference {
        what,
        expected,
        found,
    } = difference;
    let what = printable(what);
    if is_short(expected) && is_short(found) {
        let _ = writeln!(
            text,
            "  {what}: expected {}, found {}",
            one_line(expected),
            one_line(found)
        );
        return;
    }
    let _ = writeln!(text, "  {what}:");
    let found = arranged(found, expected);
    for line in hunks(&lines(expected), &lines(&found), paint).lines() {
        let _ = writeln!(text, "    {line}");
    }
}

fn one_line(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        value => value.to_string(),
    }
}

/// The value as YAML; what has no YAML is shown as JSON.
fn lines(value: &Value) -> String {
    if value.is_null() {
        return String::new();
    }
    yaml(value).unwrap_or_else(|_| format!("{value:#}\n"))
}

/// The report as JSON. Fields are only ever added.
pub(super) fn json(report: &Report) -> Value {
    let counts = ENDINGS
        .iter()
        .map(|(word, _)| ((*word).to_owned(), json!(report.count(word))));
    json!({
        "cases": report.cases.iter().map(case_json).collect::<Value>(),
        "errors": report.errors.iter().map(error_json).collect::<Value>(),
        "withoutCases": report.without_cases,
        "counts": counts.collect::<serde_json::Map<_, _>>(),
    })
}

fn case_json(case: &Tested) -> Value {
    let (key, detail): (_, Value) = match &case.ending {
        CaseOutcome::Passed | CaseOutcome::Updated => ("", Value::Null),
        CaseOutcome::Unreadable(error) => ("error", error.as_str().into()),
        CaseOutcome::Failed(differences) => {
            let differences = differences
                .iter()
                .map(|one| json!({"what": one.what, "expected": one.expected, "found": one.found}));
            ("differences", differences.collect())
        }
    };
    let mut told = json!({
        "template": case.template,
        "case": case.case,
        "file": case.file,
        "line": case.line,
        "description": case.description,
        "given": case.given,
        "verdict": case.verdict,
        "ending": case.ending.word(),
    });
    if let (false, Some(told)) = (key.is_empty(), told.as_object_mut()) {
        told.insert(key.to_owned(), detail);
    }
    told
}
