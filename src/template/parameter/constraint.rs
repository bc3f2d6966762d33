//! What a parameter's value must be: `enum`, `pattern`, `minimum`, `maximum`.

use std::borrow::Cow;

use serde_json::Value;

use super::{ParameterType, ValueError};
use crate::expression::{self, Budget, PatternAllowance, RegularExpressionError};
use crate::template::fragment::scalar_text;

/// Bytes that a compiled pattern may take: a pattern is a template author's, but a tenant's too.
const PATTERN_SIZE_LIMIT: usize = 1 << 18;

/// The constraints of one parameter; for a list or map they are those of each element.
#[derive(Debug, Clone, Default)]
pub(crate) struct Constraints {
    /// The values that are allowed; empty: any.
    pub(crate) one_of: Vec<Value>,
    /// What the whole text must match.
    pub(crate) pattern: Option<Pattern>,
    pub(crate) minimum: Option<Bound>,
    pub(crate) maximum: Option<Bound>,
}

/// A regular expression of RE2 for the whole of a text, as `matches` takes it.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    source: String,
    hint: Option<String>,
    regex: expression::Pattern,
}

impl Pattern {
    /// Compiles a pattern, which takes its part of its template's allowance; it is anchored at both
    /// ends.
    pub(crate) fn new(
        source: &str,
        hint: Option<&str>,
        allowance: &PatternAllowance,
    ) -> Result<Self, RegularExpressionError> {
        let anchored = format!("^(?:{source})$");
        let regex = expression::Pattern::compile(&anchored, PATTERN_SIZE_LIMIT, allowance)?;
        Ok(Self {
            source: source.to_owned(),
            hint: hint.map(str::to_owned),
            regex,
        })
    }

    /// The pattern as its author wrote it.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// The pattern in words, where its author put it so.
    pub(crate) fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

/// An end of a range, as written and as compared.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bound {
    written: String,
    magnitude: f64,
}

impl Bound {
    /// The bound as its author wrote it.
    pub(crate) fn written(&self) -> &str {
        &self.written
    }

    /// Reads a bound in the type that it limits.
    pub(crate) fn new(ty: ParameterType, written: &Value) -> Option<Self> {
        let text = match written {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        Some(Self {
            magnitude: ty.magnitude(&ty.constant(written.clone())?)?,
            written: text,
        })
    }
}

impl Constraints {
    /// Whether no value lies between the ends of the range.
    pub(crate) fn is_empty_range(&self) -> bool {
        matches!((&self.minimum, &self.maximum),
            (Some(minimum), Some(maximum)) if minimum.magnitude > maximum.magnitude)
    }

    /// Checks that a value has the declared type and is allowed.
    pub(crate) fn check_typed(
        &self,
        ty: ParameterType,
        value: &Value,
        budget: &Budget<'_>,
    ) -> Result<(), ValueError> {
        super::value::typed(ty, self, value, budget)
    }

    /// Checks one value of the declared type.
    pub(crate) fn check(
        &self,
        ty: ParameterType,
        value: &Value,
        budget: &Budget<'_>,
    ) -> Result<(), ValueError> {
        // A whole number is the same however it is written.
        let number = value.as_f64().filter(|_| ty == ParameterType::Number);
        let is_it =
            |allowed: &Value| allowed == value || (number.is_some() && allowed.as_f64() == number);
        if !self.one_of.is_empty() && !self.one_of.iter().any(is_it) {
            let allowed = self.one_of.iter().map(plain).collect::<Vec<_>>().join(", ");
            return Err(ValueError::NotOneOf { allowed });
        }
        if let Value::String(text) = value {
            match &self.pattern {
                Some(pattern) if !pattern.regex.is_match(text, budget)? => {
                    return Err(ValueError::NotMatching {
                        pattern: pattern.source.clone(),
                        hint: pattern.hint.clone(),
                    });
                }
                None if text.chars().any(char::is_control) => return Err(ValueError::Control),
                _ => {}
            }
        }
        self.check_range(ty, value)
    }

    fn check_range(&self, ty: ParameterType, value: &Value) -> Result<(), ValueError> {
        let Some(at) = ty.magnitude(value) else {
            return Ok(());
        };
        match (&self.minimum, &self.maximum) {
            (Some(minimum), _) if at < minimum.magnitude => Err(ValueError::TooSmall {
                minimum: minimum.written.clone(),
            }),
            (_, Some(maximum)) if at > maximum.magnitude => Err(ValueError::TooLarge {
                maximum: maximum.written.clone(),
            }),
            _ => Ok(()),
        }
    }
}

fn plain(value: &Value) -> String {
    scalar_text(value).map_or_else(|| value.to_string(), Cow::into_owned)
}
