//! The `pillion` program.

use std::io::Write;
use std::process::ExitCode;

use pillion::cli::Cli;

fn main() -> ExitCode {
    pillion::tls::install_provider();
    let cli = Cli::from_arguments(std::env::args_os());
    match cli.and_then(Cli::run) {
        Ok(code) => code,
        Err(error) if error.is_broken_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error may be closed; then there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "{}", error.report());
            error.exit_code()
        }
    }
}
