//! Operators.

use std::rc::Rc;

use super::{Evaluator, Outcome, wrong_type};
use crate::expression::budget::Budget;
use crate::expression::error::EvaluationError;
use crate::expression::functions::append;
use crate::expression::program::{Node, Operator};
use crate::expression::value::{Items, Text, Val, compare, equal, unwrapped};

impl<'x> Evaluator<'_, 'x> {
    pub(super) fn not(&mut self, of: &'x Node) -> Outcome<'x> {
        Ok(Val::Boolean(!self.condition(of, "!")?))
    }

    pub(super) fn negate(&mut self, of: &'x Node) -> Outcome<'x> {
        match self.value(of)? {
            Val::Integer(integer) => {
                let negated = integer.checked_neg();
                negated.map(Val::Integer).ok_or(EvaluationError::Overflow)
            }
            Val::Number(number) => Ok(Val::Number(-number)),
            other => Err(wrong_type("-", &[&other])),
        }
    }

    /// `&&` and `||`: the first part that decides, whatever failed before it.
    pub(super) fn first_of(&mut self, parts: &'x [Node], deciding: bool) -> Outcome<'x> {
        let sign = if deciding { "||" } else { "&&" };
        let mut failed = None;
        for part in parts {
            match self.condition(part, sign) {
                Ok(decided) if decided == deciding => return Ok(Val::Boolean(deciding)),
                Ok(_) => {}
                Err(error @ EvaluationError::BudgetExceeded(_)) => return Err(error),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(Val::Boolean(!deciding)), Err)
    }

    pub(super) fn choice(&mut self, parts: &'x [Node; 3]) -> Outcome<'x> {
        let [condition, yes, no] = parts;
        let chosen = if self.condition(condition, "? :")? {
            yes
        } else {
            no
        };
        self.value(chosen)
    }

    pub(super) fn sum(&mut self, terms: &'x [Node]) -> Outcome<'x> {
        let mut terms = terms.iter();
        let mut total = match terms.next() {
            Some(first) => self.value(first)?,
            None => return Err(wrong_type("+", &[])),
        };
        for term in terms {
            let term = self.value(term)?;
            total = add(total, term, self.budget)?;
        }
        Ok(total)
    }
}

/// Room for what is added to a text behind its second term.
const MORE_TEXT: usize = 64;

fn add<'x>(total: Val<'x>, term: Val<'x>, budget: &Budget<'_>) -> Outcome<'x> {
    match (total, term) {
        (Val::Integer(a), Val::Integer(b)) => {
            let sum = a.checked_add(b).map(Val::Integer);
            sum.ok_or(EvaluationError::Overflow)
        }
        (Val::Number(a), Val::Number(b)) => Ok(Val::Number(a + b)),
        (Val::Text(total), Val::Text(term)) => {
            let mut total = match total {
                Text::Owned(total) => total,
                total => {
                    budget.make(total.as_str().len())?;
                    let room = total.as_str().len() + term.as_str().len() + MORE_TEXT;
                    let mut whole = String::with_capacity(room);
                    whole.push_str(total.as_str());
                    whole
                }
            };
            append(&mut total, term.as_str(), budget)?;
            Ok(Val::text(total))
        }
        (total, term) => {
            let (Some(_), Some(more)) = (total.items(), term.items()) else {
                return Err(wrong_type("+", &[&total, &term]));
            };
            budget.step(more.len() as u64)?;
            budget.make(more.len() * size_of::<Val<'_>>())?;
            // A list that nobody else has grows in its place; any other is copied.
            let is_moved = matches!(&total, Val::List(items, _) if Rc::strong_count(items) == 1);
            if !is_moved {
                budget.make(total.len().unwrap_or(0) * size_of::<Val<'_>>())?;
            }
            let mut items = match total {
                Val::List(items, _) => unwrapped(items),
                other => other.items().into_iter().flat_map(Items::iter).collect(),
            };
            items.extend(more.iter());
            Val::list(items)
        }
    }
}

pub(super) fn binary<'x>(
    operator: Operator,
    left: &Val<'x>,
    right: &Val<'x>,
    budget: &Budget<'_>,
) -> Outcome<'x> {
    let mismatch = || wrong_type(operator.sign(), &[left, right]);
    let truth = match operator {
        Operator::Equal => equal(left, right, budget)?,
        Operator::NotEqual => !equal(left, right, budget)?,
        Operator::In => contains(left, right, budget)?.ok_or_else(mismatch)?,
        Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual => {
            if let (Val::Text(a), Val::Text(b)) = (left, right) {
                budget.look_through(a.as_str().len().min(b.as_str().len()) / 4)?;
            }
            let order = compare(left, right).ok_or_else(mismatch)?;
            match operator {
                Operator::Less => order.is_lt(),
                Operator::LessOrEqual => order.is_le(),
                Operator::Greater => order.is_gt(),
                _ => order.is_ge(),
            }
        }
        _ => return calculated(operator, left, right),
    };
    Ok(Val::Boolean(truth))
}

fn calculated<'x>(operator: Operator, left: &Val<'_>, right: &Val<'_>) -> Outcome<'x> {
    match (left, right) {
        (Val::Integer(a), Val::Integer(b)) => {
            let divides = matches!(operator, Operator::Divide | Operator::Remainder);
            if divides && *b == 0 {
                return Err(EvaluationError::DivisionByZero);
            }
            let result = match operator {
                Operator::Subtract => a.checked_sub(*b),
                Operator::Multiply => a.checked_mul(*b),
                Operator::Divide => a.checked_div(*b),
                _ => a.checked_rem(*b),
            };
            result.map(Val::Integer).ok_or(EvaluationError::Overflow)
        }
        (Val::Number(a), Val::Number(b)) if operator != Operator::Remainder => {
            Ok(Val::Number(match operator {
                Operator::Subtract => a - b,
                Operator::Multiply => a * b,
                _ => a / b,
            }))
        }
        (left, right) => Err(wrong_type(operator.sign(), &[left, right])),
    }
}

/// Whether a list has an element, or a map a key; `None` where it is neither.
fn contains(
    wanted: &Val<'_>,
    of: &Val<'_>,
    budget: &Budget<'_>,
) -> Result<Option<bool>, EvaluationError> {
    if of.is_map() {
        return Ok(Some(of.find(wanted).is_some()));
    }
    let Some(items) = of.items() else {
        return Ok(None);
    };
    for item in items.iter() {
        if equal(&item, wanted, budget)? {
            return Ok(Some(true));
        }
    }
    Ok(Some(false))
}

/// The place of a key among sorted ones, or where it belongs: booleans, numbers, then text.
pub(super) fn place_of(entries: &[(Val<'_>, Val<'_>)], key: &Val<'_>) -> Result<usize, usize> {
    let rank = |key: &Val<'_>| match key {
        Val::Boolean(_) => 0,
        Val::Integer(_) => 1,
        _ => 2,
    };
    entries.binary_search_by(|(known, _)| {
        compare(known, key).unwrap_or_else(|| rank(known).cmp(&rank(key)))
    })
}
