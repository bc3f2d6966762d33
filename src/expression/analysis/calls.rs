//! Calls of functions.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue};

use super::{Analyser, Check, Checked};
use crate::expression::error::ExpressionError;
use crate::expression::functions::{FUNCTIONS, Function, Gives, named};
use crate::expression::program::{MAX_SIZE, Node, Pattern};
use crate::expression::types::Type;

/// Namespaces of functions, which look like values that a function is called on.
pub(super) const NAMESPACES: &[&str] = &["optional", "lists"];

/// Macros, for the nearest name.
const MACROS: &[&str] = &[
    "all",
    "exists",
    "exists_one",
    "filter",
    "map",
    "optMap",
    "optFlatMap",
];

impl Analyser<'_> {
    /// An operator or a function.
    pub(super) fn call(&mut self, expr: &IdedExpr, call: &CallExpr) -> Check {
        if let Some(checked) = self.operator(expr, call) {
            return checked;
        }
        let namespace = call
            .target
            .as_deref()
            .and_then(|target| match &target.expr {
                Expr::Ident(name) if !self.is_local(name) => {
                    NAMESPACES.iter().find(|known| *known == name)
                }
                _ => None,
            });
        let name = match namespace {
            Some(namespace) => format!("{namespace}.{}", call.func_name),
            None => call.func_name.clone(),
        };
        let target = call.target.as_deref().filter(|_| namespace.is_none());
        let parts: Vec<&IdedExpr> = target.into_iter().chain(&call.args).collect();
        if name == "matches" {
            return self.matches(expr, &parts, target.is_some());
        }
        if named(&name, target.is_some()).next().is_none() {
            // What it is called on may be the mistake.
            target.map(|target| self.value(target)).transpose()?;
            return Err(self.unknown_function(expr, &name, target.is_some()));
        }
        let checked = parts.into_iter().map(|part| self.value(part));
        let given = checked.collect::<Result<Vec<_>, _>>()?;
        let function = self.overload(expr, &name, target.is_some(), &given)?;
        let ty = self.gives(expr, function, &given)?;
        let arguments = given.into_iter().map(|given| given.node).collect();
        Ok(Checked::new(Node::Call(function, arguments), ty))
    }

    fn unknown_function(&self, expr: &IdedExpr, name: &str, on_value: bool) -> ExpressionError {
        let written = if on_value {
            format!(".{name}(…)")
        } else {
            format!("{name}(…)")
        };
        let error = self.error(expr, format!("there is no function `{written}`"));
        if named(name, !on_value).next().is_some() {
            let right = if on_value {
                format!("{name}(x)")
            } else {
                format!("x.{name}()")
            };
            return error.hint(format!("it is called as `{right}`"));
        }
        if MACROS.contains(&name) || name == "has" {
            return error.hint("it is a macro, and takes other arguments");
        }
        let known = FUNCTIONS
            .iter()
            .filter(|function| function.on_value == on_value)
            .map(|function| function.name)
            .chain(MACROS.iter().copied().filter(|_| on_value));
        error.nearest(name, known, "")
    }

    /// The first way to call the function that takes what it is given.
    fn overload(
        &self,
        expr: &IdedExpr,
        name: &str,
        on_value: bool,
        given: &[Checked],
    ) -> Result<&'static Function, ExpressionError> {
        let takes = |function: &&Function| {
            function.takes.len() == given.len()
                && function
                    .takes
                    .iter()
                    .zip(given)
                    .all(|(takes, given)| takes.accepts(&given.info.ty))
        };
        if let Some(function) = named(name, on_value).find(takes) {
            return Ok(function);
        }
        let types: Vec<String> = given
            .iter()
            .map(|given| given.info.ty.to_string())
            .collect();
        let counts: Vec<usize> = named(name, on_value).map(|f| f.takes.len()).collect();
        if !counts.contains(&given.len()) {
            let receiver = usize::from(on_value);
            let count = given.len().saturating_sub(receiver);
            let message = format!("`{name}` does not take {count} arguments");
            return Err(self.error(expr, message));
        }
        let error = self.error(expr, format!("`{name}` does not take {}", types.join(", ")));
        let optional = given
            .first()
            .is_some_and(|g| matches!(g.info.ty, Type::Optional(_)));
        Err(if optional {
            error.hint("take the value out with `orValue(…)`")
        } else {
            error
        })
    }

    fn gives(
        &self,
        expr: &IdedExpr,
        function: &Function,
        given: &[Checked],
    ) -> Result<Type, ExpressionError> {
        let first = given
            .first()
            .map_or(Type::Any, |given| given.info.ty.clone());
        Ok(match function.gives {
            Gives::Anything => Type::Any,
            Gives::Text => Type::Text,
            Gives::Integer => Type::Integer,
            Gives::Number => Type::Number,
            Gives::Boolean => Type::Boolean,
            Gives::Quantity => Type::Quantity,
            Gives::TextList => Type::list(Type::Text),
            Gives::IntegerList => Type::list(Type::Integer),
            Gives::Same if function.name == "or" => match given.get(1) {
                Some(other) => first.join(&other.info.ty),
                None => first,
            },
            Gives::Same => first,
            Gives::Element => match first {
                Type::List(item) => self.element(expr, function, *item)?,
                _ => Type::Any,
            },
            Gives::Flat => match first {
                Type::List(item) if matches!(*item, Type::List(_)) => *item,
                other => other,
            },
            Gives::Wrapped => Type::optional(first),
            Gives::Absent => Type::optional(Type::Any),
            Gives::Unwrapped => self.unwrapped(expr, first, given)?,
        })
    }

    /// What an optional holds; the value in its place must be of the same type.
    fn unwrapped(
        &self,
        expr: &IdedExpr,
        optional: Type,
        given: &[Checked],
    ) -> Result<Type, ExpressionError> {
        let held = match optional {
            Type::Optional(inner) => *inner,
            other => other,
        };
        match given.get(1).map(|given| &given.info.ty) {
            None => Ok(held),
            Some(Type::Null) => Ok(Type::Any),
            Some(other) if !other.fits(&held) => {
                Err(self.error(expr, format!("`orValue` needs {held}, not {other}")))
            }
            // Where nothing is known of the data, nothing is known of the result.
            Some(other) => Ok(held.join(other)),
        }
    }

    fn element(
        &self,
        expr: &IdedExpr,
        function: &Function,
        item: Type,
    ) -> Result<Type, ExpressionError> {
        let fits = match function.name {
            "sum" => matches!(item, Type::Any | Type::Integer | Type::Number),
            _ => matches!(
                item,
                Type::Any | Type::Integer | Type::Number | Type::Text | Type::Boolean
            ),
        };
        if fits {
            return Ok(item);
        }
        Err(self.error(
            expr,
            format!("`{}` does not take a list of {item}", function.name),
        ))
    }

    /// `matches`, whose pattern is a literal and compiled now.
    fn matches(&mut self, expr: &IdedExpr, parts: &[&IdedExpr], on_value: bool) -> Check {
        let [subject, pattern] = parts else {
            let count = parts.len().saturating_sub(usize::from(on_value));
            return Err(self.error(expr, format!("`matches` does not take {count} arguments")));
        };
        let Expr::Literal(LiteralValue::String(text)) = &pattern.expr else {
            return Err(self
                .error(pattern, "the pattern of `matches` must be written out")
                .hint("a pattern that is computed could be one that never ends"));
        };
        let subject = self.value(subject)?;
        if !subject.info.ty.fits(&Type::Text) {
            let message = format!("`matches` does not take {}", subject.info.ty);
            return Err(self.error(expr, message));
        }
        let compiled =
            Pattern::compile(text.inner(), MAX_SIZE, &self.scope.patterns).map_err(|reason| {
                let message = format!("the pattern of `matches` is wrong: {reason}");
                self.error(pattern, message)
            })?;
        let node = Node::Matches(Box::new(subject.node), compiled);
        Ok(Checked::new(node, Type::Boolean))
    }
}
