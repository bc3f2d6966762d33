//! `pillion template check`: what does not compile, and what lint finds in what does.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::excerpt::{self, Spot};
use super::{counted, error_json, lines_of, summary_json};
use crate::cli::Status;
use crate::cli::flag_values::{FilenameFlag, TextOrJson};
use crate::cli::manifest::sources;
use crate::cli::streams::Streams;
use crate::cli::terminal::{Colour, Paint};
use crate::lint::{LintFinding, lint};
use crate::template::catalog::Summary;
use crate::template::{Catalog, Source, TemplateError, built_in};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n\
    \x20 pillion template check\n\
    \x20 pillion template check templates/ship-logs")]
pub(super) struct Check {
    /// Files of templates, directories with everything below them (*.yaml, *.yml; not what is
    /// below a directory named cases), or - for standard input [default: templates where there is
    /// such a directory, as `new` and `test` have it, else the built-in catalog]
    #[arg(value_name = "FILE|DIR|-")]
    files: Vec<PathBuf>,

    #[command(flatten)]
    filename: FilenameFlag,

    /// Show errors only, nothing that lint finds
    #[arg(long)]
    no_lint: bool,

    /// How to write the result; the text has each error and finding with the line that it is in
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value = "text")]
    output: TextOrJson,
}

/// What was checked and what came of it.
struct Checked {
    sources: Vec<Source>,
    good: Vec<Summary>,
    errors: Vec<TemplateError>,
    findings: Vec<LintFinding>,
}

impl Check {
    /// Checks the templates and tells what is wrong with them.
    pub(super) fn run(&self, streams: &mut Streams<'_>) -> anyhow::Result<Status> {
        let own = PathBuf::from("templates");
        let files = self.filename.or(&self.files);
        let sources = match files {
            [] if own.is_dir() => sources(&[own], streams)?,
            [] => {
                streams.warn(
                    "there is no directory `templates` here, so the built-in catalog is checked; name \
                     your own: pillion template check DIR",
                );
                built_in::sources()
            }
            files => sources(files, streams)?,
        };
        let (catalog, errors) = Catalog::load(&sources, None);
        let findings = if self.no_lint {
            Vec::new()
        } else {
            lint(&sources)
        };
        let checked = Checked {
            good: catalog.summaries(),
            sources,
            errors,
            findings,
        };
        let text = match self.output {
            TextOrJson::Text => report(&checked, streams.out()),
            TextOrJson::Json => lines_of(&json!({
                "templates": checked.good.iter().map(summary_json).collect::<Value>(),
                "errors": checked.errors.iter().map(error_json).collect::<Value>(),
                "findings": checked.findings.iter().map(finding_json).collect::<Value>(),
            })),
        };
        streams.print(text)?;
        let is_good = checked.errors.is_empty() && checked.findings.iter().all(is_note);
        Ok(Status::refused_if(!is_good))
    }
}

fn is_note(finding: &LintFinding) -> bool {
    finding.code.is_note()
}

fn finding_json(finding: &LintFinding) -> Value {
    json!({
        "code": finding.code.as_str(),
        "file": finding.file,
        "template": finding.template,
        "line": finding.line,
        "column": finding.column,
        "field": finding.field,
        "message": finding.message,
    })
}

/// Every error and finding with its line, and a last line that sums up.
fn report(checked: &Checked, paint: Paint) -> String {
    let texts: BTreeMap<_, _> = checked
        .sources
        .iter()
        .map(|source| (source.path.as_str(), source.text.as_str()))
        .collect();
    let source = |file: &str| texts.get(file).copied().unwrap_or_default();
    let mut text = String::new();
    for error in &checked.errors {
        text.push_str(&excerpt::show(
            &Spot::of_error(error),
            source(&error.file),
            paint,
        ));
    }
    for finding in &checked.findings {
        text.push_str(&excerpt::show(
            &Spot::of_finding(finding),
            source(&finding.file),
            paint,
        ));
    }
    let templates = counted(checked.good.len(), "template");
    let errors = match checked.errors.len() {
        0 => paint.text(Colour::Green, "no errors").into_owned(),
        count => paint
            .text(Colour::Red, &counted(count, "error"))
            .into_owned(),
    };
    let notes = checked.findings.iter().filter(|it| is_note(it)).count();
    let findings = checked.findings.len() - notes;
    let told = |count: usize, what: &str| match count {
        0 => String::new(),
        count => format!(", {}", paint.text(Colour::Yellow, &counted(count, what))),
    };
    let (findings, notes) = (told(findings, "finding"), told(notes, "note"));
    let _ = writeln!(text, "{templates} compiled, {errors}{findings}{notes}");
    text
}
