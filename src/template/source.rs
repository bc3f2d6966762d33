//! Where templates come from.

/// One file of templates (YAML, one or several documents).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Where it comes from, as errors name it.
    pub path: String,
    /// Its text.
    pub text: String,
}
