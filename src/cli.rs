//! The command line: one file for each command, and the flags that they share.
//!
//! Every flag that configures can also be given as an environment variable `PILLION_…`; what says
//! which manifests are read and how they are written is of one run alone. Here the edges meet: a
//! command wires them together, and its error is printed once, by `main`.

mod assignment;
mod catalog_loading;
mod certs;
mod check;
mod cluster;
mod configuration;
mod doctor;
mod documents;
mod duration;
mod engine_options;
mod explain;
mod inject;
mod manifest;
mod output;
mod report;
mod resource_list;
mod review;
mod serve;
mod template;
mod terminal;
mod transform;
mod uninject;

use std::error::Error as StdError;
use std::io;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use certs::{Certs, CertsError};
pub use check::{CheckError, CheckManifests};
pub use cluster::ClusterError;
pub use configuration::ConfigurationError;
pub use doctor::{Check, Doctor, DoctorError};
pub use documents::DocumentError;
pub use engine_options::{EngineOptions, EngineOptionsError};
pub use explain::{Explain, ExplainError};
pub use inject::{Inject, InjectError};
pub use review::{Review, ReviewError};
pub use serve::{Serve, ServeError};
pub use template::{Template, TemplateCommandError};
pub use uninject::Uninject;

/// Exit status of findings and refusals, and of a server that ended otherwise than asked to.
const REFUSED: u8 = 1;

/// Exit status of wrong use and unreadable input; also clap's.
const WRONG_USE: u8 = 2;

/// Injects helper containers into Kubernetes pods from templates.
#[derive(Debug, Parser)]
#[command(name = "pillion", version, propagate_version = true)]
pub struct Cli {
    /// Read flags from this YAML file, each by its name in camelCase; a flag or an environment
    /// variable wins.
    #[arg(long, value_name = "FILE", env = "PILLION_CONFIG", global = true)]
    config: Option<std::path::PathBuf>,

    /// What to do.
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the admission webhook.
    Serve(Box<Serve>),
    Inject(Box<Inject>),
    Uninject(Box<Uninject>),
    Check(Box<CheckManifests>),
    Review(Box<Review>),
    Explain(Box<Explain>),
    Template(Box<Template>),
    Certs(Box<Certs>),
    Doctor(Box<Doctor>),
}

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration file.
    #[error(transparent)]
    Configuration(#[from] ConfigurationError),
    /// `pillion serve`.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// `pillion inject`.
    #[error(transparent)]
    Inject(#[from] InjectError),
    /// `pillion uninject`.
    #[error(transparent)]
    Uninject(#[from] DocumentError),
    /// `pillion check`.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// `pillion review`.
    #[error(transparent)]
    Review(#[from] ReviewError),
    /// `pillion explain`.
    #[error(transparent)]
    Explain(#[from] ExplainError),
    /// `pillion template`.
    #[error(transparent)]
    Template(#[from] TemplateCommandError),
    /// `pillion certs`.
    #[error(transparent)]
    Certs(#[from] CertsError),
    /// `pillion doctor`.
    #[error(transparent)]
    Doctor(#[from] DoctorError),
}

impl Cli {
    /// Reads the arguments, and the configuration file that they name. Wrong use ends the process
    /// with clap's message.
    pub fn from_arguments(
        arguments: impl IntoIterator<Item = std::ffi::OsString>,
    ) -> Result<Self, Error> {
        let arguments: Vec<_> = arguments.into_iter().collect();
        Ok(configuration::parse(&arguments)?)
    }

    /// Runs the command. `Ok` holds the exit status of a command that did its work.
    pub fn run(self) -> Result<ExitCode, Error> {
        match self.command {
            Command::Serve(serve) => Ok(serve.run()?),
            Command::Inject(inject) => Ok(inject.run()?),
            Command::Uninject(uninject) => Ok(uninject.run()?),
            Command::Check(check) => Ok(check.run()?),
            Command::Review(review) => Ok(review.run()?),
            Command::Explain(explain) => Ok(explain.run()?),
            Command::Template(template) => Ok(template.run()?),
            Command::Certs(certs) => Ok(certs.run()?),
            Command::Doctor(doctor) => Ok(doctor.run()?),
        }
    }
}

impl Error {
    /// The exit status that this error ends the process with.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Serve(error) if error.is_at_run_time() => REFUSED,
            _ => WRONG_USE,
        })
    }

    /// Whether the reader of standard output has gone, which is its right and no failure.
    pub fn is_broken_pipe(&self) -> bool {
        self.chain().any(|error| {
            error
                .downcast_ref::<io::Error>()
                .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
        })
    }

    /// The error with its causes, as it is printed.
    pub fn report(&self) -> String {
        let causes: Vec<_> = self.chain().map(ToString::to_string).collect();
        format!("error: {}", causes.join(": "))
    }

    fn chain(&self) -> impl Iterator<Item = &(dyn StdError + 'static)> {
        let first: &(dyn StdError + 'static) = self;
        std::iter::successors(Some(first), |&error| error.source())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    /// What one run of a command works on, and how it writes the result.
    const OF_ONE_RUN: [&str; 14] = [
        "advise",
        "check-references",
        "connect",
        "context",
        "filename",
        "in-place",
        "inject",
        "kubeconfig",
        "name",
        "namespace",
        "output",
        "probe-namespace",
        "report",
        "set",
    ];

    #[test]
    fn every_flag_is_an_environment_variable_too() {
        let command = Cli::command();
        for subcommand in command.get_subcommands() {
            for flag in subcommand
                .get_arguments()
                .filter(|a| a.get_long().is_some())
            {
                if OF_ONE_RUN.contains(&flag.get_long().unwrap()) {
                    continue;
                }
                let variable = flag.get_env().map(|name| name.to_string_lossy());
                let variable = variable.unwrap_or_default();
                assert!(
                    variable.starts_with("PILLION_"),
                    "--{} of {} has {variable:?}",
                    flag.get_long().unwrap(),
                    subcommand.get_name()
                );
            }
        }
    }
}
