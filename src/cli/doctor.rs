//! `pillion doctor`: what is wrong with an installation, and what to do about it.
//!
//! First everything is read, with the caller's own rights and a bound on how much; then each check
//! looks at what was read and says one line, or several. What could not be read is a warning that
//! names the right that is missing, and never a reason to stop.

mod check;
mod checks;
mod facts;
mod report;

use std::io::{self, Write};
use std::process::ExitCode;

use super::REFUSED;
use super::cluster::{ClusterArguments, ClusterError};
use super::terminal::Paint;
pub use check::Check;
use facts::{Facts, KnownNames};
use report::Report;

/// Say what is wrong with an installation in a cluster.
///
/// Each line is ok, a warning or a failure, with the remedy. Nothing is changed: the pod that is
/// created on trial is a dry run. The exit status is 1 where there is a failure, 2 where the cluster
/// cannot be asked.
#[derive(Debug, clap::Args)]
pub struct Doctor {
    /// The namespace that Pillion runs in
    #[arg(short, long, value_name = "NAME", default_value = "pillion-system")]
    namespace: String,

    /// The name of its Deployment, Service and webhook configurations
    #[arg(long, value_name = "NAME", default_value = "pillion")]
    name: String,

    /// The namespace of the pod that is created on trial [default: one that is enabled, else
    /// `default`]
    #[arg(long, value_name = "NAME")]
    probe_namespace: Option<String>,

    /// Where the webhook port can be reached from here, for example a `kubectl port-forward`
    /// [default: the Service's own name]
    #[arg(long, value_name = "HOST:PORT")]
    connect: Option<String>,

    /// How to write the report
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value = "text")]
    output: Format,

    #[command(flatten)]
    cluster: ClusterArguments,
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// One JSON document, as docs/doctor.schema.json describes it.
    Json,
}

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
pub enum DoctorError {
    /// The cluster cannot be asked.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The API server does not answer.
    #[error("failed to ask the API server: {0}")]
    NoAnswer(String),
    /// The report cannot be written as JSON.
    #[error("failed to write the report as JSON")]
    Json(#[source] serde_json::Error),
    /// Standard output did not take the report.
    #[error("failed to write the report")]
    Write(#[source] io::Error),
}

impl Doctor {
    /// Does what the command says.
    pub(crate) fn run(&self) -> Result<ExitCode, DoctorError> {
        let cluster = self.cluster.open()?;
        let names = KnownNames {
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            probe_namespace: self.probe_namespace.clone(),
            connect: self.connect.clone(),
        };
        let facts = Facts::gather(&cluster, names)?;
        let report = Report::new(&facts.names, checks::all(&facts));
        let mut out = io::stdout().lock();
        let text = match self.output {
            Format::Text => report.text(Paint::for_stream(&io::stdout())),
            Format::Json => {
                serde_json::to_string_pretty(&report).map_err(DoctorError::Json)? + "\n"
            }
        };
        out.write_all(text.as_bytes()).map_err(DoctorError::Write)?;
        Ok(if report.summary.failures > 0 {
            ExitCode::from(REFUSED)
        } else {
            ExitCode::SUCCESS
        })
    }
}

#[cfg(test)]
mod tests;
