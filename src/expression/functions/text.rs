//! Functions on text. Positions count characters, as in the API server.

use super::arguments::{Outcome, bounded, failure, integer, items, list, text, wrong_type};
use crate::expression::MAX_ITEMS;
use crate::expression::budget::Budget;
use crate::expression::error::EvaluationError;
use crate::expression::value::{Val, equal};

/// The longest text that an expression may make, in bytes: four times what all annotations of a
/// pod can hold together.
const MAX_TEXT: usize = 1024 * 1024;

/// Pays for a text of `length` bytes that is about to be made.
fn pay_for_text(length: usize, budget: &Budget<'_>) -> Result<(), EvaluationError> {
    if length > MAX_TEXT {
        return Err(EvaluationError::TextTooLong(MAX_TEXT));
    }
    Ok(budget.make(length)?)
}

/// Puts a text behind another one, which may grow.
pub(in crate::expression) fn append(
    whole: &mut String,
    part: &str,
    budget: &Budget<'_>,
) -> Result<(), EvaluationError> {
    if whole.len() + part.len() > MAX_TEXT {
        return Err(EvaluationError::TextTooLong(MAX_TEXT));
    }
    budget.make(part.len())?;
    whole.push_str(part);
    Ok(())
}

fn made<'v>(text: String, budget: &Budget<'_>) -> Outcome<'v> {
    pay_for_text(text.len(), budget)?;
    Ok(Val::text(text))
}

#[expect(clippy::cast_possible_wrap, reason = "no text has 2^63 characters")]
fn position<'v>(position: usize) -> Val<'v> {
    Val::Integer(position as i64)
}

pub(super) fn size<'v>(arguments: &mut [Val<'v>], budget: &Budget<'_>) -> Outcome<'v> {
    match arguments.first() {
        Some(Val::Text(text)) => {
            budget.look_through(text.as_str().len())?;
            Ok(position(text.as_str().chars().count()))
        }
        Some(other) => match other.len() {
            Some(len) => Ok(position(len)),
            None => Err(wrong_type("size", arguments)),
        },
        None => Err(wrong_type("size", arguments)),
    }
}

/// Text and what is looked for in it.
fn pair<'a>(
    function: &str,
    arguments: &'a [Val<'_>],
    budget: &Budget<'_>,
) -> Result<(&'a str, &'a str), EvaluationError> {
    let (subject, part) = (text(function, arguments, 0)?, text(function, arguments, 1)?);
    budget.look_through(subject.len().saturating_add(part.len()))?;
    Ok((subject, part))
}

pub(super) fn contains<'v>(arguments: &mut [Val<'v>], budget: &Budget<'_>) -> Outcome<'v> {
    let (subject, part) = pair("contains", arguments, budget)?;
    Ok(Val::Boolean(subject.contains(part)))
}

pub(super) fn starts_with<'v>(arguments: &mut [Val<'v>], budget: &Budget<'_>) -> Outcome<'v> {
    let (subject, part) = pair("startsWith", arguments, budget)?;
    Ok(Val::Boolean(subject.starts_with(part)))
}

pub(super) fn ends_with<'v>(arguments: &mut [Val<'v>], budget: &Budget<'_>) -> Outcome<'v> {
    let (subject, part) = pair("endsWith", arguments, budget)?;
    Ok(Val::Boolean(subject.ends_with(part)))
}

/// What failed where positions are not those of the text.
fn outside(function: &str) -> EvaluationError {
    failure(function, "the positions lie outside")
}

/// The byte offset of a character; the length of the text is one too.
fn offset(subject: &str, position: i64) -> Option<usize> {
    let position = usize::try_from(position).ok()?;
    let mut starts = subject.char_indices().map(|(offset, _)| offset);
    match starts.nth(position) {
        Some(offset) => Some(offset),
        None => (subject.chars().count() == position).then_some(subject.len()),
    }
}

pub(super) fn char_at<'v>(arguments: &mut [Val<'v>], budget: &Budget<'_>) -> Outcome<'v> {
    let subject = text("charAt", arguments, 0)?;
    budget.look_through(subject.len())?;
    let start = offset(subject, integer("charAt", arguments, 1)?);
    let at = start.ok_or_else(|| outside("charAt"))?;
    let rest = subject.get(at..).unwrap_or_default();
    made(rest.chars().take(1).collect(), budget)
}

pub(super) fn substring<'v>(arguments: &mut [Val<'v>], budget: &Budget<'_>) -> Outcome<'v> {
    let subject = text("substring", arguments, 0)?;
    budget.look_through(subject.len())?;
    let start = offset(subject, integer("substring", arguments, 1)?);
    let end = match arguments.len() {
        2 => Some(subject.len()),
        _ => offset(subject, integer("substring", arguments, 2)?),
    };
    let part = start
        .zip(end)
        .and_then(|(start, end)| subject.get(start..end));
    made(part.ok_or_else(|| outside("substring"))?.to_owned(), budget)
}

