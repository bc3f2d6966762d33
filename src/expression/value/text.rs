//! Text of a value: borrowed, of its own, or shared by copies.

use std::rc::Rc;

#[derive(Clone, Debug)]
pub(in crate::expression) enum Text<'v> {
    /// Of the pod, a parameter or a constant.
    Borrowed(&'v str),
    /// Made by an expression, and moved into the result where it is one.
    Owned(String),
    /// Made by an expression and given a name, by which it is used again.
    Shared(Rc<str>),
}

impl Text<'_> {
    pub(in crate::expression) fn as_str(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Owned(text) => text,
            Self::Shared(text) => text,
        }
    }

    pub(in crate::expression) fn into_string(self) -> String {
        match self {
            Self::Owned(text) => text,
            other => other.as_str().to_owned(),
        }
    }
}
