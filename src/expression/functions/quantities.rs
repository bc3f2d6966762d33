//! Kubernetes' quantity library.

use super::arguments::{Outcome, failure, text, wrong_type};
use crate::expression::budget::Budget;
use crate::expression::error::EvaluationError;
use crate::expression::value::Val;
use crate::kubernetes::quantity::Quantity;

fn of(function: &str, arguments: &[Val<'_>], index: usize) -> Result<Quantity, EvaluationError> {
    match arguments.get(index) {
        Some(Val::Quantity(quantity)) => Ok(**quantity),
        _ => Err(wrong_type(function, arguments)),
    }
}

/// A quantity or an integer.
fn operand(function: &str, arguments: &[Val<'_>]) -> Result<Quantity, EvaluationError> {
    match arguments.get(1) {
        Some(Val::Integer(integer)) => Ok(Quantity::from(*integer)),
        _ => of(function, arguments, 1),
    }
}

fn made<'v>(quantity: Quantity, budget: &Budget<'_>) -> Outcome<'v> {
    budget.make(size_of::<Quantity>())?;
    Ok(Val::quantity(quantity))
}

pub(super) fn quantity<'v>(arguments: &mut [Val<'v>], budget: &Budget<'_>) -> Outcome<'v> {
    let text = text("quantity", arguments, 0)?;
    budget.look_through(text.len())?;
    let parsed = text.parse::<Quantity>();
    made(
        parsed.map_err(|error| failure("quantity", &error.to_string()))?,
        budget,
    )
}

pub(super) fn is_quantity<'v>(arguments: &mut [Val<'v>], budget: &Budget<'_>) -> Outcome<'v> {
    let text = text("isQuantity", arguments, 0)?;
    budget.look_through(text.len())?;
    Ok(Val::Boolean(text.parse::<Quantity>().is_ok()))
}

pub(super) fn sign<'v>(arguments: &mut [Val<'v>], _: &Budget<'_>) -> Outcome<'v> {
    Ok(Val::Integer(of("sign", arguments, 0)?.sign()))
}

pub(super) fn is_greater_than<'v>(arguments: &mut [Val<'v>], _: &Budget<'_>) -> Outcome<'v> {
    let left = of("isGreaterThan", arguments, 0)?;
    Ok(Val::Boolean(left > of("isGreaterThan", arguments, 1)?))
}

pub(super) fn is_less_than<'v>(arguments: &mut [Val<'v>], _: &Budget<'_>) -> Outcome<'v> {
    let left = of("isLessThan", arguments, 0)?;
    Ok(Val::Boolean(left < of("isLessThan", arguments, 1)?))
}

pub(super) fn compare_to<'v>(arguments: &mut [Val<'v>], _: &Budget<'_>) -> Outcome<'v> {
    let left = of("compareTo", arguments, 0)?;
    let order = left.cmp(&of("compareTo", arguments, 1)?);
    Ok(Val::Integer(i64::from(order as i8)))
}

pub(super) fn as_approximate_float<'v>(arguments: &mut [Val<'v>], _: &Budget<'_>) -> Outcome<'v> {
    let quantity = of("asApproximateFloat", arguments, 0)?;
    Ok(Val::Number(quantity.as_approximate_float()))
}

pub(super) fn as_integer<'v>(arguments: &mut [Val<'v>], _: &Budget<'_>) -> Outcome<'v> {
    let integer = of("asInteger", arguments, 0)?.as_integer();
    let problem = "the quantity is not an integer of 64 bits";
    integer
        .map(Val::Integer)
        .ok_or_else(|| failure("asInteger", problem))
}

pub(super) fn is_integer<'v>(arguments: &mut [Val<'v>], _: &Budget<'_>) -> Outcome<'v> {
    let integer = of("isInteger", arguments, 0)?.as_integer();
    Ok(Val::Boolean(integer.is_some()))
}

pub(super) fn add<'v>(arguments: &mut [Val<'v>], budget: &Budget<'_>) -> Outcome<'v> {
    let sum = of("add", arguments, 0)?.add(&operand("add", arguments)?);
    made(sum, budget)
}

pub(super) fn sub<'v>(arguments: &mut [Val<'v>], budget: &Budget<'_>) -> Outcome<'v> {
    let difference = of("sub", arguments, 0)?.sub(&operand("sub", arguments)?);
    made(difference, budget)
}
