//! What `inject` and `uninject` share: which manifests are read, and how the result is written.

use std::path::{Path, PathBuf};

use anyhow::bail;

use super::Status;
use super::flag_values::PodPathFlag;
use super::manifest::Manifest;
use super::manifest::kinds::Scope;
use super::output::{self, OutputError, OutputFormat};
use super::report::{self, Report, ReportFormat};
use super::streams::Streams;
use super::transform::{ObjectTransform, transform};

/// Flags for manifests in and manifests out.
#[derive(Debug, clap::Args)]
pub(crate) struct DocumentArguments {
    /// Manifests to read: a file, a directory with everything below it (*.yaml, *.yml, *.json; no
    /// hidden entries), or - for standard input. May be given several times [default: -]
    #[arg(short = 'f', long = "filename", value_name = "FILE|DIR|-")]
    files: Vec<PathBuf>,

    /// The same manifests, given as to other commands: `FILE` is `-f FILE`
    #[arg(value_name = "FILE|DIR|-", conflicts_with = "files")]
    named: Vec<PathBuf>,

    /// Namespace of objects that name none
    #[arg(short, long, value_name = "NAME", default_value = "default")]
    namespace: String,

    #[command(flatten)]
    pod_paths: PodPathFlag,

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

impl DocumentArguments {
    /// The namespace of objects that name none.
    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// What their objects are looked at with.
    pub(crate) fn scope(&self) -> Scope<'_> {
        self.pod_paths.scope(&self.namespace)
    }

    pub(crate) fn read(&self, streams: &mut Streams<'_>) -> anyhow::Result<Vec<Manifest>> {
        let stdin = [PathBuf::from("-")];
        let given = if self.files.is_empty() {
            &self.named
        } else {
            &self.files
        };
        let files = if given.is_empty() {
            if streams.is_typed() {
                bail!(
                    "no manifests: name files or directories with -f, or send manifests to \
                     standard input"
                );
            }
            &stdin
        } else {
            given.as_slice()
        };
        if self.in_place
            && let Some(path) = files.iter().find(|path| is_special(path))
        {
            bail!("--in-place needs plain files: {} is none", path.display());
        }
        let manifests = Manifest::read(files, streams)?;
        if self.in_place && manifests.iter().any(|manifest| manifest.path.is_none()) {
            return Err(OutputError::NoFile.into());
        }
        Ok(manifests)
    }

    /// Transforms the manifests and writes them, or nothing where an object is refused.
    pub(crate) fn run(
        &self,
        mut manifests: Vec<Manifest>,
        treatment: &dyn ObjectTransform,
        streams: &mut Streams<'_>,
    ) -> anyhow::Result<Status> {
        let report = transform(&mut manifests, self.scope(), treatment)?;
        // A word that kubectl reads otherwise may be why a value has another type.
        let faulty = report
            .entries
            .iter()
            .filter(|entry| entry.treated.place.is_some());
        for entry in faulty {
            let mut named = manifests
                .iter()
                .filter(|manifest| manifest.name == entry.file);
            named.try_for_each(|manifest| manifest.check_words_of(entry.document))?;
        }
        let written = if report.is_refused() {
            Ok(())
        } else {
            self.write(&manifests, &report, streams)
        };
        // Also where writing failed: some files may be written already.
        streams.tell(&match self.report {
            ReportFormat::Text => report::text(&report, streams.err()),
            ReportFormat::Json => format!("{}\n", report::json(&report)),
        });
        written?;
        Ok(Status::refused_if(!report.is_whole()))
    }

    fn write(
        &self,
        manifests: &[Manifest],
        report: &Report,
        streams: &mut Streams<'_>,
    ) -> Result<(), OutputError> {
        if self.in_place {
            return output::write_back(manifests);
        }
        let text = output::render(self.output, manifests, report, streams.out())?;
        Ok(streams.print_document(&text)?)
    }
}

/// Whether a path leads to something that is neither a file nor a directory: a pipe, a device. It is
/// not read, as what comes from there would be gone.
fn is_special(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir())
}
