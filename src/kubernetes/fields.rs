//! What the API says of single fields beyond their types: one row a field.
//!
//! Sources: `+listType` and `+listMapKey` of api:core/v1/types.go, k8s:pkg/apis/core/v1/defaults.go,
//! k8s:pkg/apis/core/validation/validation.go; tried on a real API server. Where versions of
//! Kubernetes differ, the strictest supported one (1.30) decides. A field without a row takes every
//! value of its type, has no default, and as a list is atomic.

mod rows;

use serde_json::{Value, json};

use super::names::Spelling;
use super::quantity::Quantity;
pub(super) use rows::FIELDS;
pub(super) use rows::LAST_MODE;

/// What the API says of one field.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one thing that the API says of the field, or does not"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FieldFacts {
    /// The API type that has the field.
    pub(crate) definition: &'static str,
    pub(crate) name: &'static str,
    /// The fields that identify an element of a list. Where these and the strategic-merge keys differ
    /// (ports, topology spread constraints) the map keys are right: by `containerPort` alone, 53/TCP
    /// and 53/UDP would be one port.
    pub(crate) keys: &'static [&'static str],
    /// The API calls the list atomic, but its elements add up: a pod tolerates what any of its
    /// tolerations names.
    pub(crate) is_additive: bool,
    /// Likewise, and a later element wins over an earlier one: of two sources with one variable the
    /// user's is taken where ours stand in front.
    pub(crate) is_additive_in_front: bool,
    /// The default that the API server fills in, where it does not depend on other fields.
    pub(crate) default: Option<DefaultValue>,
    /// The only words that the field, or each element of the list, takes.
    pub(crate) words: &'static [&'static str],
    /// The smallest and the largest number that the field, or each element of the list, takes.
    pub(crate) range: Option<(i64, i64)>,
    /// How the text, or each text of the list, is spelled where it is not empty.
    pub(crate) spelling: Option<Spelling>,
    /// The text, and each text of the list, must not be empty although the field's type would allow it.
    pub(crate) is_never_empty: bool,
    /// The API server drops the field where it is zero, `false` or `{}`: it is no pointer in its
    /// types, and `omitempty`. Of all others absence says something else than zero.
    pub(crate) zero_is_absent: bool,
    /// The API server keeps the text where it is empty, and that says something else than absence: it is a
    /// pointer in its types. Of all other texts absence says the same.
    pub(crate) keeps_empty: bool,
    /// The API server drops the field unless a feature gate is on, which is off by default in every
    /// version: that it is not there tells nothing of who wanted what.
    pub(crate) is_gated: bool,
    /// Templates may set the field in an app container where the user has nothing.
    pub(crate) is_for_app: bool,
    /// Templates may set the field of the pod: it was proven on a real API server.
    pub(crate) is_for_pod: bool,
}

/// A default of the API server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DefaultValue {
    Text(&'static str),
    Number(i64),
    True,
    False,
    EmptyObject,
    /// Of a quantity, which the API server writes as `0` where there is none.
    ZeroQuantity,
}

impl DefaultValue {
    pub(crate) fn to_value(self) -> Value {
        match self {
            Self::Text(text) => text.into(),
            Self::Number(number) => number.into(),
            Self::True => true.into(),
            Self::False => false.into(),
            Self::EmptyObject => json!({}),
            Self::ZeroQuantity => "0".into(),
        }
    }

    /// Whether a value is the default.
    pub(crate) fn is(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Text(default), Value::String(text)) => default == text,
            (Self::Number(default), Value::Number(number)) => number.as_i64() == Some(default),
            (Self::True, Value::Bool(value)) => *value,
            (Self::False, Value::Bool(value)) => !value,
            (Self::EmptyObject, Value::Object(fields)) => fields.is_empty(),
            (Self::ZeroQuantity, value) => {
                Quantity::in_field(value).is_some_and(|quantity| quantity.sign() == 0)
            }
            _ => false,
        }
    }
}

impl FieldFacts {
    /// Whether it says what a value may be, and not only how it is merged or filled in.
    pub(crate) fn judges(&self) -> bool {
        let texts = self.is_never_empty || self.spelling.is_some() || !self.words.is_empty();
        texts || self.range.is_some()
    }

