//! Reading the text of an annotation as a value of a declared type.

use serde_json::Value;

use super::{Constraints, ParameterType};
use crate::kubernetes::quantity::Quantity;

/// Why a value is refused, in words that say what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// The text is not of the type.
    #[error("expected {wanted}")]
    WrongType {
        /// What would be right.
        wanted: &'static str,
    },
    /// The value is none of the allowed ones.
    #[error("expected one of: {allowed}")]
    NotOneOf {
        /// The allowed values.
        allowed: String,
    },
    /// The text does not match the pattern.
    #[error("expected text that matches the pattern `{pattern}` as a whole")]
    NotMatching {
        /// The pattern.
        pattern: String,
    },
    /// The text holds a control character and no pattern allows that.
    #[error("control characters, such as a line break, are not allowed here")]
    Control,
    /// The value is below the range.
    #[error("expected at least {minimum}")]
    TooSmall {
        /// The smallest allowed value.
        minimum: String,
    },
    /// The value is above the range.
    #[error("expected at most {maximum}")]
    TooLarge {
        /// The largest allowed value.
        maximum: String,
    },
    /// There are too many elements.
    #[error("{count} elements are more than the {most} that are allowed")]
    TooMany {
        /// How many there are.
        count: u64,
        /// How many may be.
        most: u64,
    },
}

fn wanted(ty: ParameterType) -> ValueError {
    let wanted = match ty {
        ParameterType::String => "text",
        ParameterType::Integer => "a whole number, such as 8080",
        ParameterType::Number => "a number, such as 0.5",
        ParameterType::Boolean => "true or false",
        ParameterType::Quantity => "a quantity, such as 500m or 64Mi",
        ParameterType::Duration => "a duration, such as 30s or 1h30m",
        ParameterType::List => "a list",
        ParameterType::Map => "a map",
    };
    ValueError::WrongType { wanted }
}

/// Reads text as one value that is neither list nor map.
pub(super) fn scalar(
    ty: ParameterType,
    constraints: &Constraints,
    text: &str,
) -> Result<Value, ValueError> {
    let trimmed = text.trim();
    let value = match ty {
        ParameterType::String => Some(Value::String(text.to_owned())),
        ParameterType::Integer => trimmed.parse::<i64>().ok().map(Value::from),
        ParameterType::Number => trimmed
            .parse::<f64>()
            .ok()
            .and_then(serde_json::Number::from_f64)
            .map(Value::Number),
        ParameterType::Boolean => match trimmed {
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            _ => None,
        },
        ParameterType::Quantity | ParameterType::Duration => {
            Some(Value::String(trimmed.to_owned()))
        }
        ParameterType::List | ParameterType::Map => None,
    }
    .ok_or_else(|| wanted(ty))?;
    typed(ty, constraints, &value)?;
    Ok(value)
}

/// Checks a value that has the JSON type of a declared type.
pub(super) fn typed(
    ty: ParameterType,
    constraints: &Constraints,
    value: &Value,
) -> Result<(), ValueError> {
    let fits = match ty {
        ParameterType::String => value.is_string(),
        ParameterType::Integer => value.is_i64(),
        ParameterType::Number => value.is_number(),
        ParameterType::Boolean => value.is_boolean(),
        ParameterType::Quantity | ParameterType::Duration => magnitude(ty, value).is_some(),
        ParameterType::List => value.is_array(),
        ParameterType::Map => value.is_object(),
    };
    if !fits {
        return Err(wanted(ty));
    }
    constraints.check(ty, value)
}

/// The value as a number that ranges are compared by; `None` where it has none.
pub(super) fn magnitude(ty: ParameterType, value: &Value) -> Option<f64> {
    match ty {
        ParameterType::Integer | ParameterType::Number => value.as_f64(),
        ParameterType::Quantity => value
            .as_str()?
            .parse::<Quantity>()
            .ok()
            .map(|q| q.as_approximate_float()),
        ParameterType::Duration => duration_seconds(value.as_str()?),
        _ => None,
    }
}

/// Seconds of a duration as Go's `time.ParseDuration` reads it.
fn duration_seconds(text: &str) -> Option<f64> {
    const UNITS: [(&str, f64); 8] = [
        ("ns", 1e-9),
        ("us", 1e-6),
        ("µs", 1e-6),
        ("μs", 1e-6),
        ("ms", 1e-3),
        ("s", 1.0),
        ("m", 60.0),
        ("h", 3600.0),
    ];
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0.0);
    }
    let mut seconds = None;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(digits);
        let length = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit, next) = tail.split_at(length);
        let (_, scale) = UNITS.iter().find(|(name, _)| *name == unit)?;
        seconds = Some(seconds.unwrap_or(0.0) + number.parse::<f64>().ok()? * scale);
        rest = next;
    }
    seconds.map(|seconds| sign * seconds)
}

#[cfg(test)]
mod tests {
    use super::super::constraint::Pattern;
    use super::super::{Bound, Constraints};
    use super::*;

    #[test]
    fn texts_read_by_their_type() {
        use serde_json::json;
        let free = Constraints::default();
        let table = [
            (ParameterType::String, " a b ", Some(json!(" a b "))),
            (ParameterType::String, "a\nb", None),
            (ParameterType::Integer, "8080", Some(json!(8080))),
            (ParameterType::Integer, " 8080 ", Some(json!(8080))),
            (ParameterType::Integer, "80.0", None),
            (ParameterType::Integer, "99999999999999999999", None),
            (ParameterType::Number, "0.5", Some(json!(0.5))),
            (ParameterType::Number, "NaN", None),
            (ParameterType::Boolean, "true", Some(json!(true))),
            (ParameterType::Boolean, "yes", None),
            (ParameterType::Quantity, "64Mi", Some(json!("64Mi"))),
            (ParameterType::Quantity, "64mi", None),
            (ParameterType::Duration, "1h30m", Some(json!("1h30m"))),
            (ParameterType::Duration, "1.5s", Some(json!("1.5s"))),
            (ParameterType::Duration, "10", None),
            (ParameterType::Duration, "", None),
        ];
        for (ty, text, expected) in table {
            assert_eq!(scalar(ty, &free, text).ok(), expected, "{ty:?} {text:?}");
        }
    }

    #[test]
    fn ranges_compare_by_magnitude_and_patterns_match_the_whole() {
        let range = Constraints {
            minimum: Bound::new(ParameterType::Quantity, &"100m".into()),
            maximum: Bound::new(ParameterType::Quantity, &2.into()),
            ..Constraints::default()
        };
        assert!(scalar(ParameterType::Quantity, &range, "0.5").is_ok());
        let error = scalar(ParameterType::Quantity, &range, "50m").unwrap_err();
        assert_eq!(error.to_string(), "expected at least 100m");
        let error = scalar(ParameterType::Quantity, &range, "2001m").unwrap_err();
        assert_eq!(error.to_string(), "expected at most 2");
        let pattern = Constraints {
            pattern: Pattern::new("[a-z]+|x\n").ok(),
            ..Constraints::default()
        };
        for (text, ok) in [
            ("abc", true),
            ("abc1", false),
            ("x\n", true),
            ("abc\n", false),
        ] {
            assert_eq!(
                scalar(ParameterType::String, &pattern, text).is_ok(),
                ok,
                "{text:?}"
            );
        }
    }
}
