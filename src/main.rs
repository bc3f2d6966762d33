//! The `pillion` program.
use clap::Parser;
use std::error::Error;
use std::process::ExitCode;
fn main() -> ExitCode {
    match pillion::cli::Cli::parse().run() {
        Ok(code) => code,
        Err(error) => {
            let mut text = error.to_string();
            let mut source = error.source();
            while let Some(cause) = source {
                text = format!("{text}: {cause}");
                source = cause.source();
            }
            eprintln!("error: {text}");
            ExitCode::from(2)
        }
    }
}
