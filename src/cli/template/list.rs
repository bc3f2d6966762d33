//! `pillion template list`: what templates there are.

use std::fmt::Write as _;
use std::io;
use std::process::ExitCode;

use super::{TemplateCommandError, lines_of, summary_json};
use crate::cli::catalog_loading;
use crate::cli::engine_options::EngineOptions;
use crate::cli::output;
use crate::cli::terminal::{Colour, Paint, printable};
use crate::template::catalog::Summary;

#[derive(Debug, clap::Args)]
pub(super) struct List {
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

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum ListFormat {
    /// Columns for people.
    Table,
    /// One JSON document.
    Json,
}

impl List {
    /// Writes the list.
    pub(super) fn run(&self) -> Result<ExitCode, TemplateCommandError> {
        let summaries = catalog_loading::catalog(&self.engine)?.summaries();
        let text = match self.output {
            ListFormat::Table => table(&summaries, Paint::for_stream(&io::stdout())),
            ListFormat::Json => lines_of(&summaries.iter().map(summary_json).collect()),
        };
        output::print(text.as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }
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
