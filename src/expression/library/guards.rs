//! Functions that the analysis puts in to bound and order what the interpreter does.

use cel::ExecutionError;
use cel::common::types::{CelList, CelMap, CelMapKey, CelString};
use cel::common::value::{CowVal, Val};

use super::{Arguments, Entry, Outcome, argument, integer_argument};
use crate::expression::budget::{pay_for, pay_for_text};
use crate::expression::scan::MAX_DEPTH;

/// Marks an error of a list with too many elements; the message is the bound.
pub(in crate::expression) const BOUND_EXCEEDED: &str = "@bound";

pub(super) const FUNCTIONS: &[Entry] = &[
    ("@items", 2..=2, items),
    ("@bounded", 2..=2, bounded),
    ("@made", 1..=1, made),
    ("@seen", 1..=1, seen),
    // As many terms as the scan lets depend on one another, and one.
    ("@plus", 2..=MAX_DEPTH + 1, plus),
];

/// What a comprehension goes over: a list as it is, a map's keys sorted. The interpreter would
/// give the keys in random order. Pays for the elements, as each is copied.
fn items<'b, 'v>(arguments: Arguments<'b, 'v>) -> Outcome<'b, 'v> {
    let bound = integer_argument("a comprehension", &arguments, 1)?;
    let Some(range) = arguments.into_iter().next() else {
        return Err(ExecutionError::invalid_argument_count(2, 0));
    };
    let value = range.as_ref();
    if let Some(map) = value.downcast_ref::<CelMap>() {
        check(map.inner().len(), bound)?;
        let mut keys: Vec<CelMapKey<'v>> = map.inner().keys().cloned().collect();
        keys.sort();
        let keys: Vec<Box<dyn Val + 'v>> = keys.into_iter().map(boxed).collect();
        let keys = CelList::from(keys);
        pay_for(&keys)?;
        return Ok(CowVal::owned(keys));
    }
    if let Some(list) = value.downcast_ref::<CelList>() {
        check(list.len(), bound)?;
        pay_for(value)?;
        return Ok(range);
    }
    let given = value.get_type().name().to_owned();
    Err(ExecutionError::no_such_overload(
        "a comprehension",
        vec![given],
    ))
}

fn boxed<'v>(key: CelMapKey<'v>) -> Box<dyn Val + 'v> {
    match key {
        CelMapKey::Bool(key) => Box::new(key),
        CelMapKey::Int(key) => Box::new(key),
        CelMapKey::String(key) => Box::new(key),
        CelMapKey::UInt(key) => Box::new(key),
    }
}

fn check(length: usize, bound: i64) -> Result<(), ExecutionError> {
    if i64::try_from(length).is_ok_and(|length| length <= bound) {
        return Ok(());
    }
    Err(ExecutionError::function_error(BOUND_EXCEEDED, bound))
}

/// A list that a function goes over: refused above its bound.
fn bounded<'b, 'v>(arguments: Arguments<'b, 'v>) -> Outcome<'b, 'v> {
    let bound = integer_argument("a list function", &arguments, 1)?;
    let list = argument::<CelList>("a list function", &arguments, 0)?;
    check(list.len(), bound)?;
    pay_for(list)?;
    arguments
        .into_iter()
        .next()
        .ok_or_else(|| ExecutionError::invalid_argument_count(2, 0))
}

/// Pays for a value that was made or copied; one that is only borrowed costs nothing.
fn made<'b, 'v>(arguments: Arguments<'b, 'v>) -> Outcome<'b, 'v> {
    let value = first(arguments)?;
    if value.is_owned() {
        pay_for(value.as_ref())?;
    }
    Ok(value)
}

/// Pays for a value that a step of a loop looks at.
fn seen<'b, 'v>(arguments: Arguments<'b, 'v>) -> Outcome<'b, 'v> {
    let value = first(arguments)?;
    pay_for(value.as_ref())?;
    Ok(value)
}

fn first<'b, 'v>(arguments: Arguments<'b, 'v>) -> Outcome<'b, 'v> {
    arguments
        .into_iter()
        .next()
        .ok_or_else(|| ExecutionError::invalid_argument_count(1, 0))
}

/// `+` on what may be text or lists, with all its terms. The crate's would add a map's keys to a
/// list, in random order, and would grow without a bound.
fn plus<'b, 'v>(arguments: Arguments<'b, 'v>) -> Outcome<'b, 'v> {
    let texts: Option<Vec<&str>> = arguments
        .iter()
        .map(|term| {
            term.as_ref()
                .downcast_ref::<CelString>()
                .map(CelString::inner)
        })
        .collect();
    if let Some(texts) = texts {
        pay_for_text(texts.iter().map(|text| text.len()).sum())?;
        return Ok(super::text(texts.concat()));
    }
    let mut terms = arguments.into_iter();
    let Some(mut total) = terms.next() else {
        return Err(ExecutionError::invalid_argument_count(2, 0));
    };
    for term in terms {
        let sum = add(total.as_ref(), term.as_ref())?;
        total = CowVal::Owned(sum);
    }
    Ok(total)
}

fn add<'v>(
    left: &(dyn Val + 'v),
    right: &(dyn Val + 'v),
) -> Result<Box<dyn Val + 'v>, ExecutionError> {
    let mismatch = || {
        let types = [left, right].map(|value| value.get_type().name().to_owned());
        ExecutionError::no_such_overload("_+_", types.to_vec())
    };
    if left.downcast_ref::<CelList>().is_some() {
        right.downcast_ref::<CelList>().ok_or_else(mismatch)?;
    }
    pay_for(left)?;
    pay_for(right)?;
    let sum = left.as_adder().ok_or_else(mismatch)?.add(right);
    Ok(sum.map_err(|_| mismatch())?.into_owned())
}
