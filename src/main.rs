//! The `pillion` program.

use std::process::ExitCode;

use pillion::cli::Cli;

fn main() -> ExitCode {
    pillion::tls::install_provider();
    let cli = Cli::from_arguments(std::env::args_os());
    match cli.and_then(Cli::run) {
        Ok(code) => code,
        Err(error) if error.is_broken_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            pillion::telemetry::print_error(&error.report());
            error.exit_code()
        }
    }
}
