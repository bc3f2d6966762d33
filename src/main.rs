//! The `pillion` program.

use std::process::ExitCode;

use pillion::cli::{self, Streams};

fn main() -> ExitCode {
    pillion::tls::install_provider();
    let (mut stdin, mut stdout, mut stderr) =
        (std::io::stdin(), std::io::stdout(), std::io::stderr());
    let mut streams = Streams::of_process(&mut stdin, &mut stdout, &mut stderr);
    ExitCode::from(cli::run(std::env::args_os(), &mut streams))
}
