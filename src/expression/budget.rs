//! How much data one evaluation may handle.
//!
//! The number of steps is bounded when a template is loaded. What a step costs depends on the
//! sizes of the values in it, which only show when it runs: `apps.map(a, apps)` copies every
//! container once for each container. So every value that is made, and every value that a step
//! inside a loop looks at, is paid for from a budget. Functions of the interpreter are plain
//! function pointers without state, which is why the budget lives in the thread.

use std::cell::Cell;

use cel::ExecutionError;
use cel::common::types::{CelList, CelMap, CelOptional, CelString};
use cel::common::value::Val;

/// The budget of one evaluation: bytes of text, and [`VALUE_COST`] for each value. Enough to copy
/// the largest pod that the API server takes (1.5 MiB) several times.
const BUDGET: usize = 16 * 1024 * 1024;

/// What a value costs besides its text.
const VALUE_COST: usize = 32;

/// The longest text that an expression may make, in bytes: four times what all annotations of a
/// pod can hold together.
pub(super) const MAX_TEXT: usize = 1024 * 1024;

/// Marks an error of the budget among the interpreter's errors. Not a name that a template can
/// write.
pub(super) const EXHAUSTED: &str = "@budget";
/// Marks a text above [`MAX_TEXT`].
pub(super) const TOO_LONG: &str = "@text";

thread_local! {
    static LEFT: Cell<usize> = const { Cell::new(0) };
}

/// Gives a fresh budget for as long as it lives, and then the one before it back: a variable that
/// is first used inside an expression is an evaluation of its own.
#[derive(Debug)]
pub(super) struct Budget {
    before: usize,
}

impl Budget {
    /// Starts an evaluation.
    pub(super) fn start() -> Self {
        Self {
            before: LEFT.replace(BUDGET),
        }
    }
}

impl Drop for Budget {
    fn drop(&mut self) {
        LEFT.set(self.before);
    }
}

/// Pays for `cost` units.
pub(super) fn pay(cost: usize) -> Result<(), ExecutionError> {
    match LEFT.get().checked_sub(cost) {
        Some(left) => {
            LEFT.set(left);
            Ok(())
        }
        None => Err(ExecutionError::function_error(EXHAUSTED, "")),
    }
}

/// Pays for all that a value holds.
pub(super) fn pay_for(value: &dyn Val) -> Result<(), ExecutionError> {
    if let Some(text) = value.downcast_ref::<CelString>() {
        return pay(VALUE_COST + text.inner().len());
    }
    pay(VALUE_COST)?;
    if let Some(list) = value.downcast_ref::<CelList>() {
        list.inner()
            .iter()
            .try_for_each(|item| pay_for(item.as_ref()))
    } else if let Some(map) = value.downcast_ref::<CelMap>() {
        map.inner().iter().try_for_each(|(key, value)| {
            pay_for(key.inner())?;
            pay_for(value.as_ref())
        })
    } else if let Some(optional) = value.downcast_ref::<CelOptional>() {
        optional.option().map_or(Ok(()), pay_for)
    } else {
        Ok(())
    }
}

/// Pays for a text of `length` bytes that is about to be made.
pub(super) fn pay_for_text(length: usize) -> Result<(), ExecutionError> {
    if length > MAX_TEXT {
        return Err(ExecutionError::function_error(TOO_LONG, ""));
    }
    pay(VALUE_COST + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_ends_and_the_one_before_comes_back() {
        let _outer = Budget::start();
        pay(BUDGET - 1).unwrap();
        {
            let _inner = Budget::start();
            pay(BUDGET).unwrap();
            assert!(pay(1).is_err());
        }
        pay(1).unwrap();
        assert!(pay(1).is_err());
    }
}