pub(super) fn lower_ascii<'v>(arguments: &mut [Val<'v>], budget: &Budget<'_>) -> Outcome<'v> {
    made(
        text("lowerAscii", arguments, 0)?.to_ascii_lowercase(),
        budget,
    )
}

pub(super) fn upper_ascii<'v>(arguments: &mut [Val<'v>], budget: &Budget<'_>) -> Outcome<'v> {
    made(
        text("upperAscii", arguments, 0)?.to_ascii_uppercase(),
        budget,
    )
}

pub(super) fn trim<'v>(arguments: &mut [Val<'v>], budget: &Budget<'_>) -> Outcome<'v> {
    made(text("trim", arguments, 0)?.trim().to_owned(), budget)
}

/// The count of a function: negative means all of them.
fn count(function: &str, arguments: &[Val<'_>], index: usize) -> Result<usize, EvaluationError> {
    if arguments.len() <= index {
        return Ok(usize::MAX);
    }
    let count = integer(function, arguments, index)?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

pub(super) fn replace<'v>(arguments: &mut [Val<'v>], budget: &Budget<'_>) -> Outcome<'v> {
    let (subject, from) = pair("replace", arguments, budget)?;
    let to = text("replace", arguments, 2)?;
    let count = count("replace", arguments, 3)?;
    let found = subject.matches(from).take(count).count();
    let grown = subject.len().saturating_add(found.saturating_mul(to.len()));
    pay_for_text(
        grown.saturating_sub(found.saturating_mul(from.len())),
        budget,
    )?;
    Ok(Val::text(subject.replacen(from, to, count)))
}

pub(super) fn split<'v>(arguments: &mut [Val<'v>], budget: &Budget<'_>) -> Outcome<'v> {
    let (subject, separator) = pair("split", arguments, budget)?;
    let count = count("split", arguments, 2)?;
    let parts = parts(subject, separator, count, MAX_ITEMS + 1);
    bounded(parts.len())?;
    list(parts.into_iter().map(Val::text).collect(), budget)
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

pub(super) fn join<'v>(arguments: &mut [Val<'v>], budget: &Budget<'_>) -> Outcome<'v> {
    let items = items("join", arguments, budget)?;
    let separator = match arguments.len() {
        1 => "",
        _ => text("join", arguments, 1)?,
    };
    let mut whole = String::new();
    for (index, item) in items.iter().enumerate() {
        let Val::Text(part) = &item else {
            return Err(wrong_type("join", &[item]));
        };
        if index > 0 {
            append(&mut whole, separator, budget)?;
        }
        append(&mut whole, part.as_str(), budget)?;
    }
    Ok(Val::text(whole))
}

pub(super) fn index_of<'v>(arguments: &mut [Val<'v>], budget: &Budget<'_>) -> Outcome<'v> {
    if let [Val::Text(_), _] = arguments {
        let (subject, part) = pair("indexOf", arguments, budget)?;
        return Ok(in_characters(subject, subject.find(part)));
    }
    let items = items("indexOf", arguments, budget)?;
    found(items.iter().enumerate(), arguments, budget)
}

pub(super) fn last_index_of<'v>(arguments: &mut [Val<'v>], budget: &Budget<'_>) -> Outcome<'v> {
    if let [Val::Text(_), _] = arguments {
        let (subject, part) = pair("lastIndexOf", arguments, budget)?;
        return Ok(in_characters(subject, subject.rfind(part)));
    }
    let items = items("lastIndexOf", arguments, budget)?;
    let indexes = (0..items.len()).rev();
    let from_the_end = indexes.filter_map(|index| Some((index, items.get(index)?)));
    found(from_the_end, arguments, budget)
}

fn in_characters<'v>(subject: &str, found: Option<usize>) -> Val<'v> {
    let before = found.and_then(|offset| subject.get(..offset));
    before.map_or(Val::Integer(-1), |before| position(before.chars().count()))
}

/// The position of the first item that equals the second argument.
fn found<'v>(
    items: impl Iterator<Item = (usize, Val<'v>)>,
    arguments: &[Val<'v>],
    budget: &Budget<'_>,
) -> Outcome<'v> {
    let wanted = arguments.get(1).unwrap_or(&Val::Null);
    for (index, item) in items {
        if equal(&item, wanted, budget)? {
            return Ok(position(index));
        }
    }
    Ok(Val::Integer(-1))
}
