//! `pillion template`: what templates there are, whether they are good, and help to write them.

mod check;
mod excerpt;
mod list;
mod new;
mod render;
mod show;
mod test;

use std::sync::Arc;

use anyhow::bail;
use serde_json::{Value, json};

use super::Status;
use super::engine_options::EngineOptions;
use super::streams::Streams;
use crate::template::catalog::Summary;
use crate::template::json_schema::json_schema;
use crate::template::{Catalog, CatalogLookup, Template as CompiledTemplate, TemplateError};
use crate::wording::did_you_mean;
pub(super) use test::case_of;

/// List, check and test templates, and help to write them.
#[derive(Debug, clap::Args)]
pub(crate) struct Template {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the templates that can be injected
    List(list::List),
    /// Compile templates and lint them; exit status 1 where anything is wrong
    Check(check::Check),
    /// Show what a template is for, how to ask for it and what it adds
    Show(show::Show),
    /// Write what a template adds to a plain pod; exit status 1 where the pod is refused
    Render(render::Render),
    /// Make the folder of a new template, with README and a first case
    New(new::New),
    /// Write the JSON Schema of template files, with which editors complete and check
    Schema,
    /// Run the cases of templates; exit status 1 where one fails, 2 where one cannot be read
    Test(test::Test),
}

impl Template {
    pub(super) fn run(&self, streams: &mut Streams<'_>) -> anyhow::Result<Status> {
        match &self.command {
            Command::List(list) => list.run(streams),
            Command::Check(check) => check.run(streams),
            Command::Show(show) => show.run(streams),
            Command::Render(render) => render.run(streams),
            Command::New(new) => new.run(streams),
            Command::Schema => {
                streams.print(lines_of(&json_schema()))?;
                Ok(Status::Done)
            }
            Command::Test(test) => Ok(test.run(streams)?),
        }
    }
}

/// The catalog of the flags, and the template of this name in it.
fn find(
    engine: &EngineOptions,
    namespace: &str,
    name: &str,
    streams: &mut Streams<'_>,
) -> anyhow::Result<(Catalog, Arc<CompiledTemplate>)> {
    let catalog = engine.load_catalog(streams)?;
    let template = match catalog.find(namespace, name) {
        CatalogLookup::Template(template) => Arc::clone(template),
        CatalogLookup::Broken(error) => bail!("the template `{name}` does not compile: {error}"),
        CatalogLookup::Nothing => {
            let hint = did_you_mean(name, catalog.names(namespace));
            let own = if hint.is_empty() && engine.has_only_built_in() {
                " in the built-in catalog; --templates DIR reads your own"
            } else {
                ""
            };
            bail!("there is no template `{name}`{own}{hint}")
        }
    };
    Ok((catalog, template))
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

fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}
