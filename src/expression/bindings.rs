//! The values behind the names of an expression.
//!
//! Data is asked for when an expression first needs it, once per pod and template, and converted
//! once. Variables are evaluated when first used.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

use cel::common::types::CelInt;
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use serde_json::Value;

use super::convert::to_cel;
use super::error::EvaluationError;
use super::reads::{Paths, Reads};
use super::{Expression, Pattern};

/// Gives data when an expression first needs it. Each root is asked for at most once per
/// [`Bindings`], with all the paths that its expressions read.
///
/// What a path names and is not there is left out of the answer, and so are the parents that hold
/// nothing else.
pub trait Source: Sync {
    /// The value of a parameter, by its name in expressions.
    fn parameter(&self, name: &str) -> Option<&Value>;
    /// The pod, with at least the values at these paths.
    fn pod(&self, paths: &Paths) -> Value;
    /// The app containers that may be edited: a list, each with at least these paths.
    fn apps(&self, paths: &Paths) -> Value;
    /// The main app container.
    fn app(&self, paths: &Paths) -> Value;
    /// The app container that is being edited. Asked for only by expressions inside `app:`.
    fn own(&self, paths: &Paths) -> Value;
    /// The namespace object.
    fn namespace(&self, paths: &Paths) -> Value;
    /// The minor version of the API server: 37 for 1.37.
    fn kubernetes_minor(&self) -> u32;
}

/// A value that is made when first asked for.
type Cached = OnceLock<Box<dyn Val>>;
/// A variable's result, or why it failed.
type CachedResult = OnceLock<Result<Box<dyn Val>, EvaluationError>>;

/// The values for the expressions of one template on one pod.
pub struct Bindings<'v> {
    source: &'v dyn Source,
    reads: &'v Reads,
    variables: &'v [(String, Expression)],
    results: Vec<CachedResult>,
    parameters: BTreeMap<&'v str, OnceLock<Option<Box<dyn Val>>>>,
    pod: Cached,
    apps: Cached,
    app: Cached,
    own: Cached,
    namespace: Cached,
    minor: Cached,
}

impl fmt::Debug for Bindings<'_> {
    /// Without values: these may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bindings").finish_non_exhaustive()
    }
}

impl<'v> Bindings<'v> {
    /// Binds the expressions whose reads `reads` unites (those of the variables included) to the
    /// data of `source`. A variable may read those before it in `variables`.
    pub fn new(
        source: &'v dyn Source,
        reads: &'v Reads,
        variables: &'v [(String, Expression)],
    ) -> Self {
        let parameters = reads
            .parameters
            .iter()
            .map(|name| (name.as_str(), OnceLock::new()))
            .collect();
        Self {
            source,
            reads,
            variables,
            results: variables.iter().map(|_| OnceLock::new()).collect(),
            parameters,
            pod: OnceLock::new(),
            apps: OnceLock::new(),
            app: OnceLock::new(),
            own: OnceLock::new(),
            namespace: OnceLock::new(),
            minor: OnceLock::new(),
        }
    }

    /// The same bindings for another app container: `self` and what was read of it is forgotten,
    /// variables stay, as they cannot read `self`.
    pub fn set_source_of_self(&mut self, source: &'v dyn Source) {
        self.source = source;
        self.own = OnceLock::new();
    }

