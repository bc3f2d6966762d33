//! One error for the whole harness: a sentence for the person who reads a failed test.
//!
//! Tests print an error with `Debug`, so `Debug` is the sentence itself here, with the
//! chain of sources behind it.

use std::error::Error;
use std::fmt;

/// What a step of the harness, and so a test, returns.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// Why a step failed: what was being done, and every source below it.
pub(crate) struct Failure(String);

impl Failure {
    /// A failure that is a sentence of its own.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Error for Failure {}

/// Says what was being done when a library returned an error.
pub(crate) trait During<T> {
    /// Turns an error into a [`Failure`] that begins with "failed to" and `action`.
    fn during(self, action: &str) -> Outcome<T>;
}

impl<T, E: Error> During<T> for Result<T, E> {
    fn during(self, action: &str) -> Outcome<T> {
        self.map_err(|error| {
            let mut message = format!("failed to {action}: {error}");
            let mut source = error.source();
            while let Some(cause) = source {
                let text = cause.to_string();
                // Some libraries repeat the source in their own text.
                if !message.contains(&text) {
                    message.push_str(": ");
                    message.push_str(&text);
                }
                source = cause.source();
            }
            Failure(message)
        })
    }
}
