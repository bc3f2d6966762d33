//! The command line: one file for each command, and the flags that they share.
//!
//! Every flag that configures can also be given as an environment variable `PILLION_…`; flags that
//! choose what one run reads and how it writes are flags alone. Here the edges meet: a command wires
//! them together, and [`run`] prints its error once, with its causes, and gives the exit status.

mod certs;
mod check;
mod cluster;
mod completions;
mod configuration;
mod doctor;
mod documents;
mod engine_options;
mod explain;
mod flag_values;
mod inject;
mod manifest;
mod output;
mod playground;
mod report;
mod resource_list;
mod review;
mod serve;
mod streams;
mod template;
mod terminal;
mod transform;
mod uninject;

use std::ffi::OsString;
use std::io;

use clap::{Arg, Args as _, Command, CommandFactory as _, Parser, Subcommand};

pub use doctor::Check;
pub use streams::Streams;

use engine_options::EngineOptions;
use manifest::{Manifest, ManifestError};

/// How a command ended that did its work; its number is the exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Status {
    /// Done, and nothing is wrong.
    Done = 0,
    /// Done, with findings or refusals; also of a server that ended otherwise than asked to.
    Refused = 1,
    /// Wrong use and unreadable input; also clap's.
    WrongUse = 2,
}

impl Status {
    fn refused_if(is_refused: bool) -> Self {
        if is_refused {
            Self::Refused
        } else {
            Self::Done
        }
    }
}

/// Injects helper containers into Kubernetes pods from templates.
#[derive(Debug, Parser)]
#[command(name = "pillion", version, propagate_version = true)]
pub(crate) struct Cli {
    /// Read flags from this YAML file, each by its name in camelCase; a flag or an environment
    /// variable wins.
    #[arg(long, value_name = "FILE", env = configuration::VARIABLE, global = true)]
    config: Option<std::path::PathBuf>,

    #[command(subcommand)]
    command: Subcommands,
}

#[derive(Debug, Subcommand)]
enum Subcommands {
    Serve(Box<serve::Serve>),
    Inject(Box<inject::Inject>),
    Uninject(Box<uninject::Uninject>),
    Check(Box<check::CheckManifests>),
    Review(Box<review::Review>),
    Explain(Box<explain::Explain>),
    Template(Box<template::Template>),
    Playground(Box<playground::Playground>),
    Certs(Box<certs::Certs>),
    Doctor(Box<doctor::Doctor>),
    Completions(completions::Completions),
    #[command(hide = true)]
    Manual(completions::Manual),
}

/// The command line with the environment variable of every flag that has one.
pub fn command() -> Command {
    let shared: Vec<_> = EngineOptions::augment_args(Command::new("engine"))
        .get_arguments()
        .map(|arg| arg.get_id().clone())
        .collect();
    configuration::each_subcommand(Cli::command(), &mut |subcommand| {
        let is_serve = subcommand.get_name() == "serve";
        subcommand.mut_args(|arg| {
            let is_setting = is_serve || shared.contains(arg.get_id());
            match variable(&arg) {
                Some(variable) if is_setting && arg.get_env().is_none() => arg.env(variable),
                _ => arg,
            }
        })
    })
}

/// `PILLION_DRAIN_SECONDS` of `--drain-seconds`.
fn variable(arg: &Arg) -> Option<String> {
    let name = arg.get_long()?.replace('-', "_").to_uppercase();
    Some(format!("PILLION_{name}"))
}

/// Runs the program with these arguments, the first of which is its own name. Returns the exit
/// status.
pub fn run(arguments: impl IntoIterator<Item = OsString>, streams: &mut Streams<'_>) -> u8 {
    let arguments: Vec<_> = arguments.into_iter().collect();
    let ended = configuration::parse(&arguments).and_then(|cli| cli.run(streams));
    match ended {
        Ok(status) => status as u8,
        Err(error) => match error.downcast_ref::<clap::Error>() {
            Some(error) => streams.usage(error),
            None if is_broken_pipe(&error) => Status::Done as u8,
            None => {
                streams.error(&error);
                status_of(&error) as u8
            }
        },
    }
}

/// The documents of a text of YAML as `inject -o json` writes them; why it does not write them, where
/// kubectl would read another object.
pub fn read_yaml(text: &str) -> Result<Vec<serde_json::Value>, String> {
    read_documents(text).map_err(|error| crate::wording::with_sources(&error))
}

fn read_documents(text: &str) -> Result<Vec<serde_json::Value>, ManifestError> {
    let manifest = Manifest::parse("-".to_owned(), None, text)?;
    manifest.check_words()?;
    let documents = manifest.documents.into_iter();
    Ok(documents.map(|document| document.value).collect())
}

impl Cli {
    fn run(self, streams: &mut Streams<'_>) -> anyhow::Result<Status> {
        match self.command {
            Subcommands::Serve(serve) => serve.run(),
            Subcommands::Inject(inject) => inject.run(streams),
            Subcommands::Uninject(uninject) => uninject.run(streams),
            Subcommands::Check(check) => check.run(streams),
            Subcommands::Review(review) => review.run(streams),
            Subcommands::Explain(explain) => explain.run(self.config.is_some(), streams),
            Subcommands::Template(template) => template.run(streams),
            Subcommands::Playground(playground) => playground.run(streams),
            Subcommands::Certs(certs) => certs.run(streams),
            Subcommands::Doctor(doctor) => doctor.run(streams),
            Subcommands::Completions(completions) => completions.run(streams),
            Subcommands::Manual(manual) => manual.run(),
        }
    }
}

/// The exit status of a command that could not do its work.
fn status_of(error: &anyhow::Error) -> Status {
    let ran = error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<crate::server::ServerError>())
        .any(serve::ended_while_serving);
    if ran {
        Status::Refused
    } else {
        Status::WrongUse
    }
}

/// Whether the reader of standard output has gone, which is its right and no failure.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    /// Flags that choose what one run works on, and how it writes the result.
    const OF_ONE_RUN: [&str; 15] = [
        "advise",
        "brief",
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
        for subcommand in command().get_subcommands() {
            for flag in subcommand.get_arguments() {
                let Some(long) = flag.get_long().filter(|long| !OF_ONE_RUN.contains(long)) else {
                    continue;
                };
                let variable = flag.get_env().map(|name| name.to_string_lossy());
                let name = subcommand.get_name();
                assert!(
                    variable.is_some_and(|variable| variable.starts_with("PILLION_")),
                    "--{long} of {name} has no variable"
                );
            }
        }
    }

    #[test]
    fn wrong_use_and_help_go_to_their_streams() {
        let mut captured = streams::Captured::default();
        let status = captured.run(&["inject", "--no-such-flag"], "");
        assert_eq!((status, captured.stdout.as_str()), (2, ""));
        assert!(captured.stderr.contains("--no-such-flag"), "{captured:?}");
        let mut captured = streams::Captured::default();
        assert_eq!(captured.run(&["inject", "--help"], ""), 0);
        assert!(
            captured.stdout.contains("Usage: pillion inject"),
            "{captured:?}"
        );
    }
}
