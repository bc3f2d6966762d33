//! The types that a parameter, or an element of one, can have: a new type is a word and an arm of
//! each function here.

use serde_json::{Number, Value};

use crate::expression::Type;
use crate::kubernetes::quantity::Quantity;
use crate::kubernetes::schema::FieldType;
use crate::template::word::Word;

/// The type of a parameter, or of the elements of a list or map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ParameterType {
    String,
    /// A whole number of 64 bits.
    Integer,
    /// A finite number.
    Number,
    Boolean,
    /// A Kubernetes resource quantity, text in expressions.
    Quantity,
    /// A duration as Go writes it (`1h30m`, `250ms`), text in expressions.
    Duration,
    /// Several values, from one annotation.
    List,
    /// Several named values, one annotation for each key.
    Map,
}

impl Word for ParameterType {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("string", Self::String),
        ("integer", Self::Integer),
        ("number", Self::Number),
        ("boolean", Self::Boolean),
        ("quantity", Self::Quantity),
        ("duration", Self::Duration),
        ("list", Self::List),
        ("map", Self::Map),
    ];
}

impl ParameterType {
    /// The name that templates use.
    pub(crate) fn name(self) -> &'static str {
        self.word()
    }

    /// The name with its article, as messages put it.
    pub(crate) fn with_article(self) -> String {
        let article = if self == Self::Integer { "an" } else { "a" };
        format!("{article} {}", self.name())
    }

    /// Whether an absent value is empty rather than missing.
    pub(crate) fn has_empty(self) -> bool {
        matches!(self, Self::String | Self::List | Self::Map)
    }

    /// Whether a value is one, not several.
    pub(crate) fn is_scalar(self) -> bool {
        !matches!(self, Self::List | Self::Map)
    }

    /// Whether one value can be above another.
    pub(in crate::template) fn is_ordered(self) -> bool {
        self.is_scalar() && !matches!(self, Self::String | Self::Boolean)
    }

    /// What an annotation should say, in words.
    pub(super) fn wanted(self) -> &'static str {
        match self {
            Self::String => "text",
            Self::Integer => "a whole number, such as 8080",
            Self::Number => "a number, such as 0.5",
            Self::Boolean => "true or false",
            Self::Quantity => "a quantity, such as 500m or 64Mi",
            Self::Duration => "a duration, such as 30s or 1h30m",
            Self::List => "a list",
            Self::Map => "a map",
        }
    }

    /// What expressions see; `items` is the type of the elements.
    pub(super) fn expression_type(self, items: Self) -> Type {
        let element = || Box::new(items.expression_type(Self::String));
        match self {
            Self::String | Self::Quantity | Self::Duration => Type::Text,
            Self::Integer => Type::Integer,
            Self::Number => Type::Number,
            Self::Boolean => Type::Boolean,
            Self::List => Type::List(element()),
            Self::Map => Type::Map(element()),
        }
    }

    /// The type of a field of Kubernetes that takes the same values.
    pub(in crate::template) fn field_type(self, items: Self) -> FieldType {
        let element = || Box::new(items.field_type(Self::String));
        match self {
            Self::String | Self::Duration => FieldType::Text,
            Self::Integer => FieldType::Integer64,
            Self::Number => FieldType::Number,
            Self::Boolean => FieldType::Boolean,
            Self::Quantity => FieldType::Quantity,
            Self::List => FieldType::List(element()),
            Self::Map => FieldType::Map(element()),
        }
    }

    /// Reads the text of an annotation; `None` where it is not of the type, or the type not scalar.
    pub(super) fn parse(self, text: &str) -> Option<Value> {
        let trimmed = text.trim();
        match self {
            Self::String => Some(Value::String(text.to_owned())),
            Self::Integer => trimmed.parse::<i64>().ok().map(Value::from),
            Self::Number => {
                let number = trimmed.parse::<f64>().ok();
                number
                    .and_then(serde_json::Number::from_f64)
                    .map(Value::Number)
            }
            Self::Boolean => trimmed.parse::<bool>().ok().map(Value::Bool),
            Self::Quantity | Self::Duration => Some(Value::String(trimmed.to_owned())),
            Self::List | Self::Map => None,
        }
    }

    /// Whether a value has the JSON type, and the form, of this type.
    pub(super) fn fits(self, value: &Value) -> bool {
        match self {
            Self::String => value.is_string(),
            Self::Integer => value.is_i64(),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::Quantity | Self::Duration => self.magnitude(value).is_some(),
            Self::List => value.is_array(),
            Self::Map => value.is_object(),
        }
    }

    /// The value as a number that ranges are compared by; `None` where it has none.
    pub(super) fn magnitude(self, value: &Value) -> Option<f64> {
        match self {
            Self::Integer | Self::Number => value.as_f64(),
            Self::Quantity => {
                let quantity = value.as_str()?.parse::<Quantity>().ok()?;
                Some(quantity.as_approximate_float())
            }
            Self::Duration => duration_seconds(value.as_str()?),
            Self::String | Self::Boolean | Self::List | Self::Map => None,
        }
    }

    /// A constant of a template as this type: quantities and durations may be written as numbers.
    pub(in crate::template) fn constant(self, written: Value) -> Option<Value> {
        match (self, &written) {
            (Self::Quantity | Self::Duration, Value::Number(number)) => {
                Some(Value::String(number.to_string()))
            }
            (Self::Quantity | Self::Duration, value) => value.is_string().then_some(written),
            (ty, value) => ty.fits(value).then(|| ty.one_form(written)),
        }
    }

    /// A number as a number of expressions, whole ones too: one that is written `1`, or that the API server
    /// stored so, is an integer to JSON, which calculates with no other number.
    pub(super) fn one_form(self, value: Value) -> Value {
        let whole = value.as_i64().filter(|_| self == Self::Number);
        let number = whole.and(value.as_f64()).and_then(Number::from_f64);
        number.map_or(value, Value::Number)
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
