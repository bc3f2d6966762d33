//! Expressions that are answered without the interpreter.
//!
//! Most expressions of templates compare a parameter with a literal, choose, or join texts. Those
//! are answered here, on the values as they are, where the interpreter would first make values of
//! its own. Whatever is unusual (a value of another type, one that is absent, a list above its
//! bound, or so much text that the interpreter's budget could matter) is left to the interpreter,
//! which gives the result or the error: so the answer is sooner here, and never another.

use std::borrow::Cow;
use std::cell::Cell;

use cel::IdedExpr;
use cel::common::ast::{
    CallExpr, ComprehensionExpr, Expr, ListExpr, LiteralValue, operators as op,
};
use serde_json::Value;

use super::Source;

/// Bytes that one answer may handle, each value with [`VALUE_COST`]: so few that the interpreter,
/// which pays for each of them a few times, is far from the end of its budget.
const MOST_HANDLED: usize = 1024 * 1024;
/// What a value costs besides its text.
const VALUE_COST: usize = 32;

/// An expression, or a part of one, that needs no interpreter.
#[derive(Debug)]
pub(super) enum Direct {
    Text(String),
    Integer(i64),
    Boolean(bool),
    Parameter(String),
    /// The variable of the loop around it.
    Element,
    Not(Box<Self>),
    All(Vec<Self>),
    Any(Vec<Self>),
    Equal(Box<[Self; 2]>),
    Choice(Box<[Self; 3]>),
    Joined(Vec<Self>),
    ToText(Box<Self>),
    Each(Box<Loop>),
    Lines(Box<Lines>),
}

/// `list.map(x, item)`, with at most `bound` elements.
#[derive(Debug)]
pub(super) struct Loop {
    over: Direct,
    bound: i64,
    item: Direct,
}

