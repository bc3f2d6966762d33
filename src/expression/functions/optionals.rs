//! Functions that make and open optionals, and `dyn`.

#![expect(
    clippy::unnecessary_wraps,
    reason = "all functions of the table have one type"
)]

use super::arguments::{Outcome, failure, take, wrong_type};
use crate::expression::budget::Budget;
use crate::expression::value::{Val, unwrapped};

/// `dyn`: only the checks before evaluation know of it.
pub(super) fn unchanged<'v>(arguments: &mut [Val<'v>], _: &Budget<'_>) -> Outcome<'v> {
    Ok(take(arguments, 0))
}

pub(super) fn none<'v>(_: &mut [Val<'v>], _: &Budget<'_>) -> Outcome<'v> {
    Ok(Val::Optional(None, 0))
}

pub(super) fn of<'v>(arguments: &mut [Val<'v>], budget: &Budget<'_>) -> Outcome<'v> {
    budget.make(0)?;
    Val::optional(Some(take(arguments, 0)))
}

pub(super) fn of_non_zero_value<'v>(arguments: &mut [Val<'v>], budget: &Budget<'_>) -> Outcome<'v> {
    let is_zero = match arguments.first() {
        None | Some(Val::Null | Val::Boolean(false) | Val::Integer(0)) => true,
        Some(Val::Number(number)) => *number == 0.0,
        Some(Val::Text(text)) => text.as_str().is_empty(),
        Some(other) => other.len() == Some(0),
    };
    if is_zero {
        return Ok(Val::Optional(None, 0));
    }
    of(arguments, budget)
}

pub(super) fn has_value<'v>(arguments: &mut [Val<'v>], _: &Budget<'_>) -> Outcome<'v> {
    match arguments.first() {
        Some(Val::Optional(value, _)) => Ok(Val::Boolean(value.is_some())),
        _ => Err(wrong_type("hasValue", arguments)),
    }
}

pub(super) fn value<'v>(arguments: &mut [Val<'v>], _: &Budget<'_>) -> Outcome<'v> {
    match take(arguments, 0) {
        Val::Optional(Some(value), _) => Ok(unwrapped(value)),
        Val::Optional(None, _) => {
            let reason = "the optional is absent; use `orValue(…)`";
            Err(failure("value", reason))
        }
        other => Err(wrong_type("value", &[other])),
    }
}
