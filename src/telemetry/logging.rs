//! The log: lines for people on a terminal, JSON for whatever collects it.

use std::io::{IsTerminal, stderr};
use std::panic::PanicHookInfo;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    #[default]
    Auto,
    /// Lines for people.
    Text,
    /// One JSON object on each line.
    Json,
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// A level that cannot be read.
    #[error(
        "log level {level:?}: expected error, warn, info, debug, trace, or directives such as warn,pillion=debug"
    )]
    Level {
        /// What was given.
        level: String,
        /// What the parser said.
        source: ParseError,
    },
    /// The process has a log already.
    #[error("failed to start the log")]
    Start(#[source] TryInitError),
}

/// Starts the process's log on standard error, and logs panics instead of printing them.
///
/// A bare level is Pillion's own; libraries then speak from `warn` on.
pub fn init(format: LogFormat, level: &str) -> Result<(), TelemetryError> {
    let filter = filter(level)?;
    let terminal = stderr().is_terminal();
    let json = match format {
        LogFormat::Auto => !terminal,
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        .with_ansi(terminal && !json);
    let started = if json {
        builder.json().flatten_event(true).finish().try_init()
    } else {
        builder.finish().try_init()
    };
    started.map_err(TelemetryError::Start)?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

fn filter(level: &str) -> Result<EnvFilter, TelemetryError> {
    let plain = level.chars().all(|letter| letter.is_ascii_alphabetic());
    let directives = if plain && !level.eq_ignore_ascii_case("off") {
        // The client warns of an answer that it cannot read with all of the answer.
        format!("warn,kube_client::client=error,pillion={level}")
    } else {
        level.to_owned()
    };
    EnvFilter::try_new(directives).map_err(|source| TelemetryError::Level {
        level: level.to_owned(),
        source,
    })
}

/// Logs where a panic was, not what it said: its text can quote a pod.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic
        .location()
        .map(ToString::to_string)
        .unwrap_or_default();
    tracing::error!(place, "panic");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_level_is_pillions_own() {
        assert_eq!(
            filter("debug").unwrap().to_string(),
            "kube_client::client=error,pillion=debug,warn"
        );
        assert_eq!(
            filter("info,hyper=debug").unwrap().to_string(),
            "hyper=debug,info"
        );
    }

    #[test]
    fn an_unknown_level_is_told() {
        let error = filter("loud").unwrap_err();
        assert!(error.to_string().contains("\"loud\""), "{error}");
    }
}
