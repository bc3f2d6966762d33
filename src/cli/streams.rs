//! The three streams of a command, given by whoever runs it: `main`, or a test that keeps them.

use std::io::{self, IsTerminal, Read, Write};

use super::terminal::{Colour, Paint, printable, printable_lines};

/// Standard output did not take the text.
#[derive(Debug, thiserror::Error)]
#[error("failed to write to standard output")]
pub(crate) struct StdoutError(#[source] io::Error);

/// Standard input, output and error.
pub struct Streams<'a> {
    stdin: &'a mut dyn Read,
    stdout: &'a mut dyn Write,
    stderr: &'a mut dyn Write,
    is_process: bool,
    is_typed: bool,
    is_shown: bool,
    out: Paint,
    err: Paint,
}

impl std::fmt::Debug for Streams<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Streams").finish_non_exhaustive()
    }
}

impl<'a> Streams<'a> {
    /// The streams of this process, in colour where they are terminals.
    pub fn of_process(
        stdin: &'a mut io::Stdin,
        stdout: &'a mut io::Stdout,
        stderr: &'a mut io::Stderr,
    ) -> Self {
        Self {
            is_process: true,
            is_typed: stdin.is_terminal(),
            is_shown: stdout.is_terminal(),
            out: Paint::for_stream(stdout),
            err: Paint::for_stream(stderr),
            stdin,
            stdout,
            stderr,
        }
    }

    /// Streams that are no terminals.
    #[cfg(test)]
    pub(crate) fn plain(
        stdin: &'a mut dyn Read,
        stdout: &'a mut dyn Write,
        stderr: &'a mut dyn Write,
    ) -> Self {
        Self {
            stdin,
            stdout,
            stderr,
            is_process: false,
            is_typed: false,
            is_shown: false,
            out: Paint::NONE,
            err: Paint::NONE,
        }
    }

    /// Whether a person types at standard input.
    pub(super) fn is_typed(&self) -> bool {
        self.is_typed
    }

    /// The colours of standard output.
    pub(super) fn out(&self) -> Paint {
        self.out
    }

    /// The colours of standard error.
    pub(super) fn err(&self) -> Paint {
        self.err
    }

    /// All of standard input.
    pub(super) fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.stdin.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Writes to standard output. A reader that has gone away is no error.
    pub(super) fn print(&mut self, text: impl AsRef<[u8]>) -> Result<(), StdoutError> {
        let written = self.stdout.write_all(text.as_ref());
        match written.and_then(|()| self.stdout.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(StdoutError(error)),
            _ => Ok(()),
        }
    }

    /// Writes a document to standard output: byte for byte, but on a terminal without characters that
    /// would move its cursor or turn its text around.
    pub(super) fn print_document(&mut self, text: &str) -> Result<(), StdoutError> {
        if self.is_shown && !self.out.is_enabled() {
            return self.print(printable_lines(text).as_bytes());
        }
        self.print(text)
    }

    /// Writes to standard error. A reader that has gone away is no reason to fail.
    pub(super) fn tell(&mut self, text: &str) {
        let _ = self.stderr.write_all(text.as_bytes());
    }

    /// Writes a warning to standard error.
    pub(super) fn warn(&mut self, text: &str) {
        let word = self.err.text(Colour::Yellow, "warning").into_owned();
        self.tell(&format!("{word}: {}\n", printable(text)));
    }

    /// Writes an error with its causes to standard error.
    pub(super) fn error(&mut self, error: &anyhow::Error) {
        let word = self.err.text(Colour::Red, "error").into_owned();
        let text = format!("{word}: {}", printable_lines(&format!("{error:#}")));
        if self.is_process {
            crate::telemetry::print_error(&text);
        } else {
            self.tell(&format!("{text}\n"));
        }
    }

    /// Writes what clap says, help or wrong use, and returns the exit status.
    pub(super) fn usage(&mut self, error: &clap::Error) -> u8 {
        let said = error.render();
        let paint = if error.use_stderr() {
            self.err
        } else {
            self.out
        };
        let text = if paint == Paint::NONE {
            said.to_string()
        } else {
            said.ansi().to_string()
        };
        if error.use_stderr() {
            self.tell(&text);
        } else {
            // Nobody reads the help any more.
            let _ = self.print(text);
        }
        u8::try_from(error.exit_code()).unwrap_or(super::Status::WrongUse as u8)
    }
}

/// Gives what is to be tested streams without input, whose output is not looked at.
#[cfg(test)]
pub(super) fn without<T>(test: impl FnOnce(&mut Streams<'_>) -> T) -> T {
    let (mut stdin, mut stdout, mut stderr) = (io::empty(), io::sink(), io::sink());
    test(&mut Streams::plain(&mut stdin, &mut stdout, &mut stderr))
}

/// A run of the program in this process, with what it wrote.
#[cfg(test)]
#[derive(Debug, Default)]
pub(super) struct Captured {
    pub(super) stdout: String,
    pub(super) stderr: String,
}

#[cfg(test)]
impl Captured {
    /// Runs the program with these arguments and this standard input. Returns the exit status.
    pub(super) fn run(&mut self, arguments: &[&str], stdin: &str) -> u8 {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let mut stdin = stdin.as_bytes();
        let mut streams = Streams::plain(&mut stdin, &mut stdout, &mut stderr);
        let arguments = std::iter::once("pillion").chain(arguments.iter().copied());
        let status = super::run(arguments.map(Into::into), &mut streams);
        self.stdout = String::from_utf8(stdout).unwrap();
        self.stderr = String::from_utf8(stderr).unwrap();
        status
    }
}