    pub(super) fn source(&self) -> &'v dyn Source {
        self.source
    }

    fn parameter(&self, name: &str) -> Option<&dyn Val> {
        self.parameters
            .get(name)?
            .get_or_init(|| self.source.parameter(name).map(to_cel))
            .as_deref()
    }

    /// A variable's value. The variables that it reads are evaluated before it, in order, so that
    /// a long chain of them needs no deep stack; one that fails fails only those that use it.
    pub(super) fn variable(&self, name: &str) -> Result<&dyn Val, EvaluationError> {
        let unbound = || EvaluationError::Unbound(format!("variables.{name}"));
        let index = self.index_of(name).ok_or_else(unbound)?;
        if self.results.get(index).is_some_and(|r| r.get().is_none()) {
            for earlier in self.needed_by(index) {
                self.evaluate_variable(earlier);
            }
        }
        match self.results.get(index).and_then(OnceLock::get) {
            Some(Ok(value)) => Ok(value.as_ref()),
            Some(Err(error)) => Err(error.clone()),
            None => Err(unbound()),
        }
    }

    fn evaluate_variable(&self, index: usize) {
        if let (Some(cell), Some((name, expression))) =
            (self.results.get(index), self.variables.get(index))
        {
            cell.get_or_init(|| {
                expression
                    .evaluate_to_value(self)
                    .map_err(|source| EvaluationError::Variable {
                        name: name.clone(),
                        source: Box::new(source),
                    })
            });
        }
    }

    /// The variables that `index` needs, itself last, in the order of their declaration.
    fn needed_by(&self, index: usize) -> Vec<usize> {
        let mut needed = std::collections::BTreeSet::from([index]);
        let mut open = vec![index];
        while let Some(next) = open.pop() {
            let read = self.variables.get(next).map(|(_, e)| &e.reads().variables);
            for name in read.into_iter().flatten() {
                if let Some(found) = self.index_of(name)
                    && found < next
                    && needed.insert(found)
                {
                    open.push(found);
                }
            }
        }
        needed.into_iter().collect()
    }

    fn index_of(&self, name: &str) -> Option<usize> {
        self.variables.iter().position(|(known, _)| known == name)
    }

    fn root(&self, name: &str) -> Option<&dyn Val> {
        let (cell, reads) = match name {
            "pod" => (&self.pod, &self.reads.pod),
            "apps" => (&self.apps, &self.reads.apps),
            "app" => (&self.app, &self.reads.app),
            "self" => (&self.own, &self.reads.own),
            "namespaceObject" => (&self.namespace, &self.reads.namespace),
            _ => return None,
        };
        let value = cell.get_or_init(|| {
            to_cel(&match name {
                "pod" => self.source.pod(reads),
                "apps" => self.source.apps(reads),
                "app" => self.source.app(reads),
                "self" => self.source.own(reads),
                _ => self.source.namespace(reads),
            })
        });
        Some(value.as_ref())
    }

    fn minor(&self) -> &dyn Val {
        self.minor
            .get_or_init(|| Box::new(CelInt::from(i64::from(self.source.kubernetes_minor()))))
            .as_ref()
    }
}

/// Answers the interpreter's questions for names during one evaluation.
pub(super) struct Resolver<'a> {
    pub(super) bindings: &'a Bindings<'a>,
    pub(super) patterns: &'a [Pattern],
    /// The first name that had no value, and why: the interpreter itself only knows that a name
    /// is there or not.
    pub(super) failed: OnceLock<EvaluationError>,
}

impl VariableResolver for Resolver<'_> {
    fn resolve<'b>(&'b self, name: &str) -> Option<CowVal<'b, 'b>> {
        if let Some(name) = name.strip_prefix("params.") {
            // A longer name is a field of a map parameter; the interpreter asks for that next.
            return self.bindings.parameter(name).map(CowVal::Borrowed);
        }
        if let Some(name) = name.strip_prefix("variables.") {
            if name.contains('.') {
                return None;
            }
            return match self.bindings.variable(name) {
                Ok(value) => Some(CowVal::Borrowed(value)),
                Err(error) => {
                    self.failed.get_or_init(|| error);
                    None
                }
            };
        }
        if let Some(index) = name.strip_prefix("@pattern") {
            let pattern = self.patterns.get(index.parse::<usize>().ok()?)?;
            return Some(CowVal::Borrowed(pattern));
        }
        if name == "kubernetes.minor" {
            return Some(CowVal::Borrowed(self.bindings.minor()));
        }
        self.bindings.root(name).map(CowVal::Borrowed)
    }
}
