//! Conversions between scalars, and `matches`, as the API server does them.

#![expect(
    clippy::needless_pass_by_value,
    reason = "the interpreter hands its arguments over by value"
)]

use cel::ExecutionError;
use cel::common::types::{CelBool, CelDouble, CelInt, CelString};
use cel::common::value::{CowVal, Val};

use super::{Arguments, Entry, Outcome, Pattern, argument, failure, flag, text, text_argument};
use crate::expression::budget::pay_for_text;

pub(super) const FUNCTIONS: &[Entry] = &[
    ("@string", 1..=1, string),
    ("@double", 1..=1, double),
    ("@bool", 1..=1, boolean),
    ("@matches", 2..=2, matches),
];

fn string<'b, 'v>(arguments: Arguments<'b, 'v>) -> Outcome<'b, 'v> {
    let Some(value) = arguments.first() else {
        return Err(ExecutionError::invalid_argument_count(1, 0));
    };
    let value = value.as_ref();
    let converted = if let Some(text) = value.downcast_ref::<CelString>() {
        pay_for_text(text.inner().len())?;
        text.inner().to_owned()
    } else if let Some(integer) = value.downcast_ref::<CelInt>() {
        integer.inner().to_string()
    } else if let Some(flag) = value.downcast_ref::<CelBool>() {
        flag.inner().to_string()
    } else if let Some(number) = value.downcast_ref::<CelDouble>() {
        number_to_text(*number.inner())
    } else {
        let given = value.get_type().name().to_owned();
        return Err(ExecutionError::no_such_overload("string", vec![given]));
    };
    Ok(text(converted))
}

/// Go's shortest `%g`, which is what CEL in Go gives: an exponent below -4 or from 6 digits
/// upwards where the shortest form needs it (`strconv.FormatFloat(x, 'g', -1, 64)` uses it from
/// 21 digits on).
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
    if (-4..21).contains(&exponent) {
        return format!("{number}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

fn double<'b, 'v>(arguments: Arguments<'b, 'v>) -> Outcome<'b, 'v> {
    let Some(value) = arguments.first() else {
        return Err(ExecutionError::invalid_argument_count(1, 0));
    };
    let value = value.as_ref();
    let number = if let Some(number) = value.downcast_ref::<CelDouble>() {
        *number.inner()
    } else if let Some(integer) = value.downcast_ref::<CelInt>() {
        #[expect(clippy::cast_precision_loss, reason = "as CEL defines the conversion")]
        let number = *integer.inner() as f64;
        number
    } else {
        parse_number(argument::<CelString>("double", &arguments, 0)?.inner())
            .ok_or_else(|| failure("@double", ""))?
    };
    Ok(CowVal::owned(CelDouble::from(number)))
}

/// A decimal number. Words and hexadecimal, which the languages read differently, are refused.
fn parse_number(text: &str) -> Option<f64> {
    let decimal = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
    let number: f64 = text.chars().all(decimal).then(|| text.parse().ok())??;
    number.is_finite().then_some(number)
}

fn boolean<'b, 'v>(arguments: Arguments<'b, 'v>) -> Outcome<'b, 'v> {
    let given = arguments.first().map(AsRef::as_ref);
    if let Some(value) = given.and_then(|value: &dyn Val| value.downcast_ref::<CelBool>()) {
        return Ok(flag(*value.inner()));
    }
    // The spellings of Go's strconv.ParseBool.
    match text_argument("bool", &arguments, 0)? {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(flag(true)),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(flag(false)),
        _ => Err(failure("@bool", "")),
    }
}

/// `matches` with its pattern already compiled.
fn matches<'b, 'v>(arguments: Arguments<'b, 'v>) -> Outcome<'b, 'v> {
    let subject = text_argument("matches", &arguments, 0)?;
    let pattern = argument::<Pattern>("matches", &arguments, 1)?;
    Ok(flag(pattern.0.is_match(subject)))
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
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.25e100, "1.25e+100"),
        ] {
            assert_eq!(number_to_text(number), text);
        }
    }

    #[test]
    fn only_decimal_numbers_are_read() {
        assert_eq!(parse_number("1.5e3"), Some(1500.0));
        for text in ["inf", "NaN", "0x1p3", "", "1_000", "1e999"] {
            assert_eq!(parse_number(text), None, "{text}");
        }
    }
}
