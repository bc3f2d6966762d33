//! The command line: one file for each command, and the flags that they share.
//!
//! Interim until the server's branch is merged.

mod broken;
mod documents;
mod engine_options;
mod inject;
mod manifest;
mod output;
mod report;
mod resource_list;
mod review;
mod template;
mod terminal;
mod transform;
mod uninject;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use documents::DocumentError;
pub use inject::{Inject, InjectError};
pub use review::{Review, ReviewError};
pub use template::{Template, TemplateCommandError};
pub use uninject::Uninject;

/// Injects helper containers into Kubernetes pods from templates.
#[derive(Debug, Parser)]
#[command(name = "pillion", version, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Inject(Box<Inject>),
    Uninject(Box<Uninject>),
    Review(Box<Review>),
    Template(Box<Template>),
}

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `pillion inject`.
    #[error(transparent)]
    Inject(#[from] InjectError),
    /// `pillion uninject`.
    #[error(transparent)]
    Uninject(#[from] DocumentError),
    /// `pillion review`.
    #[error(transparent)]
    Review(#[from] ReviewError),
    /// `pillion template`.
    #[error(transparent)]
    Template(#[from] TemplateCommandError),
}

impl Cli {
    /// Runs the command.
    pub fn run(self) -> Result<ExitCode, Error> {
        match self.command {
            Command::Inject(inject) => Ok(inject.run()?),
            Command::Uninject(uninject) => Ok(uninject.run()?),
            Command::Review(review) => Ok(review.run()?),
            Command::Template(template) => Ok(template.run()?),
        }
    }
}
