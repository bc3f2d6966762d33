//! `pillion certs`: certificates in files, for development and for clusters without cert-manager.

mod new;
mod show;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use super::output::OutputError;
use crate::tls::TlsError;
use crate::tls::inspect::InspectError;

/// Make certificates in files, and say what certificates hold.
#[derive(Debug, clap::Args)]
pub struct Certs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make an authority, and a serving certificate that it signs
    New(new::New),
    /// Say what certificates hold; exit status 1 where one has ended or the key does not fit
    Show(show::Show),
}

/// Why `certs` could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum CertsError {
    /// There is something that would be lost.
    #[error("{} exists already: choose another directory, or overwrite with --force", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A file could not be read.
    #[error("failed to read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("failed to write {}", path.display())]
    Write {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file holds no certificates.
    #[error("{}", path.display())]
    Inspect {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: InspectError,
    },
    /// A certificate could not be made or read.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// What is to be said could not be.
    #[error(transparent)]
    Output(#[from] OutputError),
}

impl Certs {
    /// Does what the command says.
    pub(crate) fn run(&self) -> Result<ExitCode, CertsError> {
        match &self.command {
            Command::New(new) => new.run(),
            Command::Show(show) => show.run(),
        }
    }
}