    const fn keys(mut self, keys: &'static [&'static str]) -> Self {
        self.keys = keys;
        self
    }

    const fn additive(mut self) -> Self {
        self.is_additive = true;
        self
    }

    const fn additive_in_front(mut self) -> Self {
        self.is_additive_in_front = true;
        self
    }

    const fn default(mut self, default: DefaultValue) -> Self {
        self.default = Some(default);
        self
    }

    const fn words(mut self, words: &'static [&'static str]) -> Self {
        self.words = words;
        self
    }

    const fn range(mut self, least: i64, most: i64) -> Self {
        self.range = Some((least, most));
        self
    }

    const fn spelled(mut self, spelling: Spelling) -> Self {
        self.spelling = Some(spelling);
        self
    }

    const fn never_empty(mut self) -> Self {
        self.is_never_empty = true;
        self
    }

    const fn zero_is_absent(mut self) -> Self {
        self.zero_is_absent = true;
        self
    }

    const fn keeps_empty(mut self) -> Self {
        self.keeps_empty = true;
        self
    }

    const fn gated(mut self) -> Self {
        self.is_gated = true;
        self
    }

    const fn for_app(mut self) -> Self {
        self.is_for_app = true;
        self
    }

    const fn for_pod(mut self) -> Self {
        self.is_for_pod = true;
        self
    }
}

const fn field(definition: &'static str, name: &'static str) -> FieldFacts {
    FieldFacts {
        definition,
        name,
        keys: &[],
        is_additive: false,
        is_additive_in_front: false,
        default: None,
        words: &[],
        range: None,
        spelling: None,
        is_never_empty: false,
        zero_is_absent: false,
        keeps_empty: false,
        is_gated: false,
        is_for_app: false,
        is_for_pod: false,
    }
}

/// The fields of an app container that templates may set where the user has nothing, by name.
pub(crate) fn for_app() -> Vec<&'static str> {
    sorted(|facts| facts.is_for_app)
}

/// The fields of the pod that templates may set, by name.
pub(crate) fn for_pod() -> Vec<&'static str> {
    sorted(|facts| facts.is_for_pod)
}

/// Whether templates may set this field of the pod.
pub(crate) fn is_for_pod(name: &str) -> bool {
    let mut of_pod = FIELDS.iter().filter(|facts| facts.is_for_pod);
    of_pod.any(|facts| facts.name == name)
}

/// Whether a volume of this source is one whose files no container writes.
pub(crate) fn is_read_only_volume(source: &str) -> bool {
    matches!(
        source,
        "configMap" | "downwardAPI" | "image" | "projected" | "secret"
    )
}

fn sorted(is_wanted: fn(&FieldFacts) -> bool) -> Vec<&'static str> {
    let mut names: Vec<_> = FIELDS
        .iter()
        .filter(|facts| is_wanted(facts))
        .map(|facts| facts.name)
        .collect();
    names.sort_unstable();
    names
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::DefaultValue::{EmptyObject, False, Number, Text, True, ZeroQuantity};
    use super::*;
    use crate::kubernetes::schema::{self, FieldType};

    #[test]
    fn every_row_is_about_a_field_of_the_schema_and_its_type() {
        let mut seen = BTreeSet::new();
        for facts in FIELDS {
            let place = format!("{}.{}", facts.definition, facts.name);
            let field = schema::field(facts.definition, facts.name);
            let ty = &field.unwrap_or_else(|| panic!("no field {place}")).ty;
            assert!(seen.insert(place.clone()), "two rows for {place}");
            let texts = FieldType::List(Box::new(FieldType::Text));
            let judges_texts =
                !facts.words.is_empty() || facts.is_never_empty || facts.spelling.is_some();
            assert!(
                !judges_texts || *ty == FieldType::Text || *ty == texts,
                "{place}"
            );
            for key in facts.keys {
                let FieldType::List(element) = ty else {
                    panic!("{place} is no list");
                };
                let FieldType::Object(element) = element.as_ref() else {
                    panic!("{place} holds no objects");
                };
                assert!(schema::field(element, key).is_some(), "{element}.{key}");
            }
            let default_fits = matches!(
                (facts.default, ty),
                (None, _)
                    | (Some(Text(_)), FieldType::Text)
                    | (Some(Number(_)), FieldType::Integer32 | FieldType::Integer64)
                    | (Some(True | False), FieldType::Boolean)
                    | (Some(ZeroQuantity), FieldType::Quantity)
                    | (Some(EmptyObject), FieldType::Object(_))
            );
            assert!(default_fits, "{place}");
        }
    }
}
