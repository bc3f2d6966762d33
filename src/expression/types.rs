//! What kind of value an expression gives, as far as it can be told before it runs.
//!
//! The API server checks the types of an expression strictly before it runs one. A mistake that
//! it would refuse in an exported policy is refused here too, when the template is loaded.

use std::fmt;

/// The type of a value in an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// Not known before the expression runs (data of the pod, or `dyn(…)`).
    Any,
    Null,
    /// `true` or `false`.
    Boolean,
    /// A signed 64-bit integer (CEL `int`).
    Integer,
    /// A floating point number (CEL `double`).
    Number,
    /// Text (CEL `string`).
    Text,
    /// A Kubernetes resource quantity, made by `quantity(…)`.
    Quantity,
    /// A list of elements of one type.
    List(Box<Self>),
    /// A map from text to values of one type.
    Map(Box<Self>),
    /// A value that may be absent (CEL `optional_type`).
    Optional(Box<Self>),
}

/// How deep a type is known. Variables can put one another into lists without end, and what goes through a type
/// recurses.
const MOST_DEPTH: usize = 32;

impl Type {
    pub(crate) fn list(item: Self) -> Self {
        Self::List(Box::new(item.inside()))
    }

    /// A map from text to `value`.
    pub(crate) fn map(value: Self) -> Self {
        Self::Map(Box::new(value.inside()))
    }

    /// An optional `value`; an optional of an optional stays what it is, as CEL flattens nothing.
    pub(crate) fn optional(value: Self) -> Self {
        Self::Optional(Box::new(value.inside()))
    }

    /// The type as a part of another one; what is deeper is any value.
    fn inside(self) -> Self {
        let mut depth = 0;
        let mut part = &self;
        while let Self::List(inner) | Self::Map(inner) | Self::Optional(inner) = part {
            depth += 1;
            part = inner;
        }
        if depth < MOST_DEPTH { self } else { Self::Any }
    }

    /// Whether a value of this type can be used where `wanted` is asked for.
    pub(crate) fn fits(&self, wanted: &Self) -> bool {
        match (self, wanted) {
            (Self::Any, _) | (_, Self::Any) => true,
            (Self::List(a), Self::List(b))
            | (Self::Map(a), Self::Map(b))
            | (Self::Optional(a), Self::Optional(b)) => a.fits(b),
            (a, b) => a == b,
        }
    }

    /// The type that holds values of both types: the more exact where they fit, else `Any`.
    pub(crate) fn join(&self, other: &Self) -> Self {
        match (self, other) {
            (a, b) if a == b => a.clone(),
            (Self::List(a), Self::List(b)) => Self::list(a.join(b)),
            (Self::Map(a), Self::Map(b)) => Self::map(a.join(b)),
            (Self::Optional(a), Self::Optional(b)) => Self::optional(a.join(b)),
            _ => Self::Any,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any value"),
            Self::Null => f.write_str("null"),
            Self::Boolean => f.write_str("boolean"),
            Self::Integer => f.write_str("integer"),
            Self::Number => f.write_str("number"),
            Self::Text => f.write_str("text"),
            Self::Quantity => f.write_str("quantity"),
            Self::List(item) if **item == Self::Any => f.write_str("list"),
            Self::List(item) => write!(f, "list of {item}"),
            Self::Map(value) if **value == Self::Any => f.write_str("map"),
            Self::Map(value) => write!(f, "map of {value}"),
            Self::Optional(value) => write!(f, "optional {value}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_fits_by_its_elements() {
        assert!(Type::list(Type::Any).fits(&Type::list(Type::Text)));
        assert!(!Type::list(Type::Integer).fits(&Type::list(Type::Text)));
        assert!(!Type::Text.fits(&Type::list(Type::Text)));
    }

    #[test]
    fn joining_two_types_keeps_what_they_share() {
        assert_eq!(Type::Text.join(&Type::Text), Type::Text);
        assert_eq!(Type::Text.join(&Type::Integer), Type::Any);
        assert_eq!(
            Type::list(Type::Text).join(&Type::list(Type::Integer)),
            Type::list(Type::Any)
        );
    }
}
