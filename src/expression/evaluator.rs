//! The evaluator: runs a program on borrowed data, and counts.
//!
//! Errors are values of a kind, as CEL has it: `false && error` is false. A budget that has ended
//! is the exception, which nothing hides.

use serde_json::Value;

use super::budget::Budget;
use super::error::EvaluationError;
use super::functions::{Function, MOST_ARGUMENTS, Run};
use super::program::{Element, Node, Operator, Root};
use super::value::{Text, Val};

mod access;
mod loops;
mod operators;

/// What is behind the names of an expression.
pub(super) trait Data<'x> {
    /// The value of a parameter.
    fn parameter(&self, name: &str) -> Result<Val<'x>, EvaluationError>;
    /// The value of a variable, by its place among those of its template.
    fn variable(&self, index: usize, name: &str) -> Result<Val<'x>, EvaluationError>;
    /// The data of a root.
    fn root(&self, root: Root) -> Result<&'x Value, EvaluationError>;
    /// The minor version of Kubernetes.
    fn kubernetes_minor(&self) -> Result<i64, EvaluationError>;
}

pub(super) struct Evaluator<'e, 'x> {
    data: &'e dyn Data<'x>,
    budget: &'e Budget<'e>,
    /// The variables of the loops and bindings around the current place.
    locals: Vec<Val<'x>>,
}

type Outcome<'x> = Result<Val<'x>, EvaluationError>;

