//! The report: all lines, in order, for people or as JSON.

use std::fmt::Write as _;

use serde::Serialize;

use super::super::terminal::{Colour, Paint, printable};
use super::checks::{Health, Line};
use super::facts::KnownNames;

/// What was found.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    /// The version of this program.
    pub(super) version: &'static str,
    /// The namespace that Pillion runs in.
    pub(super) namespace: String,
    /// The name of its objects.
    pub(super) name: String,
    /// How many lines there are of each kind.
    pub(super) summary: Summary,
    /// The lines.
    pub(super) lines: Vec<Line>,
}

/// How many lines there are of each kind.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Summary {
    /// As it should be.
    pub(super) ok: usize,
    /// Worth a look, or not known.
    pub(super) warnings: usize,
    /// What does not work, or will stop to.
    pub(super) failures: usize,
}

impl Report {
    pub(super) fn new(names: &KnownNames, lines: Vec<Line>) -> Self {
        let count = |health| lines.iter().filter(|line| line.status == health).count();
        Self {
            version: env!("CARGO_PKG_VERSION"),
            namespace: names.namespace.clone(),
            name: names.name.clone(),
            summary: Summary {
                ok: count(Health::Ok),
                warnings: count(Health::Warning),
                failures: count(Health::Failure),
            },
            lines,
        }
    }

    pub(super) fn text(&self, paint: Paint) -> String {
        let mut text = String::new();
        for line in &self.lines {
            let (word, colour) = match line.status {
                Health::Ok => ("ok     ", Colour::Green),
                Health::Warning => ("warning", Colour::Yellow),
                Health::Failure => ("failure", Colour::Red),
            };
            let check = format!("{:<14}", line.check.as_str());
            let message = printable(&line.message);
            let _ = writeln!(text, "{}  {check}  {message}", paint.text(colour, word));
            if let Some(remedy) = &line.remedy {
                let _ = writeln!(text, "{:25}-> {}", "", printable(remedy));
            }
        }
        let Summary {
            ok,
            warnings,
            failures,
        } = self.summary;
        let summary = format!("{ok} ok, {warnings} warnings, {failures} failures");
        let _ = writeln!(text, "\n{}", paint.text(Colour::Bold, &summary));
        text
    }
}
