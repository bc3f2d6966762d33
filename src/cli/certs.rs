//! `pillion certs`: certificates in files, for development and for clusters without cert-manager.

mod new;
mod show;

use super::Status;
use super::streams::Streams;

/// Make certificates in files, and say what certificates hold.
#[derive(Debug, clap::Args)]
pub(crate) struct Certs {
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

impl Certs {
    pub(super) fn run(&self, streams: &mut Streams<'_>) -> anyhow::Result<Status> {
        match &self.command {
            Command::New(new) => new.run(streams),
            Command::Show(show) => show.run(streams),
        }
    }
}
