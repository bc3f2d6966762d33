//! What can be wrong with an expression, when it is loaded and when it runs.
//!
//! Neither error ever holds a value: values may come from the environment of a container.

use thiserror::Error;

use super::budget::Exhausted;
use crate::wording;

/// Why an expression was refused when its template was loaded.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}{}", hint.as_ref().map(|h| format!("; {h}")).unwrap_or_default())]
pub struct ExpressionError {
    /// Where in the source it is wrong: a byte offset, so that the caller can tell line and
    /// column of the file.
    pub(crate) offset: usize,
    pub(crate) message: String,
    /// What would be right, where that can be told.
    pub(crate) hint: Option<String>,
}

impl ExpressionError {
    /// An error at a byte offset.
    pub(super) fn at(offset: usize, message: impl Into<String>) -> Self {
        Self {
            offset,
            message: message.into(),
            hint: None,
        }
    }

    /// Says what would be right.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Names the nearest of the names that would be right, if one is near.
    pub(super) fn nearest<'n>(
        self,
        name: &str,
        known: impl IntoIterator<Item = &'n str>,
        prefix: &str,
    ) -> Self {
        match wording::nearest(name, known) {
            Some(candidate) => self.hint(format!("did you mean `{prefix}{candidate}`?")),
            None => self,
        }
    }
}

/// Why an expression failed on a pod.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EvaluationError {
    /// A field or key that is not there.
    #[error("there is no field or key `{0}`; test it with `has(…)`, or read it with `.?`")]
    NoSuchKey(String),
    /// A position outside a list.
    #[error("a list was indexed outside its bounds")]
    IndexOutOfBounds,
    /// A division or remainder by zero.
    #[error("division by zero")]
    DivisionByZero,
    /// An integer left its 64 bits.
    #[error("an integer calculation overflowed")]
    Overflow,
    /// An operator or function was applied to values that it does not take.
    #[error("`{operation}` does not take {types}")]
    WrongType {
        /// The operator or function.
        operation: String,
        /// The types that it was given.
        types: String,
    },
    /// A function refused its arguments.
    #[error("`{function}` failed: {reason}")]
    Function {
        /// The function.
        function: String,
        /// Why, without values.
        reason: String,
    },
    /// The same key twice in one map.
    #[error("a map was given the same key twice")]
    DuplicateKey,
    /// More elements than the expression was checked for.
    #[error("a list or map has more than {0} elements, more than an expression may go over")]
    TooManyItems(usize),
    /// Lists, maps and optionals inside one another.
    #[error("a value has more than {0} lists, maps and optionals inside one another")]
    TooDeep(u8),
    /// A text above the limit.
    #[error("a text grew above {0} bytes")]
    TextTooLong(usize),
    /// The review's budget has ended.
    #[error("{0}")]
    BudgetExceeded(Exhausted),
    /// A result that JSON cannot hold.
    #[error("the result is {0}, which no field of a pod can hold")]
    NotJson(&'static str),
    /// A condition that is neither true nor false.
    #[error("the result is {0}, but true or false was asked for")]
    NotBoolean(&'static str),
    /// A name without a value: the caller bound less than the expression reads.
    #[error("`{0}` was not given a value")]
    Unbound(String),
    /// A variable that failed.
    #[error("the variable `{name}` failed")]
    Variable {
        /// The variable.
        name: String,
        /// Why it failed.
        source: Box<Self>,
    },
}

impl From<Exhausted> for EvaluationError {
    fn from(ended: Exhausted) -> Self {
        Self::BudgetExceeded(ended)
    }
}
