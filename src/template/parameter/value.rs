//! Reading the text of an annotation as a value of a declared type.

use serde_json::Value;

use super::{Constraints, ParameterType};
use crate::expression::{Budget, Exhausted};

/// Why a value is refused, in words that say what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ValueError {
    /// The text is not of the type.
    #[error("expected {wanted}")]
    WrongType {
        /// What would be right.
        wanted: &'static str,
    },
    /// The value is none of the allowed ones.
    #[error("expected one of: {allowed}")]
    NotOneOf { allowed: String },
    /// The text does not match the pattern.
    #[error("{}", not_matching(.pattern, .hint.as_deref()))]
    NotMatching {
        pattern: String,
        /// The pattern in words, where its author put it so.
        hint: Option<String>,
    },
    /// The text holds a control character and no pattern allows that.
    #[error(
        "control characters, such as a line break, are allowed only where the template's `pattern` \
         admits them"
    )]
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
    /// Patterns take too long to match.
    #[error("{0}")]
    BudgetExceeded(#[from] Exhausted),
    /// There are too many elements.
    #[error("{count} elements are more than the {most} that are allowed")]
    TooMany {
        /// How many there are.
        count: u64,
        /// How many may be.
        most: u64,
    },
}

fn not_matching(pattern: &str, hint: Option<&str>) -> String {
    match hint {
        Some(hint) => format!("expected {hint}"),
        None => format!("expected text that matches the pattern `{pattern}` as a whole"),
    }
}

/// Reads text as one value that is neither list nor map.
pub(super) fn scalar(
    ty: ParameterType,
    constraints: &Constraints,
    text: &str,
    budget: &Budget<'_>,
) -> Result<Value, ValueError> {
    let value = ty.parse(text).ok_or_else(|| ValueError::WrongType {
        wanted: ty.wanted(),
    })?;
    typed(ty, constraints, &value, budget)?;
    Ok(value)
}

/// Checks a value that has the JSON type of a declared type.
pub(super) fn typed(
    ty: ParameterType,
    constraints: &Constraints,
    value: &Value,
    budget: &Budget<'_>,
) -> Result<(), ValueError> {
    if !ty.fits(value) {
        return Err(ValueError::WrongType {
            wanted: ty.wanted(),
        });
    }
    constraints.check(ty, value, budget)
}

#[cfg(test)]
mod tests {
    use super::super::constraint::Pattern;
    use super::super::{Bound, Constraints};
    use super::*;
    use crate::expression::PatternAllowance;

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
            assert_eq!(
                scalar(ty, &free, text, &Budget::new()).ok(),
                expected,
                "{ty:?} {text:?}"
            );
        }
    }

    #[test]
    fn ranges_compare_by_magnitude_and_patterns_match_the_whole() {
        let range = Constraints {
            minimum: Bound::new(ParameterType::Quantity, &"100m".into()),
            maximum: Bound::new(ParameterType::Quantity, &2.into()),
            ..Constraints::default()
        };
        let budget = Budget::new();
        let quantity = |text| scalar(ParameterType::Quantity, &range, text, &budget);
        assert!(quantity("0.5").is_ok());
        let error = quantity("50m").unwrap_err();
        assert_eq!(error.to_string(), "expected at least 100m");
        let error = quantity("2001m").unwrap_err();
        assert_eq!(error.to_string(), "expected at most 2");
        let pattern = Constraints {
            pattern: Pattern::new("[a-z]+|x\n", None, &PatternAllowance::default()).ok(),
            ..Constraints::default()
        };
        for (text, ok) in [
            ("abc", true),
            ("abc1", false),
            ("x\n", true),
            ("abc\n", false),
        ] {
            assert_eq!(
                scalar(ParameterType::String, &pattern, text, &budget).is_ok(),
                ok,
                "{text:?}"
            );
        }
    }
}
