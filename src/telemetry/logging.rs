//! The log: lines for people on a terminal, JSON for whatever collects it.

use std::fs::File;
use std::io::{self, IsTerminal, Write, stderr};
use std::os::fd::AsFd;
use std::panic::PanicHookInfo;
use std::sync::mpsc::channel;
use std::time::Duration;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use super::log_queue::LogQueue;

/// How long [`print_error`] waits for whoever reads standard error.
const PATIENCE: Duration = Duration::from_secs(1);

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum LogFormat {
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
pub(crate) enum TelemetryError {
    /// A level that cannot be read.
    #[error(
        "log level {level:?}: expected error, warn, info, debug, trace, or directives such as warn,pillion=debug"
    )]
    Level { level: String, source: ParseError },
    /// The process has a log already.
    #[error("failed to start the log")]
    Start(#[source] TryInitError),
    /// There is no thread to write with.
    #[error("failed to start the thread that writes the log")]
    Thread(#[source] io::Error),
}

/// Starts the process's log on standard error, and logs panics instead of printing them.
///
/// A bare level is Pillion's own; libraries then log from `warn` on.
pub(crate) fn init(format: LogFormat, level: &str) -> Result<LogQueue, TelemetryError> {
    let filter = filter(level)?;
    let terminal = stderr().is_terminal();
    let json = match format {
        LogFormat::Auto => !terminal,
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    // A descriptor of its own: the lock of `io::stderr` would be held while a write waits.
    let started = match stderr().as_fd().try_clone_to_owned() {
        Ok(descriptor) => LogQueue::start(File::from(descriptor)),
        // Standard error is closed: every line is lost.
        Err(_) => LogQueue::start(io::sink()),
    };
    let queue = started.map_err(TelemetryError::Thread)?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(queue.clone())
        .log_internal_errors(false)
        .with_ansi(terminal && !json);
    let installed = if json {
        builder.json().flatten_event(true).finish().try_init()
    } else {
        builder.finish().try_init()
    };
    installed.map_err(TelemetryError::Start)?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(queue)
}

/// Writes a last line to standard error, and does not wait for long where nobody reads it.
pub(crate) fn print_error(text: &str) {
    let line = format!("{text}\n");
    let (done, written) = channel();
    let writer = std::thread::Builder::new().spawn(move || {
        // A closed standard error leaves nobody to tell.
        let _ = stderr().write_all(line.as_bytes());
        let _ = done.send(());
    });
    if writer.is_ok() {
        let _ = written.recv_timeout(PATIENCE);
    }
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
    fn an_unknown_level_is_refused() {
        let error = filter("loud").unwrap_err();
        assert!(error.to_string().contains("\"loud\""), "{error}");
    }
}
