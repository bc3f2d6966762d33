//! What names mean at one place of a template.

use std::collections::BTreeMap;

use super::types::Type;

/// A declared parameter or variable.
#[derive(Clone, Debug)]
pub(super) struct Declared {
    /// The type of its value.
    pub(super) ty: Type,
    /// How many elements a list or map can have at most, where that is known.
    pub(super) max_items: Option<u64>,
}

/// The names that an expression may use: parameters, variables, and the roots of the place where
/// it stands.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    pub(super) parameters: BTreeMap<String, Declared>,
    pub(super) variables: BTreeMap<String, Declared>,
    has_self: bool,
    narrow: bool,
}

impl Scope {
    /// A scope without parameters and variables, and without `self`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Declares `params.<name>`. The name is as it is written in expressions: `-` is `_` there.
    /// `max_items` bounds the elements of a list or map.
    pub fn parameter(mut self, name: &str, ty: Type, max_items: Option<u64>) -> Self {
        let declared = Declared { ty, max_items };
        self.parameters.insert(name.to_owned(), declared);
        self
    }

    /// Declares `variables.<name>`, with the type and bound of its expression.
    pub fn variable(mut self, name: &str, ty: Type, max_items: Option<u64>) -> Self {
        let declared = Declared { ty, max_items };
        self.variables.insert(name.to_owned(), declared);
        self
    }

    /// Adds `self`, the app container that is being edited (inside `app:`).
    pub fn with_self(mut self) -> Self {
        self.has_self = true;
        self
    }

    /// Leaves only `params` and `app`: what a computed default of a parameter may read.
    pub fn only_parameters_and_app(mut self) -> Self {
        self.narrow = true;
        self
    }

    /// The names that may start an expression here.
    pub(super) fn roots(&self) -> &'static [&'static str] {
        match (self.narrow, self.has_self) {
            (true, _) => &["params", "app"],
            (false, false) => &[
                "params",
                "variables",
                "pod",
                "apps",
                "app",
                "namespaceObject",
                "kubernetes",
            ],
            (false, true) => &[
                "params",
                "variables",
                "pod",
                "apps",
                "app",
                "self",
                "namespaceObject",
                "kubernetes",
            ],
        }
    }
}
