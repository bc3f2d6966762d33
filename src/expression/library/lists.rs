//! Kubernetes' own list functions, and `lists.range` with a bound.

#![expect(
    clippy::needless_pass_by_value,
    reason = "the interpreter hands its arguments over by value"
)]

use std::cmp::Ordering;

use cel::ExecutionError;
use cel::common::types::{CelInt, CelList};
use cel::common::value::{CowVal, Val};

use super::{Arguments, Entry, Outcome, argument, failure, flag, integer, integer_argument};
use crate::expression::UNDECLARED_MAX_ITEMS;
use crate::expression::budget::pay_for;

pub(super) const FUNCTIONS: &[Entry] = &[
    ("@isSorted", 1..=1, is_sorted),
    ("@sum", 1..=1, sum),
    ("@min", 1..=1, min),
    ("@max", 1..=1, max),
    ("@range", 1..=1, range),
];

fn compare(function: &'static str, a: &dyn Val, b: &dyn Val) -> Result<Ordering, ExecutionError> {
    a.as_comparer()
        .ok_or_else(|| failure(function, "its elements have no order"))?
        .compare(b)
        .map_err(|_| failure(function, "its elements are of several types"))
}

fn is_sorted<'b, 'v>(arguments: Arguments<'b, 'v>) -> Outcome<'b, 'v> {
    let list = argument::<CelList>("isSorted", &arguments, 0)?;
    for (a, b) in list.inner().iter().zip(list.inner().iter().skip(1)) {
        if compare("@isSorted", a.as_ref(), b.as_ref())? == Ordering::Greater {
            return Ok(flag(false));
        }
    }
    Ok(flag(true))
}

/// The sum of numbers; 0 for an empty list.
fn sum<'b, 'v>(arguments: Arguments<'b, 'v>) -> Outcome<'b, 'v> {
    let list = argument::<CelList>("sum", &arguments, 0)?;
    let mut items = list.inner().iter();
    let Some(first) = items.next() else {
        return Ok(integer(0));
    };
    // Text and lists add up too, but not in the API server's `sum`.
    if first.as_subtractor().is_none() {
        return Err(failure("@sum", "its elements are not numbers"));
    }
    let mut total: Box<dyn Val + 'v> = first.clone_as_boxed();
    for item in items {
        let adder = total
            .as_adder()
            .ok_or_else(|| failure("@sum", "its elements are not numbers"))?;
        let next = adder.add(item.as_ref())?.into_owned();
        total = next;
    }
    Ok(CowVal::Owned(total))
}

fn min<'b, 'v>(arguments: Arguments<'b, 'v>) -> Outcome<'b, 'v> {
    extreme("@min", Ordering::Greater, &arguments)
}

fn max<'b, 'v>(arguments: Arguments<'b, 'v>) -> Outcome<'b, 'v> {
    extreme("@max", Ordering::Less, &arguments)
}

/// The first of the smallest or largest elements.
fn extreme<'b, 'v>(
    function: &'static str,
    replaced_when: Ordering,
    arguments: &[CowVal<'b, 'v>],
) -> Outcome<'b, 'v> {
    let list = argument::<CelList>(function, arguments, 0)?;
    let mut items = list.inner().iter();
    let Some(mut best) = items.next() else {
        return Err(failure(function, "the list is empty"));
    };
    for item in items {
        if compare(function, best.as_ref(), item.as_ref())? == replaced_when {
            best = item;
        }
    }
    pay_for(best.as_ref())?;
    Ok(CowVal::Owned(best.clone_as_boxed()))
}

fn range<'b, 'v>(arguments: Arguments<'b, 'v>) -> Outcome<'b, 'v> {
    let length = integer_argument("lists.range", &arguments, 0)?;
    let length =
        u64::try_from(length).map_err(|_| failure("@lists.range", "its length is negative"))?;
    if length > UNDECLARED_MAX_ITEMS {
        return Err(ExecutionError::function_error(
            super::BOUND_EXCEEDED,
            UNDECLARED_MAX_ITEMS,
        ));
    }
    let items: Vec<Box<dyn Val + 'v>> = (0..length)
        .filter_map(|index| i64::try_from(index).ok())
        .map(|index| Box::new(CelInt::from(index)) as Box<dyn Val + 'v>)
        .collect();
    let items = CelList::from(items);
    pay_for(&items)?;
    Ok(CowVal::owned(items))
}
