//! Kubernetes' quantity library.

#![expect(
    clippy::needless_pass_by_value,
    reason = "the interpreter hands its arguments over by value"
)]

use std::any::Any;

use cel::common::types::{CelDouble, CelInt, Type as CelType};
use cel::common::value::{CowVal, StaticVal, Val};

use super::{Arguments, Entry, Outcome, argument, failure, flag, integer, text_argument};
use crate::kubernetes::quantity::Quantity;

pub(super) const FUNCTIONS: &[Entry] = &[
    ("@quantity", 1..=1, quantity),
    ("@isQuantity", 1..=1, is_quantity),
    ("@quantitySign", 1..=1, sign),
    ("@isGreaterThan", 2..=2, is_greater_than),
    ("@isLessThan", 2..=2, is_less_than),
    ("@compareTo", 2..=2, compare_to),
    ("@asApproximateFloat", 1..=1, as_approximate_float),
    ("@asInteger", 1..=1, as_integer),
    ("@isInteger", 1..=1, is_integer),
    ("@add", 2..=2, add),
    ("@sub", 2..=2, sub),
];

static QUANTITY_TYPE: CelType = CelType::new_unspecified_type("kubernetes.Quantity");

/// A quantity as a value of the interpreter.
#[derive(Clone, Debug)]
pub(in crate::expression) struct QuantityValue(Quantity);

impl Val for QuantityValue {
    fn get_type(&self) -> &CelType {
        &QUANTITY_TYPE
    }

    fn cel_type() -> &'static CelType {
        &QUANTITY_TYPE
    }

    fn equals(&self, other: &dyn Val) -> bool {
        other
            .downcast_ref::<Self>()
            .is_some_and(|other| self.0 == other.0)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for QuantityValue {}

fn of(
    function: &'static str,
    arguments: &[CowVal<'_, '_>],
    index: usize,
) -> Result<Quantity, cel::ExecutionError> {
    argument::<QuantityValue>(function, arguments, index).map(|value| value.0)
}

/// A quantity or an integer.
fn operand(
    function: &'static str,
    arguments: &[CowVal<'_, '_>],
) -> Result<Quantity, cel::ExecutionError> {
    match argument::<CelInt>(function, arguments, 1) {
        Ok(integer) => Ok(Quantity::from(*integer.inner())),
        Err(_) => of(function, arguments, 1),
    }
}

fn given<'b, 'v>(quantity: Quantity) -> CowVal<'b, 'v> {
    CowVal::owned(QuantityValue(quantity))
}

fn quantity<'b, 'v>(arguments: Arguments<'b, 'v>) -> Outcome<'b, 'v> {
    let parsed: Result<Quantity, _> = text_argument("quantity", &arguments, 0)?.parse();
    parsed
        .map(given)
        .map_err(|error| failure("@quantity", &error.to_string()))
}

fn is_quantity<'b, 'v>(arguments: Arguments<'b, 'v>) -> Outcome<'b, 'v> {
    let parsed: Result<Quantity, _> = text_argument("isQuantity", &arguments, 0)?.parse();
    Ok(flag(parsed.is_ok()))
}

fn sign<'b, 'v>(arguments: Arguments<'b, 'v>) -> Outcome<'b, 'v> {
    Ok(integer(of("sign", &arguments, 0)?.sign()))
}

fn is_greater_than<'b, 'v>(arguments: Arguments<'b, 'v>) -> Outcome<'b, 'v> {
    let left = of("isGreaterThan", &arguments, 0)?;
    Ok(flag(left > of("isGreaterThan", &arguments, 1)?))
}

fn is_less_than<'b, 'v>(arguments: Arguments<'b, 'v>) -> Outcome<'b, 'v> {
    let left = of("isLessThan", &arguments, 0)?;
    Ok(flag(left < of("isLessThan", &arguments, 1)?))
}

fn compare_to<'b, 'v>(arguments: Arguments<'b, 'v>) -> Outcome<'b, 'v> {
    let left = of("compareTo", &arguments, 0)?;
    let order = left.cmp(&of("compareTo", &arguments, 1)?);
    Ok(integer(i64::from(order as i8)))
}

fn as_approximate_float<'b, 'v>(arguments: Arguments<'b, 'v>) -> Outcome<'b, 'v> {
    let number = of("asApproximateFloat", &arguments, 0)?.as_approximate_float();
    Ok(CowVal::owned(CelDouble::from(number)))
}

fn as_integer<'b, 'v>(arguments: Arguments<'b, 'v>) -> Outcome<'b, 'v> {
    of("asInteger", &arguments, 0)?
        .as_integer()
        .map(integer)
        .ok_or_else(|| failure("@asInteger", "the quantity is not an integer of 64 bits"))
}

fn is_integer<'b, 'v>(arguments: Arguments<'b, 'v>) -> Outcome<'b, 'v> {
    Ok(flag(of("isInteger", &arguments, 0)?.as_integer().is_some()))
}

fn add<'b, 'v>(arguments: Arguments<'b, 'v>) -> Outcome<'b, 'v> {
    let left = of("add", &arguments, 0)?;
    Ok(given(left.add(&operand("add", &arguments)?)))
}

fn sub<'b, 'v>(arguments: Arguments<'b, 'v>) -> Outcome<'b, 'v> {
    let left = of("sub", &arguments, 0)?;
    Ok(given(left.sub(&operand("sub", &arguments)?)))
}
