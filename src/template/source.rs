//! Template files, and what is wrong with them and where.

use std::fmt;

/// One file of templates (YAML, one or several documents).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Where it comes from, as errors name it.
    pub path: String,
    /// The YAML.
    pub text: String,
}

/// An error in a template file, with the place for its author to mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateError {
    /// The file, as the source names it; of an object of the API kind, namespace and name.
    pub(crate) file: String,
    /// The template's name, empty where it could not be read.
    pub(crate) template: String,
    /// The line, from 1; 0 for an object of the API.
    pub line: u32,
    /// The column in characters, from 1.
    pub(crate) column: u32,
    /// The field path, such as `spec.sidecars[0].image`; empty for the document itself.
    pub(crate) field: String,
    /// What is wrong and what would be right.
    pub(crate) message: String,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An object of the API has no lines.
        match self.line {
            0 => write!(f, "{}: ", self.file)?,
            line => write!(f, "{}:{line}:{}: ", self.file, self.column)?,
        }
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for TemplateError {}
