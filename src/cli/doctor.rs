//! `pillion doctor`: what is wrong with an installation, and what to do about it.
//!
//! First everything is read, with the caller's own rights and a bound on how much; then each check
//! looks at what was read and says one line, or several. What could not be read is a warning that
//! names the right that is missing, and never a reason to stop.

mod checks;
mod facts;
mod report;

use super::Status;
use super::cluster::ClusterArguments;
use super::flag_values::TextOrJson;
use super::streams::Streams;
pub use checks::Check;
use facts::{Facts, KnownNames};
use report::Report;

/// Say what is wrong with an installation in a cluster.
///
/// Each line is ok, a warning or a failure, with the remedy. Nothing is changed: the pod that is
/// created on trial is a dry run. The exit status is 1 where there is a failure, 2 where the cluster
/// cannot be asked.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n\
    \x20 pillion doctor\n\
    \x20 pillion doctor -n injection --name injector\n\
    \x20 kubectl port-forward -n pillion-system service/pillion 8443:443 & pillion doctor --connect localhost:8443")]
pub(crate) struct Doctor {
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

    /// How to write the report; docs/doctor.schema.json describes the JSON
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value = "text")]
    output: TextOrJson,

    #[command(flatten)]
    cluster: ClusterArguments,
}

impl Doctor {
    pub(super) fn run(&self, streams: &mut Streams<'_>) -> anyhow::Result<Status> {
        let cluster = self.cluster.open()?;
        let names = KnownNames {
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            probe_namespace: self.probe_namespace.clone(),
            connect: self.connect.clone(),
        };
        let facts = Facts::gather(&cluster, names)?;
        let report = Report::new(&facts.names, checks::all(&facts));
        streams.print(match self.output {
            TextOrJson::Text => report.text(streams.out()),
            TextOrJson::Json => serde_json::to_string_pretty(&report)? + "\n",
        })?;
        Ok(Status::refused_if(report.summary.failures > 0))
    }
}

#[cfg(test)]
mod tests;
