//! What names mean at one place of a template.

use std::collections::BTreeMap;

use super::regular_expression::PatternAllowance;
use super::types::Type;

/// The names that may start an expression inside `app:`, where all are known that a template has.
pub(super) const ROOTS_IN_APP: &[&str] = &[
    "params",
    "variables",
    "pod",
    "apps",
    "app",
    "self",
    "namespaceObject",
    "kubernetes",
];

/// Where an expression stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ScopePlace {
    /// In a template, outside `app:`.
    #[default]
    Template,
    /// Inside `app:`.
    App,
    /// In the default of a parameter.
    Default,
    /// In the configuration of a webhook.
    MatchCondition,
}

/// The names that an expression may use: parameters, variables, and the roots of the place where
/// it stands.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    pub(super) parameters: BTreeMap<String, Type>,
    /// With the place of each among the variables of its template.
    pub(super) variables: BTreeMap<String, (usize, Type)>,
    place: ScopePlace,
    /// What the patterns of the template may still take.
    pub(super) patterns: PatternAllowance,
}

impl Scope {
    /// A scope without parameters and variables, and without `self`.
    pub fn new() -> Self {
        Self::default()
    }

    /// A scope without names, in a template whose patterns share this allowance.
    pub(crate) fn in_template(patterns: PatternAllowance) -> Self {
        Self {
            patterns,
            ..Self::default()
        }
    }

    /// The names of a webhook's match condition.
    pub(super) fn of_match_condition() -> Self {
        Self {
            place: ScopePlace::MatchCondition,
            ..Self::default()
        }
    }

    /// Declares `params.<name>`. The name is as it is written in expressions: `-` is `_` there.
    pub(crate) fn parameter(mut self, name: &str, ty: Type) -> Self {
        self.parameters.insert(name.to_owned(), ty);
        self
    }

    /// Declares `variables.<name>`, with the type of its expression, behind those declared before.
    pub fn variable(mut self, name: &str, ty: Type) -> Self {
        let index = self.variables.len();
        self.variables.insert(name.to_owned(), (index, ty));
        self
    }

    /// Adds `self`, the app container that is being edited (inside `app:`).
    pub(crate) fn with_self(mut self) -> Self {
        self.place = ScopePlace::App;
        self
    }

    /// Leaves only `params` and `app`: what a computed default of a parameter may read.
    pub(crate) fn only_parameters_and_app(mut self) -> Self {
        self.place = ScopePlace::Default;
        self
    }

    /// The names that may start an expression here.
    pub(super) fn roots(&self) -> &'static [&'static str] {
        match self.place {
            ScopePlace::Default => &["params", "app"],
            ScopePlace::MatchCondition => &["object", "oldObject", "request"],
            ScopePlace::Template => &[
                "params",
                "variables",
                "pod",
                "apps",
                "app",
                "namespaceObject",
                "kubernetes",
            ],
            ScopePlace::App => ROOTS_IN_APP,
        }
    }
}
