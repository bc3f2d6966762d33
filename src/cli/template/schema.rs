//! `pillion template schema`: a JSON Schema of template files, for editors.

use std::process::ExitCode;

use super::{TemplateCommandError, lines_of};
use crate::cli::output;
use crate::template::json_schema::json_schema;

#[derive(Debug, clap::Args)]
pub(super) struct Schema {}

impl Schema {
    /// Writes the schema.
    #[expect(
        clippy::unused_self,
        reason = "every command runs on its arguments; this one has none yet"
    )]
    pub(super) fn run(&self) -> Result<ExitCode, TemplateCommandError> {
        output::print(lines_of(&json_schema()).as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }
}
