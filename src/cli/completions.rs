//! `pillion completions` and `pillion manual`: what shells and `man` know of the command line.

use std::path::PathBuf;

use anyhow::Context as _;
use clap_complete::Shell;

use super::streams::Streams;
use super::{Status, command};

/// Write completions of this command line for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    pillion completions bash > ~/.local/share/bash-completion/completions/pillion\n  \
    pillion completions zsh > ~/.zfunc/_pillion\n  \
    pillion completions fish > ~/.config/fish/completions/pillion.fish")]
pub(super) struct Completions {
    /// The shell
    #[arg(value_name = "bash|zsh|fish|elvish|powershell")]
    shell: Shell,
}

/// Write a man page for every command into a directory
#[derive(Debug, clap::Args)]
pub(super) struct Manual {
    /// The directory, which must exist
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

impl Completions {
    pub(super) fn run(&self, streams: &mut Streams<'_>) -> anyhow::Result<Status> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command(), "pillion", &mut script);
        streams.print(script)?;
        Ok(Status::Done)
    }
}

impl Manual {
    pub(super) fn run(&self) -> anyhow::Result<Status> {
        clap_mangen::generate_to(command(), &self.directory)
            .with_context(|| format!("failed to write to {}", self.directory.display()))?;
        Ok(Status::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::super::streams::Captured;

    #[test]
    fn every_shell_gets_a_script_that_knows_the_commands() {
        for shell in ["bash", "zsh", "fish"] {
            let mut captured = Captured::default();
            assert_eq!(captured.run(&["completions", shell], ""), 0, "{captured:?}");
            for word in ["uninject", "doctor", "in-place"] {
                assert!(captured.stdout.contains(word), "{shell}: {word}");
            }
        }
        assert_eq!(Captured::default().run(&["completions", "tcsh"], ""), 2);
    }

    #[test]
    fn every_command_has_a_man_page() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        assert_eq!(Captured::default().run(&["manual", path], ""), 0);
        for page in ["pillion.1", "pillion-inject.1", "pillion-template-test.1"] {
            let text = std::fs::read_to_string(folder.path().join(page)).unwrap();
            assert!(text.contains(".TH"), "{page}: {text}");
        }
        assert_eq!(
            Captured::default().run(&["manual", "/no/such/folder"], ""),
            2
        );
    }
}
