//! What `inject` and `uninject` share: which manifests are read, and how the result is written.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use super::REFUSED;
use super::manifest::{Manifest, ManifestError};
use super::output::{self, OutputError, OutputFormat};
use super::report::{self, ReportFormat};
use super::terminal::Paint;
use super::transform::{ObjectTransform, Report, TreatmentError, transform};

/// Flags for manifests in and manifests out.
#[derive(Debug, clap::Args)]
pub(crate) struct DocumentArguments {
    /// Manifests to read: a file, a directory with everything below it (*.yaml, *.yml, *.json; no
    /// hidden entries), or - for standard input. May be given several times [default: -]
    #[arg(short = 'f', long = "filename", value_name = "FILE|DIR|-")]
    files: Vec<PathBuf>,

    /// Namespace of objects that name none
    #[arg(short, long, value_name = "NAME", default_value = "default")]
    namespace: String,

    /// How to write the documents. Those that are not touched come out byte for byte; in touched
    /// ones the comments between lines are lost
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value = "yaml")]
    output: OutputFormat,

    /// Write changed files back instead of printing them
    #[arg(short, long, conflicts_with = "output")]
    in_place: bool,

    /// How to write the report on standard error
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "text")]
    report: ReportFormat,
}

/// Why manifests could not be worked on.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// Nothing was named, and no manifest comes from a terminal.
    #[error("no manifests: name files or directories with -f, or send manifests to standard input")]
    NoInput,
    /// The input could not be read.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// An object could not be changed.
    #[error(transparent)]
    ObjectTransform(#[from] TreatmentError),
    /// The result could not be written.
    #[error(transparent)]
    Output(#[from] OutputError),
}

impl DocumentArguments {
    /// The namespace of objects that name none.
    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Reads the manifests.
    pub(crate) fn read(&self) -> Result<Vec<Manifest>, DocumentError> {
        let stdin = [PathBuf::from("-")];
        let files = if self.files.is_empty() {
            if output::stdin_is_terminal() {
                return Err(DocumentError::NoInput);
            }
            &stdin
        } else {
            self.files.as_slice()
        };
        let manifests = Manifest::read(files)?;
        if self.in_place && manifests.iter().any(|manifest| manifest.path.is_none()) {
            return Err(OutputError::NoFile.into());
        }
        Ok(manifests)
    }

    /// Treats the manifests and writes them, or nothing where an object is refused.
    pub(crate) fn run(
        &self,
        mut manifests: Vec<Manifest>,
        treatment: &dyn ObjectTransform,
    ) -> Result<ExitCode, DocumentError> {
        let report = transform(&mut manifests, &self.namespace, treatment)?;
        if !report.is_refused() {
            self.write(&manifests, &report)?;
        }
        self.tell(&report);
        Ok(if report.is_refused() {
            ExitCode::from(REFUSED)
        } else {
            ExitCode::SUCCESS
        })
    }

    fn write(&self, manifests: &[Manifest], report: &Report) -> Result<(), OutputError> {
        if self.in_place {
            return output::write_back(manifests);
        }
        output::print(output::render(self.output, manifests, report)?.as_bytes())
    }

    /// A report that nobody can be told is no reason to fail: the documents are written.
    fn tell(&self, report: &Report) {
        let stderr = io::stderr();
        let text = match self.report {
            ReportFormat::Text => report::text(report, Paint::for_stream(&stderr)),
            ReportFormat::Json => format!("{}\n", report::json(report)),
        };
        let _ = stderr.lock().write_all(text.as_bytes());
    }
}
