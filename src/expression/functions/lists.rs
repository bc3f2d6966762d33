//! Functions on lists: Kubernetes' own, and those of `ext.Lists`.

use std::cmp::Ordering;

use super::arguments::{Outcome, bounded, failure, integer, items, list};
use crate::expression::budget::Budget;
use crate::expression::error::EvaluationError;
use crate::expression::value::{Items, Val, compare, equal};

/// The order of two elements; `None` where they are of types that have one, but none together.
fn ordered(
    function: &str,
    a: &Val<'_>,
    b: &Val<'_>,
    budget: &Budget<'_>,
) -> Result<Option<Ordering>, EvaluationError> {
    for element in [a, b] {
        if !matches!(
            element,
            Val::Boolean(_) | Val::Integer(_) | Val::Number(_) | Val::Text(_)
        ) {
            return Err(failure(function, "its elements have no order"));
        }
    }
    if let (Val::Text(a), Val::Text(b)) = (a, b) {
        budget.look_through(a.as_str().len().min(b.as_str().len()) / 4)?;
    }
    Ok(compare(a, b))
}

pub(super) fn is_sorted<'v>(arguments: &mut [Val<'v>], budget: &Budget<'_>) -> Outcome<'v> {
    let items = items("isSorted", arguments, budget)?;
    for (a, b) in items.iter().zip(items.iter().skip(1)) {
        if ordered("isSorted", &a, &b, budget)?.is_some_and(Ordering::is_gt) {
            return Ok(Val::Boolean(false));
        }
    }
    Ok(Val::Boolean(true))
}

/// The sum of numbers; 0 for an empty list.
pub(super) fn sum<'v>(arguments: &mut [Val<'v>], budget: &Budget<'_>) -> Outcome<'v> {
    let mut total = None;
    for item in items("sum", arguments, budget)?.iter() {
        total = Some(match (total, item) {
            (None, first @ (Val::Integer(_) | Val::Number(_))) => first,
            (Some(Val::Integer(a)), Val::Integer(b)) => {
                Val::Integer(a.checked_add(b).ok_or(EvaluationError::Overflow)?)
            }
            (Some(Val::Number(a)), Val::Number(b)) => Val::Number(a + b),
            _ => return Err(failure("sum", "its elements are not numbers of one type")),
        });
    }
    Ok(total.unwrap_or(Val::Integer(0)))
}

pub(super) fn min<'v>(arguments: &mut [Val<'v>], budget: &Budget<'_>) -> Outcome<'v> {
    extreme(
        "min",
        Ordering::Greater,
        items("min", arguments, budget)?,
        budget,
    )
}

pub(super) fn max<'v>(arguments: &mut [Val<'v>], budget: &Budget<'_>) -> Outcome<'v> {
    extreme(
        "max",
        Ordering::Less,
        items("max", arguments, budget)?,
        budget,
    )
}

/// The first of the smallest or largest elements.
fn extreme<'v>(
    function: &str,
    replaced_when: Ordering,
    items: Items<'_, 'v>,
    budget: &Budget<'_>,
) -> Outcome<'v> {
    let mut items = items.iter();
    let Some(mut best) = items.next() else {
        return Err(failure(function, "the list is empty"));
    };
    for item in items {
        if ordered(function, &best, &item, budget)? == Some(replaced_when) {
            best = item;
        }
    }
    Ok(best)
}

pub(super) fn range<'v>(arguments: &mut [Val<'v>], budget: &Budget<'_>) -> Outcome<'v> {
    let length = integer("lists.range", arguments, 0)?;
    let elements = usize::try_from(length);
    bounded(elements.map_err(|_| failure("lists.range", "its length is negative"))?)?;
    list((0..length).map(Val::Integer).collect(), budget)
}

/// The elements, with lists among them replaced by their elements.
pub(super) fn flatten<'v>(arguments: &mut [Val<'v>], budget: &Budget<'_>) -> Outcome<'v> {
    let mut flat = Vec::new();
    for item in items("flatten", arguments, budget)?.iter() {
        match item.items() {
            Some(inner) => {
                budget.step(inner.len() as u64)?;
                flat.extend(inner.iter());
            }
            None => flat.push(item),
        }
    }
    list(flat, budget)
}

pub(super) fn slice<'v>(arguments: &mut [Val<'v>], budget: &Budget<'_>) -> Outcome<'v> {
    let items = items("slice", arguments, budget)?;
    let bound = |index| {
        usize::try_from(integer("slice", arguments, index)?)
            .map_err(|_| failure("slice", "the positions lie outside"))
    };
    let (start, end) = (bound(1)?, bound(2)?);
    if start > end || end > items.len() {
        return Err(failure("slice", "the positions lie outside"));
    }
    list(
        (start..end).filter_map(|index| items.get(index)).collect(),
        budget,
    )
}

pub(super) fn distinct<'v>(arguments: &mut [Val<'v>], budget: &Budget<'_>) -> Outcome<'v> {
    let mut kept: Vec<Val<'v>> = Vec::new();
    'items: for item in items("distinct", arguments, budget)?.iter() {
        for known in &kept {
            if equal(known, &item, budget)? {
                continue 'items;
            }
        }
        kept.push(item);
    }
    list(kept, budget)
}

pub(super) fn reverse<'v>(arguments: &mut [Val<'v>], budget: &Budget<'_>) -> Outcome<'v> {
    let items = items("reverse", arguments, budget)?;
    list(items.iter().rev().collect(), budget)
}

/// The elements in order; equal ones stay in theirs.
pub(super) fn sort<'v>(arguments: &mut [Val<'v>], budget: &Budget<'_>) -> Outcome<'v> {
    let mut sorted: Vec<_> = items("sort", arguments, budget)?.iter().collect();
    for (a, b) in sorted
        .iter()
        .zip(sorted.iter().skip(1).chain(sorted.first()))
    {
        if a.type_name() != b.type_name() || ordered("sort", a, b, budget)?.is_none() {
            return Err(failure("sort", "its elements are of several types"));
        }
    }
    budget.step(16 * sorted.len() as u64)?;
    sorted.sort_by(|a, b| compare(a, b).unwrap_or(Ordering::Equal));
    list(sorted, budget)
}