/// The error of an operator that does not take such values.
fn wrong_type(operation: &str, values: &[&Val<'_>]) -> EvaluationError {
    let types: Vec<_> = values.iter().map(|value| value.type_name()).collect();
    EvaluationError::WrongType {
        operation: operation.to_owned(),
        types: types.join(" and "),
    }
}

impl<'e, 'x> Evaluator<'e, 'x> {
    pub(super) fn new(data: &'e dyn Data<'x>, budget: &'e Budget<'e>) -> Self {
        Self {
            data,
            budget,
            locals: Vec::new(),
        }
    }

    /// The value of a node.
    pub(super) fn value(&mut self, node: &'x Node) -> Outcome<'x> {
        self.budget.step(1)?;
        match node {
            Node::Constant(value) => Ok(Val::from(value)),
            Node::Parameter(name) => self.data.parameter(name),
            Node::Variable(index, name) => {
                let value = self.data.variable(*index, name)?;
                self.copied(value)
            }
            Node::Root(root) => Ok(Val::from(self.data.root(*root)?)),
            Node::KubernetesMinor => Ok(Val::Integer(self.data.kubernetes_minor()?)),
            Node::Local(distance) => self.local(*distance),
            Node::Field(of, name, access) => self.field(of, name, *access),
            Node::Index(parts, access) => self.index(parts, *access),
            Node::Has(of, name) => self.has(of, name),
            Node::Not(of) => self.not(of),
            Node::Negate(of) => self.negate(of),
            Node::And(parts) => self.first_of(parts, false),
            Node::Or(parts) => self.first_of(parts, true),
            Node::Choice(parts) => self.choice(parts),
            Node::Sum(terms) => self.sum(terms),
            Node::Binary(operator, parts) => self.binary(*operator, parts),
            Node::List(elements) => self.list(elements),
            Node::Map(entries) => self.map(entries),
            Node::Call(function, arguments) => self.call(function, arguments),
            Node::Matches(of, pattern) => match self.value(of)? {
                Val::Text(text) => {
                    let is_match = pattern.is_match(text.as_str(), self.budget)?;
                    Ok(Val::Boolean(is_match))
                }
                other => Err(wrong_type("matches", &[&other])),
            },
            Node::Loop(of) => self.run_loop(of),
            Node::Let(parts) => self.binding(parts),
        }
    }

    fn local(&self, distance: usize) -> Outcome<'x> {
        let Some(value) = self.locals.iter().rev().nth(distance) else {
            return Err(EvaluationError::Unbound("a loop variable".to_owned()));
        };
        self.copied(value.clone())
    }

    /// Pays for a value that was copied where it is text with memory of its own.
    fn copied(&self, value: Val<'x>) -> Outcome<'x> {
        if let Val::Text(Text::Owned(text)) = &value {
            self.budget.make(text.len())?;
        }
        Ok(value)
    }

    /// Evaluates with one more variable around.
    fn with_local<T>(&mut self, value: Val<'x>, run: impl FnOnce(&mut Self) -> T) -> T {
        let depth = self.locals.len();
        self.locals.push(value.shared());
        let result = run(self);
        self.locals.truncate(depth);
        result
    }

    fn binding(&mut self, parts: &'x [Node; 2]) -> Outcome<'x> {
        let [value, body] = parts;
        let value = self.value(value)?;
        self.with_local(value, |this| this.value(body))
    }

    fn list(&mut self, elements: &'x [Element]) -> Outcome<'x> {
        let mut items = Vec::with_capacity(elements.len());
        for element in elements {
            if let Some(item) = self.element(element)? {
                self.budget.make(0)?;
                items.push(item);
            }
        }
        Val::list(items)
    }

    /// An element of a list or map; `None` where it is left out.
    fn element(&mut self, element: &'x Element) -> Result<Option<Val<'x>>, EvaluationError> {
        let value = self.value(&element.value)?;
        if !element.is_optional {
            return Ok(Some(value));
        }
        match value {
            Val::Optional(value, _) => Ok(value.map(super::value::unwrapped)),
            other => Err(wrong_type("?", &[&other])),
        }
    }

    fn map(&mut self, entries: &'x [(Node, Element)]) -> Outcome<'x> {
        let mut made: Vec<(Val<'x>, Val<'x>)> = Vec::with_capacity(entries.len());
        for (key, element) in entries {
            let key = self.value(key)?;
            if !matches!(key, Val::Text(_) | Val::Integer(_) | Val::Boolean(_)) {
                return Err(wrong_type("a map key", &[&key]));
            }
            if let Some(value) = self.element(element)? {
                self.budget.make(2 * size_of::<Val<'_>>())?;
                let Err(index) = operators::place_of(&made, &key) else {
                    return Err(EvaluationError::DuplicateKey);
                };
                made.insert(index, (key, value));
            }
        }
        Val::map(made)
    }

    fn call(&mut self, function: &'static Function, arguments: &'x [Node]) -> Outcome<'x> {
        let code = match function.run {
            Run::Code(code) => code,
            Run::OrElse { unwrapped } => return self.or_else(function, arguments, unwrapped),
        };
        let mut values = [const { Val::Null }; MOST_ARGUMENTS];
        for (place, argument) in values.iter_mut().zip(arguments) {
            *place = self.value(argument)?;
        }
        let given = values.get_mut(..arguments.len()).unwrap_or_default();
        code(given, self.budget)
    }

    fn or_else(
        &mut self,
        function: &Function,
        arguments: &'x [Node],
        unwrapped: bool,
    ) -> Outcome<'x> {
        let [optional, other] = arguments else {
            return Err(wrong_type(function.name, &[]));
        };
        match self.value(optional)? {
            Val::Optional(Some(value), _) if unwrapped => Ok(super::value::unwrapped(value)),
            Val::Optional(None, _) => match self.value(other)? {
                value @ Val::Optional(..) => Ok(value),
                value if unwrapped => Ok(value),
                value => Err(wrong_type(function.name, &[&value])),
            },
            value @ Val::Optional(..) => Ok(value),
            value => Err(wrong_type(function.name, &[&value])),
        }
    }

    fn binary(&mut self, operator: Operator, parts: &'x [Node; 2]) -> Outcome<'x> {
        let [left, right] = parts;
        let left = self.value(left)?;
        let right = self.value(right)?;
        operators::binary(operator, &left, &right, self.budget)
    }
}
