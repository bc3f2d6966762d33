//! A compiled expression, and how it is evaluated.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::analysis::{self, Analysed};
use super::bindings::Bindings;
use super::error::{EvaluationError, ExpressionError};
use super::evaluator::Evaluator;
use super::parser;
use super::program::Node;
use super::reads::Reads;
use super::scope::Scope;
use super::taint::{self, Carried};
use super::types::Type;
use super::value::Val;

/// A compiled expression. Cheap to clone.
#[derive(Clone)]
pub struct Expression {
    inner: Arc<Inner>,
}

struct Inner {
    source: String,
    program: Node,
    result: Type,
    reads: Reads,
    /// The variables that it reads, by their places.
    variables: Vec<usize>,
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.source()).finish()
    }
}

impl Expression {
    /// Compiles `source` and checks it against the names of `scope`.
    ///
    /// The error holds a byte offset inside `source`, what is wrong, and mostly what would be
    /// right.
    pub fn compile(source: &str, scope: &Scope) -> Result<Self, ExpressionError> {
        let parsed = parser::parse(source)?;
        let Analysed {
            program,
            result,
            reads,
        } = analysis::analyse(&parsed, source, scope)?;
        let mut variables = Vec::new();
        collect_variables(&program, &mut variables);
        Ok(Self {
            inner: Arc::new(Inner {
                source: source.to_owned(),
                program,
                result,
                reads,
                variables,
            }),
        })
    }

    /// The expression as it was written.
    pub(crate) fn source(&self) -> &str {
        &self.inner.source
    }

    /// The type of its value.
    pub fn result(&self) -> &Type {
        &self.inner.result
    }

    /// Which data it reads.
    pub fn reads(&self) -> &Reads {
        &self.inner.reads
    }

    /// Whose text its value can hold.
    pub(crate) fn carried(&self) -> Carried {
        taint::of(&self.inner.program)
    }

    /// The parameter, where the expression is nothing but `params.<name>`: its value can then be
    /// used as it is.
    pub(crate) fn plain_parameter(&self) -> Option<&str> {
        match &self.inner.program {
            Node::Parameter(name) => Some(name),
            _ => None,
        }
    }

    /// Whether its value is the user's own: taken from `app` and `self` as it is there.
    pub(crate) fn copies_from_app(&self) -> bool {
        self.reads().only_app_or_self() && self.program().selects()
    }

    pub(super) fn program(&self) -> &Node {
        &self.inner.program
    }

    pub(super) fn variables(&self) -> &[usize] {
        &self.inner.variables
    }

    /// Evaluates to JSON; `None` for null and for an absent optional.
    ///
    /// Keys of maps that expressions make are sorted. An absent optional inside a list or map is
    /// left out; null stays.
    pub fn evaluate(&self, bindings: &Bindings<'_>) -> Result<Option<Value>, EvaluationError> {
        if let Some(name) = self.plain_parameter() {
            let value = bindings.parameter(name)?;
            return Ok(Some(value.clone()).filter(|value| !value.is_null()));
        }
        let budget = bindings.budget();
        let value = Evaluator::new(bindings, budget).value(&self.inner.program)?;
        value.into_result(budget)
    }

    pub(crate) fn evaluate_boolean(
        &self,
        bindings: &Bindings<'_>,
    ) -> Result<bool, EvaluationError> {
        let mut evaluator = Evaluator::new(bindings, bindings.budget());
        truth(&evaluator.value(&self.inner.program)?)
    }
}

/// The truth of a result.
pub(super) fn truth(value: &Val<'_>) -> Result<bool, EvaluationError> {
    match value {
        Val::Boolean(flag) => Ok(*flag),
        other => Err(EvaluationError::NotBoolean(other.described())),
    }
}

fn collect_variables(node: &Node, variables: &mut Vec<usize>) {
    if let Node::Variable(index, _) = node
        && !variables.contains(index)
    {
        variables.push(*index);
    }
    node.parts(&mut |part| collect_variables(part, variables));
}