/// `list.join(separator)`, with at most `bound` elements.
#[derive(Debug)]
pub(super) struct Lines {
    list: Direct,
    bound: i64,
    separator: Direct,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
enum Datum<'v> {
    Text(Cow<'v, str>),
    Integer(i64),
    Boolean(bool),
    Texts(Vec<Cow<'v, str>>),
}

impl Direct {
    /// Takes a checked tree apart; `None` where it holds anything that is not known here.
    pub(super) fn of(tree: &IdedExpr) -> Option<Self> {
        part(&tree.expr, None)
    }

    /// The value; `None` leaves it to the interpreter.
    pub(super) fn value(&self, source: &dyn Source) -> Option<Value> {
        Some(match self.answer(source)? {
            Datum::Text(text) => Value::String(text.into_owned()),
            Datum::Integer(integer) => integer.into(),
            Datum::Boolean(boolean) => boolean.into(),
            Datum::Texts(texts) => texts.into_iter().map(Value::from).collect(),
        })
    }

    /// The truth; `None` leaves it to the interpreter.
    pub(super) fn truth(&self, source: &dyn Source) -> Option<bool> {
        match self.answer(source)? {
            Datum::Boolean(truth) => Some(truth),
            _ => None,
        }
    }

    fn answer<'v>(&'v self, source: &'v dyn Source) -> Option<Datum<'v>> {
        let left = Cell::new(MOST_HANDLED);
        Answering {
            source,
            left: &left,
            element: None,
        }
        .answer(self)
    }
}

/// A part of a tree; `local`: the variable of the loop around it.
fn part(expr: &Expr, local: Option<&str>) -> Option<Direct> {
    match expr {
        Expr::Literal(LiteralValue::String(text)) => Some(Direct::Text(text.inner().to_owned())),
        Expr::Literal(LiteralValue::Int(integer)) => Some(Direct::Integer(*integer.inner())),
        Expr::Literal(LiteralValue::Boolean(boolean)) => Some(Direct::Boolean(*boolean.inner())),
        Expr::Ident(name) if Some(name.as_str()) == local => Some(Direct::Element),
        Expr::Ident(name) => {
            let parameter = name.strip_prefix("params.")?;
            Some(Direct::Parameter(parameter.to_owned()))
        }
        Expr::Call(call) if call.target.is_none() => called(call, local),
        Expr::Comprehension(comprehension) if local.is_none() => each(comprehension),
        _ => None,
    }
}

fn called(call: &CallExpr, local: Option<&str>) -> Option<Direct> {
    let part = |expr: &IdedExpr| part(&expr.expr, local);
    let boxed = |expr| part(expr).map(Box::new);
    let all = || call.args.iter().map(part).collect::<Option<Vec<_>>>();
    match (call.func_name.as_str(), call.args.as_slice()) {
        ("@made" | "@seen", [inner]) => part(inner),
        ("@plus", _) => all().map(Direct::Joined),
        ("@string", [inner]) => boxed(inner).map(Direct::ToText),
        (op::LOGICAL_NOT, [inner]) => boxed(inner).map(Direct::Not),
        (op::LOGICAL_AND, _) => all().map(Direct::All),
        (op::LOGICAL_OR, _) => all().map(Direct::Any),
        (op::EQUALS, [a, b]) => Some(Direct::Equal(Box::new([part(a)?, part(b)?]))),
        (op::NOT_EQUALS, [a, b]) => {
            let equal = Direct::Equal(Box::new([part(a)?, part(b)?]));
            Some(Direct::Not(Box::new(equal)))
        }
        (op::CONDITIONAL, [condition, yes, no]) => {
            let parts = [part(condition)?, part(yes)?, part(no)?];
            Some(Direct::Choice(Box::new(parts)))
        }
        ("@join", [list, separator]) if local.is_none() => {
            let (list, bound) = bounded(list, "@bounded")?;
            let separator = part(separator)?;
            Some(Direct::Lines(Box::new(Lines {
                list,
                bound,
                separator,
            })))
        }
        _ => None,
    }
}

/// What a list function or a loop goes over, and the bound.
fn bounded(list: &IdedExpr, by: &str) -> Option<(Direct, i64)> {
    let Expr::Call(call) = &list.expr else {
        return None;
    };
    match (call.func_name == by, call.args.as_slice()) {
        (true, [list, bound]) => match &bound.expr {
            Expr::Literal(LiteralValue::Int(bound)) => {
                Some((part(&list.expr, None)?, *bound.inner()))
            }
            _ => None,
        },
        _ => None,
    }
}

/// A loop, where it is that of `map`.
fn each(comprehension: &ComprehensionExpr) -> Option<Direct> {
    let Expr::Call(step) = &comprehension.loop_step.expr else {
        return None;
    };
    let is_accumulated = |expr: &IdedExpr| matches!(&expr.expr, Expr::Ident(name) if *name == comprehension.accu_var);
    let [accumulated, added] = step.args.as_slice() else {
        return None;
    };
    let Expr::List(ListExpr { elements, .. }) = &added.expr else {
        return None;
    };
    let [item] = elements.as_slice() else {
        return None;
    };
    let is_map = step.func_name == op::ADD
        && is_accumulated(accumulated)
        && is_accumulated(&comprehension.result);
    if !is_map {
        return None;
    }
    let (over, bound) = bounded(&comprehension.iter_range, "@items")?;
    let item = part(&item.expr, Some(&comprehension.iter_var))?;
    Some(Direct::Each(Box::new(Loop { over, bound, item })))
}

/// One answer while it is looked for.
#[derive(Clone, Copy)]
struct Answering<'a, 'v> {
    source: &'v dyn Source,
    left: &'a Cell<usize>,
    element: Option<&'a str>,
}

impl<'v> Answering<'_, 'v> {
    fn answer(self, part: &'v Direct) -> Option<Datum<'v>> {
        let answer = match part {
            Direct::Text(text) => Datum::Text(Cow::Borrowed(text)),
            Direct::Integer(integer) => Datum::Integer(*integer),
            Direct::Boolean(boolean) => Datum::Boolean(*boolean),
            Direct::Parameter(name) => datum(self.source.parameter(name)?)?,
            Direct::Element => Datum::Text(Cow::Owned(self.element?.to_owned())),
            Direct::Not(inner) => Datum::Boolean(!self.truth(inner)?),
            Direct::All(parts) => Datum::Boolean(!self.has(parts, false)?),
            Direct::Any(parts) => Datum::Boolean(self.has(parts, true)?),
            Direct::Equal(sides) => self.equal(sides)?,
            Direct::Choice(parts) => {
                let [condition, yes, no] = parts.as_ref();
                let chosen = if self.truth(condition)? { yes } else { no };
                return self.answer(chosen);
            }
            Direct::Joined(parts) => {
                let mut whole = String::new();
                for part in parts {
                    self.append(part, &mut whole)?;
                }
                Datum::Text(Cow::Owned(whole))
            }
            Direct::ToText(inner) => match self.answer(inner)? {
                Datum::Integer(integer) => Datum::Text(integer.to_string().into()),
                Datum::Boolean(boolean) => Datum::Text(boolean.to_string().into()),
                text @ Datum::Text(_) => text,
                Datum::Texts(_) => return None,
            },
            Direct::Each(each) => self.each(each)?,
            Direct::Lines(parts) => self.lines(parts)?,
        };
        self.pay_for(&answer)?;
        Some(answer)
    }

    /// Pays for a value; `None` where too much was handled.
    fn pay_for(self, answer: &Datum<'_>) -> Option<()> {
        match answer {
            Datum::Text(text) => self.pay(text.len()),
            Datum::Texts(texts) => texts.iter().try_for_each(|text| self.pay(text.len())),
            Datum::Integer(_) | Datum::Boolean(_) => self.pay(0),
        }
    }

    fn pay(self, bytes: usize) -> Option<()> {
        let cost = bytes.saturating_add(VALUE_COST);
        self.left.set(self.left.get().checked_sub(cost)?);
        Some(())
    }

    fn truth(self, part: &'v Direct) -> Option<bool> {
        match self.answer(part)? {
            Datum::Boolean(truth) => Some(truth),
            _ => None,
        }
    }

    /// Whether a part has this truth; what stands behind the first that has is not looked at.
    fn has(self, parts: &'v [Direct], truth: bool) -> Option<bool> {
        for part in parts {
            if self.truth(part)? == truth {
                return Some(true);
            }
        }
        Some(false)
    }

    fn equal(self, [one, other]: &'v [Direct; 2]) -> Option<Datum<'v>> {
        let equal = match (self.answer(one)?, self.answer(other)?) {
            (Datum::Text(one), Datum::Text(other)) => one == other,
            (Datum::Integer(one), Datum::Integer(other)) => one == other,
            (Datum::Boolean(one), Datum::Boolean(other)) => one == other,
            _ => return None,
        };
        Some(Datum::Boolean(equal))
    }

    /// Appends a part that gives text.
    fn append(self, part: &'v Direct, whole: &mut String) -> Option<()> {
        match (part, self.element) {
            (Direct::Element, Some(element)) => {
                self.pay(element.len())?;
                whole.push_str(element);
            }
            _ => match self.answer(part)? {
                Datum::Text(text) => whole.push_str(&text),
                _ => return None,
            },
        }
        Some(())
    }

    fn each(self, each: &'v Loop) -> Option<Datum<'v>> {
        let Datum::Texts(elements) = self.answer(&each.over)? else {
            return None;
        };
        if i64::try_from(elements.len()).ok()? > each.bound {
            return None;
        }
        let mut items = Vec::with_capacity(elements.len());
        for element in &elements {
            let inside = Answering {
                source: self.source,
                left: self.left,
                element: Some(element),
            };
            match inside.answer(&each.item)? {
                Datum::Text(text) => items.push(text),
                _ => return None,
            }
        }
        Some(Datum::Texts(items))
    }

    fn lines(self, lines: &'v Lines) -> Option<Datum<'v>> {
        let (Datum::Texts(texts), Datum::Text(separator)) =
            (self.answer(&lines.list)?, self.answer(&lines.separator)?)
        else {
            return None;
        };
        if i64::try_from(texts.len()).ok()? > lines.bound {
            return None;
        }
        self.pay(separator.len().saturating_mul(texts.len()))?;
        Some(Datum::Text(Cow::Owned(texts.join(&separator))))
    }
}

/// A parameter's value; `None` where it is of a kind that is not known here.
fn datum(value: &Value) -> Option<Datum<'_>> {
    Some(match value {
        Value::String(text) => Datum::Text(Cow::Borrowed(text)),
        Value::Number(number) => Datum::Integer(number.as_i64()?),
        Value::Bool(boolean) => Datum::Boolean(*boolean),
        Value::Array(items) => {
            let texts = items.iter().map(|item| item.as_str().map(Cow::Borrowed));
            Datum::Texts(texts.collect::<Option<_>>()?)
        }
        Value::Null | Value::Object(_) => return None,
    })
}

#[cfg(test)]
mod tests;
