//! Calls of functions.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue};
use regex::RegexBuilder;

use super::{Analyser, Check, Checked, Info, call as own_call, ident, integer_literal, made};
use crate::expression::UNDECLARED_MAX_ITEMS;
use crate::expression::error::ExpressionError;
use crate::expression::functions::{FUNCTIONS, Function, Gives, Items, Takes, named};
use crate::expression::library::Pattern;
use crate::expression::types::Type;

/// Namespaces of functions, which look like values that a function is called on.
const NAMESPACES: &[&str] = &["optional", "lists"];

/// How large a compiled pattern may be, in bytes.
const MAX_PATTERN_SIZE: usize = 1024 * 1024;

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
                Expr::Ident(name) if self.local(name).is_none() => {
                    NAMESPACES.iter().find(|known| *known == name)
                }
                _ => None,
            });
        let name = match namespace {
            Some(namespace) => format!("{namespace}.{}", call.func_name),
            None => call.func_name.clone(),
        };
        let on_value = call.target.is_some() && namespace.is_none();
        if named(&name, on_value).next().is_none() {
            return Err(self.unknown_function(expr, &name, on_value));
        }
        let mut parts: Vec<&IdedExpr> = Vec::with_capacity(call.args.len() + 1);
        if on_value {
            parts.extend(call.target.as_deref());
        }
        parts.extend(&call.args);
        if name == "matches" {
            return self.matches(expr, &parts, on_value);
        }
        let mut given = Vec::with_capacity(parts.len());
        for part in parts {
            given.push(self.value(part)?);
        }
        let function = self.overload(expr, &name, on_value, &given)?;
        self.finish_call(expr, call, function, given)
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

    fn finish_call(
        &mut self,
        expr: &IdedExpr,
        call: &CallExpr,
        function: &'static Function,
        given: Vec<Checked>,
    ) -> Check {
        let first = given.first().map(|given| given.info.clone());
        let ty = self.gives(expr, function, &given)?;
        let mut cost = 0u64;
        let mut parts = Vec::with_capacity(given.len());
        for (takes, given) in function.takes.iter().zip(given) {
            let goes_over =
                matches!(takes, Takes::List | Takes::TextList) && function.name != "size";
            let id = given.tree.id;
            let bound = given.info.items.unwrap_or(UNDECLARED_MAX_ITEMS);
            cost = cost.saturating_add(given.info.cost);
            if goes_over {
                let steps = if function.name == "distinct" {
                    bound.saturating_mul(bound)
                } else {
                    bound
                };
                cost = cost.saturating_add(steps);
                let bound = integer_literal(id, bound);
                parts.push(own_call(id, "@bounded", vec![given.tree, bound]));
            } else {
                parts.push(self.seen(given).tree);
            }
        }
        let items = match function.items {
            Items::Same => first.and_then(|first| first.items),
            Items::Unknown if function.gives == Gives::TextList => Some(UNDECLARED_MAX_ITEMS),
            Items::Unknown => range_length(function, &parts),
        };
        let info = Info::new(ty, cost).with_items(items);
        Ok(called(expr, call, function, parts, info))
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
        let checked = self.value(subject)?;
        if !checked.info.ty.fits(&Type::Text) {
            let message = format!("`matches` does not take {}", checked.info.ty);
            return Err(self.error(expr, message));
        }
        let compiled = RegexBuilder::new(text.inner())
            .size_limit(MAX_PATTERN_SIZE)
            .build()
            .map_err(|error| {
                let reason = error.to_string();
                let reason = reason.lines().last().unwrap_or_default().to_owned();
                self.error(
                    pattern,
                    format!("the pattern of `matches` is wrong: {reason}"),
                )
            })?;
        let name = format!("@pattern{}", self.patterns.len());
        self.patterns.push(Pattern(compiled));
        let cost = checked.info.cost;
        let subject = self.seen(checked).tree;
        Ok(Checked {
            tree: own_call(expr.id, "@matches", vec![subject, ident(pattern.id, name)]),
            info: Info::new(Type::Boolean, cost),
        })
    }
}

/// The call itself. What the crate's functions make is paid for; ours pay themselves, and
/// those of optionals only hand on.
fn called(
    expr: &IdedExpr,
    call: &CallExpr,
    function: &Function,
    mut parts: Vec<IdedExpr>,
    info: Info,
) -> Checked {
    if let Some(ours) = function.ours {
        return Checked {
            tree: own_call(expr.id, ours, parts),
            info,
        };
    }
    let target = if function.on_value && !parts.is_empty() {
        Some(Box::new(parts.remove(0)))
    } else {
        call.target.clone()
    };
    let tree = IdedExpr {
        id: expr.id,
        expr: Expr::Call(CallExpr {
            func_name: call.func_name.clone(),
            target,
            args: parts,
        }),
    };
    let checked = Checked { tree, info };
    match function.name {
        "dyn" | "value" | "or" | "orValue" => checked,
        _ => made(checked),
    }
}

/// The length of `lists.range(…)`: what it is given, where that is a literal.
fn range_length(function: &Function, parts: &[IdedExpr]) -> Option<u64> {
    if function.name != "lists.range" {
        return None;
    }
    let literal = parts.first().and_then(|part| match &part.expr {
        Expr::Literal(LiteralValue::Int(length)) => u64::try_from(*length.inner()).ok(),
        _ => None,
    });
    Some(literal.unwrap_or(UNDECLARED_MAX_ITEMS))
}
