//! The values behind the names of an expression.
//!
//! Data is asked for when an expression first needs it, once per pod and template, and borrowed.
//! Variables are evaluated when first used.

use std::cell::OnceCell;
use std::fmt;

use serde_json::Value;

use super::Expression;
use super::budget::Budget;
use super::error::EvaluationError;
use super::evaluator::{Data, Evaluator};
use super::program::Root;
use super::reads::{Paths, Reads};
use super::value::Val;

/// Gives data when an expression first needs it. A source keeps what it made, as the values of
/// expressions borrow from it.
///
/// What a path names and is not there is left out of the answer, and so are the parents that hold
/// nothing else.
pub trait Source {
    /// The value of a parameter, by its name in expressions.
    fn parameter(&self, name: &str) -> Option<&Value>;
    /// The pod, with at least the values at these paths.
    fn pod(&self, paths: &Paths) -> &Value;
    /// The app containers that may be edited: a list, each with at least these paths.
    fn apps(&self, paths: &Paths) -> &Value;
    /// The main app container.
    fn app(&self, paths: &Paths) -> &Value;
    /// The app container that is being edited. Asked for only by expressions inside `app:`.
    fn own(&self, paths: &Paths) -> &Value;
    /// The namespace object.
    fn namespace(&self, paths: &Paths) -> &Value;
    /// The minor version of the API server: 37 for 1.37.
    fn kubernetes_minor(&self) -> u32;
}

/// A variable's result, or why it failed.
type CachedResult<'v> = OnceCell<Result<Val<'v>, EvaluationError>>;

/// The values for the expressions of one template on one pod.
pub struct Bindings<'v> {
    source: &'v dyn Source,
    reads: &'v Reads,
    variables: &'v [(String, Expression)],
    results: Vec<CachedResult<'v>>,
    roots: [OnceCell<&'v Value>; 4],
    own: OnceCell<&'v Value>,
    budget: &'v Budget<'v>,
}

impl fmt::Debug for Bindings<'_> {
    /// Without values: these may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bindings").finish_non_exhaustive()
    }
}

impl<'v> Bindings<'v> {
    /// Binds the expressions whose reads `reads` unites (those of the variables included) to the
    /// data of `source`; what they do is paid for from `budget`. A variable may read those before it
    /// in `variables`.
    pub fn new(
        source: &'v dyn Source,
        reads: &'v Reads,
        variables: &'v [(String, Expression)],
        budget: &'v Budget<'v>,
    ) -> Self {
        Self {
            source,
            reads,
            variables,
            results: variables.iter().map(|_| OnceCell::new()).collect(),
            roots: Default::default(),
            own: OnceCell::new(),
            budget,
        }
    }

    /// The same bindings for another app container: `self` and what was read of it is forgotten,
    /// variables stay, as they cannot read `self`.
    pub(crate) fn set_source_of_self(&mut self, source: &'v dyn Source) {
        self.source = source;
        self.own = OnceCell::new();
    }

    /// What evaluation is paid from.
    pub(crate) fn budget(&self) -> &'v Budget<'v> {
        self.budget
    }

    pub(crate) fn parameter(&self, name: &str) -> Result<&'v Value, EvaluationError> {
        let value = self.source.parameter(name);
        value.ok_or_else(|| EvaluationError::Unbound(format!("params.{name}")))
    }

    /// A variable's value. The variables that it reads are evaluated before it, in order, so that
    /// a long chain of them needs no deep stack; one that fails fails only those that use it.
    fn variable(&self, index: usize, name: &str) -> Result<Val<'v>, EvaluationError> {
        if self
            .results
            .get(index)
            .is_some_and(|cell| cell.get().is_none())
        {
            for earlier in self.needed_by(index) {
                self.evaluate_variable(earlier);
            }
        }
        match self.results.get(index).and_then(OnceCell::get) {
            Some(result) => result.clone(),
            None => Err(EvaluationError::Unbound(format!("variables.{name}"))),
        }
    }

    fn evaluate_variable(&self, index: usize) {
        let (Some(cell), Some((name, expression))) =
            (self.results.get(index), self.variables.get(index))
        else {
            return;
        };
        cell.get_or_init(|| {
            let value = Evaluator::new(self, self.budget).value(expression.program());
            value.map(Val::shared).map_err(|source| match source {
                ended @ EvaluationError::BudgetExceeded(_) => ended,
                // Of a chain of variables the first that failed is named, and the one that was asked for.
                EvaluationError::Variable { source: first, .. }
                    if matches!(*first, EvaluationError::Variable { .. }) =>
                {
                    EvaluationError::Variable {
                        name: name.clone(),
                        source: first,
                    }
                }
                source => EvaluationError::Variable {
                    name: name.clone(),
                    source: Box::new(source),
                },
            })
        });
    }

    /// The variables without a result that `index` needs, itself last, in the order of their
    /// declaration.
    fn needed_by(&self, index: usize) -> Vec<usize> {
        let mut needed = std::collections::BTreeSet::from([index]);
        let mut open = vec![index];
        while let Some(next) = open.pop() {
            let read = self.variables.get(next).map(|(_, read)| read.variables());
            for earlier in read.into_iter().flatten().copied() {
                let result = self.results.get(earlier).and_then(OnceCell::get);
                if earlier < next && result.is_none() && needed.insert(earlier) {
                    open.push(earlier);
                }
            }
        }
        needed.into_iter().collect()
    }
}

impl<'v: 'x, 'x> Data<'x> for Bindings<'v> {
    fn parameter(&self, name: &str) -> Result<Val<'x>, EvaluationError> {
        self.parameter(name).map(Val::from)
    }

    fn variable(&self, index: usize, name: &str) -> Result<Val<'x>, EvaluationError> {
        self.variable(index, name)
    }

    fn root(&self, root: Root) -> Result<&'x Value, EvaluationError> {
        let [pod, apps, app, namespace] = &self.roots;
        let (source, reads) = (self.source, self.reads);
        Ok(match root {
            Root::Pod => pod.get_or_init(|| source.pod(&reads.pod)),
            Root::Apps => apps.get_or_init(|| source.apps(&reads.apps)),
            Root::App => app.get_or_init(|| source.app(&reads.app)),
            Root::Own => self.own.get_or_init(|| source.own(&reads.own)),
            Root::Namespace => namespace.get_or_init(|| source.namespace(&reads.namespace)),
            Root::Object | Root::OldObject | Root::Request => {
                return Err(EvaluationError::Unbound(root.name().to_owned()));
            }
        })
    }

    fn kubernetes_minor(&self) -> Result<i64, EvaluationError> {
        Ok(self.source.kubernetes_minor().into())
    }
}
