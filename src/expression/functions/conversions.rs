//! Conversions between scalars, as the API server does them.

use super::arguments::{Outcome, failure, take, text, wrong_type};
use crate::expression::budget::Budget;
use crate::expression::error::EvaluationError;
use crate::expression::value::Val;

/// What failed where a text is none of a conversion's values.
fn unnamed(function: &str) -> EvaluationError {
    failure(function, "the text does not name such a value")
}

pub(super) fn string<'v>(arguments: &mut [Val<'v>], budget: &Budget<'_>) -> Outcome<'v> {
    let converted = match arguments.first() {
        Some(Val::Text(_)) => return Ok(take(arguments, 0)),
        Some(Val::Integer(integer)) => integer.to_string(),
        Some(Val::Boolean(flag)) => flag.to_string(),
        Some(Val::Number(number)) => number_to_text(*number),
        _ => return Err(wrong_type("string", arguments)),
    };
    budget.make(converted.len())?;
    Ok(Val::text(converted))
}

/// The shortest `%g` of Go (cel-go: common/types/double.go): an exponent below -4, and from seven
/// digits before the point on.
fn number_to_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) {
        return format!("{number}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "CEL cuts the fraction off, and refuses what is at or beyond the bounds"
)]
pub(super) fn integer<'v>(arguments: &mut [Val<'v>], budget: &Budget<'_>) -> Outcome<'v> {
    match arguments.first() {
        Some(Val::Integer(integer)) => Ok(Val::Integer(*integer)),
        Some(Val::Number(number)) => {
            let inside = *number > i64::MIN as f64 && *number < i64::MAX as f64;
            let integer = inside.then_some(Val::Integer(*number as i64));
            integer.ok_or(EvaluationError::Overflow)
        }
        _ => {
            let text = text("int", arguments, 0)?;
            budget.look_through(text.len())?;
            let integer = text.parse().map(Val::Integer);
            integer.map_err(|_| unnamed("int"))
        }
    }
}

pub(super) fn double<'v>(arguments: &mut [Val<'v>], budget: &Budget<'_>) -> Outcome<'v> {
    let number = match arguments.first() {
        Some(Val::Number(number)) => *number,
        #[expect(clippy::cast_precision_loss, reason = "as CEL defines the conversion")]
        Some(Val::Integer(integer)) => *integer as f64,
        _ => {
            let text = text("double", arguments, 0)?;
            budget.look_through(text.len())?;
            parse_number(text).ok_or_else(|| unnamed("double"))?
        }
    };
    Ok(Val::Number(number))
}

/// A number as `strconv.ParseFloat` reads it: decimal, with `_` between digits, or a word for what
/// is none. Hexadecimal numbers, which Go reads too, are refused.
fn parse_number(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    let is_digit = |index: Option<usize>| {
        let byte = index.and_then(|index| bytes.get(index));
        byte.is_some_and(u8::is_ascii_digit)
    };
    let mut underscores = text.match_indices('_').map(|(index, _)| index);
    if !underscores.all(|index| is_digit(index.checked_sub(1)) && is_digit(Some(index + 1))) {
        return None;
    }
    let number: f64 = text.replace('_', "").parse().ok()?;
    let is_word = text.contains(['n', 'N']);
    let is_signed = text.starts_with(['+', '-']);
    let is_read = if is_word {
        !(number.is_nan() && is_signed)
    } else {
        number.is_finite()
    };
    is_read.then_some(number)
}

pub(super) fn boolean<'v>(arguments: &mut [Val<'v>], _: &Budget<'_>) -> Outcome<'v> {
    if let Some(Val::Boolean(flag)) = arguments.first() {
        return Ok(Val::Boolean(*flag));
    }
    // The spellings of Go's strconv.ParseBool.
    match text("bool", arguments, 0)? {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Val::Boolean(true)),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Val::Boolean(false)),
        _ => Err(unnamed("bool")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_go_writes_them() {
        for (number, text) in [
            (1.0, "1"),
            (-1.5, "-1.5"),
            (0.0001, "0.0001"),
            (0.000_01, "1e-05"),
            (123_456.5, "123456.5"),
            (1e6, "1e+06"),
            (1_234_567.5, "1.2345675e+06"),
            (1.25e100, "1.25e+100"),
        ] {
            assert_eq!(number_to_text(number), text);
        }
    }

    #[test]
    fn numbers_are_read_as_go_reads_them() {
        assert_eq!(parse_number("1.5e3"), Some(1500.0));
        assert_eq!(parse_number("-Inf"), Some(f64::NEG_INFINITY));
        assert_eq!(parse_number("1_000"), Some(1000.0));
        for text in ["0x1p3", "", "_1", "1_", "1__0", "1e999", "-nan", "one"] {
            assert_eq!(parse_number(text), None, "{text}");
        }
    }
}
