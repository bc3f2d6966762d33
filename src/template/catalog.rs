//! The templates that an engine serves, and those that it refuses.
//!
//! A template that does not compile is refused alone: the others serve, and its own last good
//! revision stays where there is one.

/// One file of templates (YAML, one or several documents).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Where it comes from, as errors name it.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// What a person is told about a template that is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The template's name.
    pub name: String,
    /// Its pattern: `Sidecar`, `Ambassador`, `Adapter` or `Init`.
    pub pattern: String,
    /// Its description, empty where it has none.
    pub description: String,
    /// Its revision.
    pub revision: String,
    /// Whether a newer text was refused and the last good revision serves.
    pub stale: bool,
}

/// The templates, by name.
#[derive(Debug, Clone, Default)]
pub struct Catalog {}

impl Catalog {
    /// Compiles templates. A broken one is left out, or served in its last good revision of
    /// `previous`; its errors are printed as `file:line:column: field.path: what is wrong`.
    pub fn load(
        _sources: &[Source],
        _previous: Option<&Self>,
    ) -> (Self, Vec<crate::template::TemplateError>) {
        (Self {}, Vec::new())
    }

    /// The catalog that is built into the program.
    pub fn built_in() -> Self {
        Self {}
    }

    /// The served templates, by name.
    pub fn summaries(&self) -> Vec<Summary> {
        Vec::new()
    }
}
