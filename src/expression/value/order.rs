//! Equality and order of values, as CEL defines them.
//!
//! Numbers are compared across their types, and an integer by a number as that number's type.
//! Values of different types are unequal; they have no order.

use std::cmp::Ordering;

use super::Val;
use crate::expression::budget::Budget;
use crate::expression::error::EvaluationError;

/// Whether two values are equal; each part that is looked at is a step.
pub(in crate::expression) fn equal(
    a: &Val<'_>,
    b: &Val<'_>,
    budget: &Budget<'_>,
) -> Result<bool, EvaluationError> {
    if let (Val::Text(a), Val::Text(b)) = (a, b) {
        let (a, b) = (a.as_str(), b.as_str());
        budget.look_through(a.len().min(b.len()) / 4)?;
        return Ok(a == b);
    }
    budget.step(1)?;
    if let (Some(a), Some(b)) = (a.items(), b.items()) {
        if a.len() != b.len() {
            return Ok(false);
        }
        for (a, b) in a.iter().zip(b.iter()) {
            if !equal(&a, &b, budget)? {
                return Ok(false);
            }
        }
        return Ok(true);
    }
    match (a, b) {
        (Val::Optional(a, _), Val::Optional(b, _)) => match (a, b) {
            (Some(a), Some(b)) => equal(a, b, budget),
            (a, b) => Ok(a.is_none() && b.is_none()),
        },
        (Val::Object(_) | Val::Map(..), Val::Object(_) | Val::Map(..)) => maps(a, b, budget),
        _ => Ok(equal_scalars(a, b)),
    }
}

fn maps(a: &Val<'_>, b: &Val<'_>, budget: &Budget<'_>) -> Result<bool, EvaluationError> {
    if a.len() != b.len() {
        return Ok(false);
    }
    for key in a.keys().unwrap_or_default() {
        // A made map is searched through.
        budget.step(1 + b.len().map_or(0, |len| len as u64))?;
        let (Some(one), Some(other)) = (a.find(&key), b.find(&key)) else {
            return Ok(false);
        };
        if !equal(&one, &other, budget)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether two values are equal that hold no others.
pub(in crate::expression) fn equal_scalars(a: &Val<'_>, b: &Val<'_>) -> bool {
    match (a, b) {
        (Val::Null, Val::Null) => true,
        (Val::Boolean(a), Val::Boolean(b)) => a == b,
        (Val::Text(a), Val::Text(b)) => a.as_str() == b.as_str(),
        (Val::Quantity(a), Val::Quantity(b)) => a == b,
        _ => numbers(a, b) == Some(Ordering::Equal),
    }
}

/// The order of two numbers; none where one is not a number.
fn numbers(a: &Val<'_>, b: &Val<'_>) -> Option<Ordering> {
    match (a, b) {
        (Val::Integer(a), Val::Integer(b)) => Some(a.cmp(b)),
        (Val::Number(a), Val::Number(b)) => a.partial_cmp(b),
        (Val::Integer(a), Val::Number(b)) => with_integer(*b, *a).map(Ordering::reverse),
        (Val::Number(a), Val::Integer(b)) => with_integer(*a, *b),
        _ => None,
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "CEL compares an integer with a number as a number"
)]
fn with_integer(number: f64, integer: i64) -> Option<Ordering> {
    if number < i64::MIN as f64 {
        return Some(Ordering::Less);
    }
    if number > i64::MAX as f64 {
        return Some(Ordering::Greater);
    }
    number.partial_cmp(&(integer as f64))
}

/// The order of two values; `None` where they have none.
pub(in crate::expression) fn compare(a: &Val<'_>, b: &Val<'_>) -> Option<Ordering> {
    match (a, b) {
        (Val::Boolean(a), Val::Boolean(b)) => Some(a.cmp(b)),
        (Val::Text(a), Val::Text(b)) => Some(a.as_str().cmp(b.as_str())),
        _ => numbers(a, b),
    }
}
