//! `pillion template`: what templates there are, whether they are good, and help to write them.

mod check;
mod excerpt;
mod find;
mod list;
mod new;
mod render;
mod schema;
mod show;
mod test;

use std::process::ExitCode;

use serde_json::{Value, json};

use super::engine_options::EngineOptionsError;
use super::manifest::ManifestError;
use super::output::OutputError;
use super::transform::TreatmentError;
use crate::template::TemplateError;
use crate::template::catalog::Summary;

/// List, check and test templates, and help to write them.
#[derive(Debug, clap::Args)]
pub struct Template {
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
    Schema(schema::Schema),
    /// Run the cases of templates; exit status 1 where one fails, 2 where one cannot be read
    Test(test::Test),
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
    /// No template has the name.
    #[error("there is no template `{name}`{hint}")]
    NotFound {
        /// The name.
        name: String,
        /// What was probably meant.
        hint: String,
    },
    /// The template does not compile.
    #[error("the template `{name}` does not compile: {error}")]
    Broken {
        /// The name.
        name: String,
        /// Its first error.
        error: String,
    },
    /// A pod could not be changed.
    #[error(transparent)]
    ObjectTransform(#[from] TreatmentError),
    /// `pillion template new`.
    #[error(transparent)]
    New(#[from] new::NewError),
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
            Command::Show(show) => show.run(),
            Command::Render(render) => render.run(),
            Command::New(new) => Ok(new.run()?),
            Command::Schema(schema) => schema.run(),
            Command::Test(test) => Ok(test.run()?),
        }
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

fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}
