//! Why a template is not applied: in full for the person, and without values for the log.

use super::verdict::Reason;

/// A refusal, or the reason to skip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The reason, and with it the verdict.
    pub reason: Reason,
    /// What the person is told; it may repeat the value of an annotation.
    pub message: String,
    /// The same without values: someone may have put a secret into the wrong annotation.
    pub logged: String,
}

impl Refusal {
    /// A refusal whose message holds no value.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        let message = message.into();
        let logged = message.clone();
        Self {
            reason,
            message,
            logged,
        }
    }

    /// A refusal whose message holds a value that the log must not repeat.
    pub fn with_value(reason: Reason, message: String, logged: String) -> Self {
        Self {
            reason,
            message,
            logged,
        }
    }
}
