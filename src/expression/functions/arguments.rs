//! The arguments of a function, as the types that its code needs.

use crate::expression::MAX_ITEMS;
use crate::expression::budget::Budget;
use crate::expression::error::EvaluationError;
use crate::expression::value::{Items, Val};

pub(super) type Outcome<'v> = Result<Val<'v>, EvaluationError>;

/// The error of a function that does not take such values.
pub(super) fn wrong_type(function: &str, arguments: &[Val<'_>]) -> EvaluationError {
    let types: Vec<_> = arguments.iter().map(Val::type_name).collect();
    EvaluationError::WrongType {
        operation: function.to_owned(),
        types: types.join(" and "),
    }
}

/// The error of a function that refuses values of the right types. The reason holds no data.
pub(super) fn failure(function: &str, reason: &str) -> EvaluationError {
    EvaluationError::Function {
        function: function.to_owned(),
        reason: reason.to_owned(),
    }
}

/// An argument, moved out.
pub(super) fn take<'v>(arguments: &mut [Val<'v>], index: usize) -> Val<'v> {
    let argument = arguments.get_mut(index);
    argument.map_or(Val::Null, |argument| std::mem::replace(argument, Val::Null))
}

pub(super) fn text<'a>(
    function: &str,
    arguments: &'a [Val<'_>],
    index: usize,
) -> Result<&'a str, EvaluationError> {
    match arguments.get(index) {
        Some(Val::Text(text)) => Ok(text.as_str()),
        _ => Err(wrong_type(function, arguments)),
    }
}

pub(super) fn integer(
    function: &str,
    arguments: &[Val<'_>],
    index: usize,
) -> Result<i64, EvaluationError> {
    match arguments.get(index) {
        Some(Val::Integer(integer)) => Ok(*integer),
        _ => Err(wrong_type(function, arguments)),
    }
}

/// The items of a list that a function goes over.
pub(super) fn items<'a, 'v>(
    function: &str,
    arguments: &'a [Val<'v>],
    budget: &Budget<'_>,
) -> Result<Items<'a, 'v>, EvaluationError> {
    let Some(items) = arguments.first().and_then(Val::items) else {
        return Err(wrong_type(function, arguments));
    };
    bounded(items.len())?;
    budget.step(items.len() as u64)?;
    Ok(items)
}

/// Refuses a list that is too long to go over.
pub(in crate::expression) fn bounded(length: usize) -> Result<(), EvaluationError> {
    if length > MAX_ITEMS {
        return Err(EvaluationError::TooManyItems(MAX_ITEMS));
    }
    Ok(())
}

/// A list that a function makes.
pub(super) fn list<'v>(items: Vec<Val<'v>>, budget: &Budget<'_>) -> Outcome<'v> {
    for item in &items {
        budget.make(match item {
            Val::Text(text) => text.as_str().len(),
            _ => 0,
        })?;
    }
    Val::list(items)
}
