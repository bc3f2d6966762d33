//! `pillion template list`: what templates there are.

use std::fmt::Write as _;

use super::{lines_of, summary_json};
use crate::cli::Status;
use crate::cli::engine_options::EngineOptions;
use crate::cli::streams::Streams;
use crate::cli::terminal::{Colour, Paint, printable};
use crate::template::catalog::Summary;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n\
    \x20 pillion template list\n\
    \x20 pillion template list --templates templates --templates built-in")]
pub(super) struct List {
    /// How to write the list
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        value_enum,
        default_value = "table"
    )]
    output: ListFormat,

    #[command(flatten)]
    engine: EngineOptions,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum ListFormat {
    /// Columns for people.
    Table,
    /// One JSON document.
    Json,
}

impl List {
    pub(super) fn run(&self, streams: &mut Streams<'_>) -> anyhow::Result<Status> {
        let summaries = self.engine.load_catalog(streams)?.summaries();
        let text = match self.output {
            ListFormat::Table => table(&summaries, streams.out()),
            ListFormat::Json => lines_of(&summaries.iter().map(summary_json).collect()),
        };
        streams.print(text)?;
        Ok(Status::Done)
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
