//! Findings: what is said about the pod that would result, before it exists.
//!
//! A finding has a stable [`Code`], one sentence that names both sides, and the path of the field
//! that it is about. What follows from it is a matter of [`Policy`], which an installation, a
//! template and a namespace can choose for each code. Templates name codes and checks give
//! findings, so that the words stand below both.

pub(crate) mod code;
mod policy;

use std::fmt;

pub use code::{Code, Family, Policy, Refusal, Severity};
pub(crate) use policy::{Policies, PolicyError};

/// The longest sentence, in characters.
const LONGEST: usize = 600;

/// One thing that a check found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// What was found.
    pub code: Code,
    /// The template whose addition it is about; `None`: the user's own part of the pod.
    pub(crate) template: Option<String>,
    /// Where: a field of the resulting pod such as `spec.containers[1].ports[0]`.
    pub(crate) path: String,
    /// One sentence for the person who must act, naming both sides.
    pub message: String,
    /// The same for the log and the status annotation, without values.
    pub(crate) logged: String,
}

impl Finding {
    /// A finding whose sentence holds no value: names, ports, amounts and codes are none.
    pub(crate) fn new(code: Code, path: impl Into<String>, message: impl Into<String>) -> Self {
        let message = cut(message.into());
        Self {
            code,
            template: None,
            path: path.into(),
            logged: message.clone(),
            message,
        }
    }

    /// A finding whose sentence holds a value: an image, or whatever else a parameter can reach; `logged`
    /// says the same without.
    pub fn with_value(code: Code, path: String, message: String, logged: String) -> Self {
        Self {
            code,
            template: None,
            path,
            message: cut(message),
            logged: cut(logged),
        }
    }

    /// The same finding about what this template adds.
    #[must_use]
    pub(crate) fn of(mut self, template: Option<&str>) -> Self {
        self.template = template.map(str::to_owned);
        self
    }

    /// The same finding with other words for the log, as its sentence holds a value: an image, or
    /// whatever else a parameter can reach.
    #[must_use]
    pub(crate) fn logged_as(mut self, logged: impl Into<String>) -> Self {
        self.logged = cut(logged.into());
        self
    }

    /// Words about this finding behind the name of its template, as they stand everywhere.
    pub(crate) fn attributed(&self, words: impl fmt::Display) -> String {
        match &self.template {
            Some(template) => format!("{template}: {words}"),
            None => words.to_string(),
        }
    }
}

/// Sentences repeat names out of the pod, and those may be any number of any length.
fn cut(mut sentence: String) -> String {
    if sentence.len() <= LONGEST {
        return sentence;
    }
    if let Some((end, _)) = sentence.char_indices().nth(LONGEST) {
        sentence.truncate(end);
        sentence.push('…');
    }
    sentence
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}
