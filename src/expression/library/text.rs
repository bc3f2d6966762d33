//! Functions on text that could make more than they were given, or take longer than a linear
//! search.

#![expect(
    clippy::needless_pass_by_value,
    reason = "the interpreter hands its arguments over by value"
)]

use cel::ExecutionError;
use cel::common::types::{CelList, CelString};
use cel::common::value::{CowVal, Val};

use super::{Arguments, Entry, Outcome, argument, integer, integer_argument, text, text_argument};
use crate::expression::UNDECLARED_MAX_ITEMS;
use crate::expression::budget::{pay_for, pay_for_text};

pub(super) const FUNCTIONS: &[Entry] = &[
    ("@replace", 3..=4, replace),
    ("@split", 2..=3, split),
    ("@join", 1..=2, join),
    ("@indexOf", 2..=2, index_of),
    ("@lastIndexOf", 2..=2, last_index_of),
];

/// The count of a function: negative means all of them.
fn count(
    function: &'static str,
    arguments: &[CowVal<'_, '_>],
    index: usize,
) -> Result<usize, ExecutionError> {
    if arguments.len() <= index {
        return Ok(usize::MAX);
    }
    let count = integer_argument(function, arguments, index)?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

fn replace<'b, 'v>(arguments: Arguments<'b, 'v>) -> Outcome<'b, 'v> {
    let subject = text_argument("replace", &arguments, 0)?;
    let from = text_argument("replace", &arguments, 1)?;
    let to = text_argument("replace", &arguments, 2)?;
    let count = count("replace", &arguments, 3)?;
    let found = subject.matches(from).take(count).count();
    let grown = subject.len().saturating_add(found.saturating_mul(to.len()));
    pay_for_text(grown.saturating_sub(found.saturating_mul(from.len())))?;
    Ok(text(subject.replacen(from, to, count)))
}

fn split<'b, 'v>(arguments: Arguments<'b, 'v>) -> Outcome<'b, 'v> {
    let subject = text_argument("split", &arguments, 0)?;
    let separator = text_argument("split", &arguments, 1)?;
    let count = count("split", &arguments, 2)?;
    let most = usize::try_from(UNDECLARED_MAX_ITEMS).unwrap_or(usize::MAX);
    let parts = parts(subject, separator, count, most + 1);
    if parts.len() > most {
        return Err(ExecutionError::function_error(
            super::BOUND_EXCEEDED,
            UNDECLARED_MAX_ITEMS,
        ));
    }
    let parts: Vec<Box<dyn Val + 'v>> = parts
        .into_iter()
        .map(|part| Box::new(CelString::from(part.to_owned())) as Box<dyn Val + 'v>)
        .collect();
    let parts = CelList::from(parts);
    pay_for(&parts)?;
    Ok(CowVal::owned(parts))
}

/// The parts of a text, of which no more than `most` are looked for. An empty separator parts
/// characters, as in Go.
fn parts<'t>(subject: &'t str, separator: &str, count: usize, most: usize) -> Vec<&'t str> {
    if !separator.is_empty() {
        return subject.splitn(count, separator).take(most).collect();
    }
    let mut parts = Vec::new();
    let mut rest = subject;
    while let Some(first) = rest.chars().next() {
        if count == 0 || parts.len() >= most {
            break;
        }
        if parts.len() + 1 == count {
            parts.push(rest);
            break;
        }
        let (head, tail) = rest.split_at(first.len_utf8());
        parts.push(head);
        rest = tail;
    }
    parts
}

fn join<'b, 'v>(arguments: Arguments<'b, 'v>) -> Outcome<'b, 'v> {
    let list = argument::<CelList>("join", &arguments, 0)?;
    let separator = match arguments.len() {
        1 => "",
        _ => text_argument("join", &arguments, 1)?,
    };
    let mut parts = Vec::with_capacity(list.len());
    let mut length = separator.len().saturating_mul(list.len());
    for item in list.inner() {
        let Some(part) = item.downcast_ref::<CelString>() else {
            let given = item.get_type().name().to_owned();
            return Err(ExecutionError::no_such_overload("join", vec![given]));
        };
        length = length.saturating_add(part.inner().len());
        parts.push(part.inner());
    }
    pay_for_text(length)?;
    Ok(text(parts.join(separator)))
}

/// Positions count characters, in text as in lists.
fn position(position: usize) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

fn index_of<'b, 'v>(arguments: Arguments<'b, 'v>) -> Outcome<'b, 'v> {
    if let Some(found) = in_list(&arguments, |list, item| {
        list.iter().position(|known| known.equals(item))
    }) {
        return Ok(integer(found));
    }
    let subject = text_argument("indexOf", &arguments, 0)?;
    let found = subject.find(text_argument("indexOf", &arguments, 1)?);
    Ok(integer(in_characters(subject, found)))
}

fn last_index_of<'b, 'v>(arguments: Arguments<'b, 'v>) -> Outcome<'b, 'v> {
    if let Some(found) = in_list(&arguments, |list, item| {
        list.iter().rposition(|known| known.equals(item))
    }) {
        return Ok(integer(found));
    }
    let subject = text_argument("lastIndexOf", &arguments, 0)?;
    let found = subject.rfind(text_argument("lastIndexOf", &arguments, 1)?);
    Ok(integer(in_characters(subject, found)))
}

fn in_characters(subject: &str, found: Option<usize>) -> i64 {
    found
        .and_then(|offset| subject.get(..offset))
        .map_or(-1, |before| position(before.chars().count()))
}

/// The position in a list, where the first argument is one.
fn in_list(
    arguments: &[CowVal<'_, '_>],
    find: impl Fn(&[Box<dyn Val + '_>], &dyn Val) -> Option<usize>,
) -> Option<i64> {
    let [list, item] = arguments else { return None };
    let list = list.as_ref().downcast_ref::<CelList>()?;
    Some(find(list.inner(), item.as_ref()).map_or(-1, position))
}
