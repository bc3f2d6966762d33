//! `pillion template`: what templates there are, and whether they are good.

mod excerpt;
mod test;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::REFUSED;
use super::broken;
use super::engine_options::{EngineOptions, EngineOptionsError};
use super::manifest::{ManifestError, sources};
use super::output::{self, OutputError};
use super::terminal::{Colour, Paint, printable};
use crate::template::catalog::Summary;
use crate::template::{Catalog, Source, TemplateError};

/// List templates, or check them.
#[derive(Debug, clap::Args)]
pub struct Template {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the templates that can be injected
    List(List),
    /// Compile templates and show every error at its place; exit status 1 where there are any
    Check(Check),
    /// Run the cases of templates; exit status 1 where one fails, 2 where one cannot be read
    Test(test::Test),
}

#[derive(Debug, clap::Args)]
struct List {
    #[command(flatten)]
    engine: EngineOptions,

    /// How to write the list
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        value_enum,
        default_value = "table"
    )]
    output: ListFormat,
}

#[derive(Debug, clap::Args)]
struct Check {
    /// Files of templates, directories with everything below them (*.yaml, *.yml; not what is
    /// below a directory named cases), or - for standard input; without any the built-in catalog
    #[arg(value_name = "FILE|DIR|-")]
    files: Vec<PathBuf>,

    /// How to write the result
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value = "text")]
    output: CheckFormat,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum ListFormat {
    /// Columns for people.
    Table,
    /// One JSON document.
    Json,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum CheckFormat {
    /// Each error with the line that it is in.
    Text,
    /// One JSON document.
    Json,
}

/// Why `template` could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum TemplateCommandError {
    /// The templates to check could not be read.
    #[error(transparent)]
    Read(#[from] ManifestError),
    /// The templates to list could not be read.
    #[error(transparent)]
    Engine(#[from] EngineOptionsError),
    /// `pillion template test`.
    #[error(transparent)]
    Test(#[from] test::TestError),
    /// The result could not be written.
    #[error(transparent)]
    Output(#[from] OutputError),
}

impl Template {
    /// Does what the command says.
    pub(crate) fn run(&self) -> Result<ExitCode, TemplateCommandError> {
        match &self.command {
            Command::List(list) => list.run(),
            Command::Check(check) => check.run(),
            Command::Test(test) => Ok(test.run()?),
        }
    }
}

impl List {
    fn run(&self) -> Result<ExitCode, TemplateCommandError> {
        let summaries = broken::catalog(&self.engine)?.summaries();
        let text = match self.output {
            ListFormat::Table => table(&summaries, Paint::for_stream(&io::stdout())),
            ListFormat::Json => lines_of(&summaries.iter().map(summary_json).collect()),
        };
        output::print(text.as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Check {
    fn run(&self) -> Result<ExitCode, TemplateCommandError> {
        let sources = sources(&self.files)?;
        let (catalog, errors) = match sources.as_slice() {
            [] => (Catalog::built_in(), Vec::new()),
            sources => Catalog::load(sources, None),
        };
        let good = catalog.summaries();
        let text = match self.output {
            CheckFormat::Text => report(&sources, &good, &errors, Paint::for_stream(&io::stdout())),
            CheckFormat::Json => lines_of(&json!({
                "templates": good.iter().map(summary_json).collect::<Value>(),
                "errors": errors.iter().map(error_json).collect::<Value>(),
            })),
        };
        output::print(text.as_bytes())?;
        Ok(if errors.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(REFUSED)
        })
    }
}

/// JSON as people can read it, ending with a line break.
fn lines_of(value: &Value) -> String {
    format!("{value:#}\n")
}

fn summary_json(summary: &Summary) -> Value {
    json!({
        "name": summary.name,
        "pattern": summary.pattern,
        "description": summary.description,
        "revision": summary.revision,
        "stale": summary.stale,
    })
}

fn error_json(error: &TemplateError) -> Value {
    json!({
        "file": error.file,
        "template": error.template,
        "line": error.line,
        "column": error.column,
        "field": error.field,
        "message": error.message,
    })
}

/// One line for each template, under a line of headings.
fn table(summaries: &[Summary], paint: Paint) -> String {
    let width = |heading: &str, cell: fn(&Summary) -> &str| {
        let cells = summaries
            .iter()
            .map(|summary| cell(summary).chars().count());
        cells.max().unwrap_or(0).max(heading.len())
    };
    let name = width("NAME", |summary| &summary.name);
    let pattern = width("PATTERN", |summary| &summary.pattern);
    let revision = width("REVISION", |summary| &summary.revision);
    let row = |cells: [&str; 4]| {
        let [a, b, c, d] = cells;
        let line = format!("{a:name$}  {b:pattern$}  {c:revision$}  {d}");
        line.trim_end().to_owned()
    };
    let headings = row(["NAME", "PATTERN", "REVISION", "DESCRIPTION"]);
    let mut text = format!("{}\n", paint.text(Colour::Bold, &headings));
    for summary in summaries {
        let description = printable(&summary.description);
        let cells = [
            summary.name.as_str(),
            summary.pattern.as_str(),
            summary.revision.as_str(),
            description.as_ref(),
        ];
        let _ = writeln!(text, "{}", row(cells));
    }
    text
}

/// Every error with its line, and a last line that sums up.
fn report(sources: &[Source], good: &[Summary], errors: &[TemplateError], paint: Paint) -> String {
    let texts: BTreeMap<_, _> = sources
        .iter()
        .map(|source| (source.path.as_str(), source.text.as_str()))
        .collect();
    let mut text = String::new();
    for error in errors {
        let source = texts.get(error.file.as_str()).copied().unwrap_or_default();
        text.push_str(&excerpt::show(error, source, paint));
    }
    let templates = counted(good.len(), "template");
    let summary = match errors.len() {
        0 => paint.text(Colour::Green, "no errors"),
        count => paint
            .text(Colour::Red, &counted(count, "error"))
            .into_owned()
            .into(),
    };
    let _ = writeln!(text, "{templates} compiled, {summary}");
    text
}

fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}
