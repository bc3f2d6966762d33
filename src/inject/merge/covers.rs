//! Whether the user's value is what a template wants, in every field that the template names.

use serde_json::Value;

use crate::inject::keys::{ListMerge, element_key, list_merge};
use crate::template::quantity::Quantity;
use crate::template::schema::{self, FieldType};

/// Whether `theirs` has everything that `want` has. More fields than wanted are others' business:
/// API-server defaults, the ServiceAccount's mount, what other webhooks add.
pub fn covers(theirs: &Value, want: &Value, ty: &FieldType) -> bool {
    match (ty, theirs, want) {
        (FieldType::Quantity, theirs, want) => same_quantity(theirs, want),
        (FieldType::Object(definition), Value::Object(theirs), Value::Object(want)) => {
            want.iter().all(|(name, value)| {
                let Some(field) = schema::field(definition, name) else {
                    return theirs.get(name) == Some(value);
                };
                let theirs = theirs.get(name).unwrap_or(&Value::Null);
                match (&field.ty, theirs, value) {
                    (FieldType::List(element), Value::Array(theirs), Value::Array(want)) => {
                        list_covers(definition, name, element, theirs, want)
                    }
                    (ty, theirs, value) => covers(theirs, value, ty),
                }
            })
        }
        (FieldType::Map(inner), Value::Object(theirs), Value::Object(want)) => want
            .iter()
            .all(|(key, value)| theirs.get(key).is_some_and(|t| covers(t, value, inner))),
        (FieldType::List(element), Value::Array(theirs), Value::Array(want)) => {
            theirs.len() == want.len()
                && theirs
                    .iter()
                    .zip(want)
                    .all(|(theirs, want)| covers(theirs, want, element))
        }
        (_, Value::Null, want) => is_zero(want),
        (_, theirs, want) => theirs == want,
    }
}

fn list_covers(
    definition: &str,
    name: &str,
    element: &FieldType,
    theirs: &[Value],
    want: &[Value],
) -> bool {
    match list_merge(definition, name) {
        ListMerge::ByKeys(keys) => want.iter().all(|want| {
            // A key may stand twice, as with environment variables, of which the last one counts.
            let key = element_key(want, keys);
            theirs
                .iter()
                .filter(|theirs| element_key(theirs, keys) == key)
                .any(|theirs| covers(theirs, want, element))
        }),
        ListMerge::Additive => want
            .iter()
            .all(|want| theirs.iter().any(|theirs| covers(theirs, want, element))),
        ListMerge::Atomic => {
            theirs.len() == want.len()
                && theirs
                    .iter()
                    .zip(want)
                    .all(|(theirs, want)| covers(theirs, want, element))
        }
    }
}

/// `0.5` and `500m` are one amount.
fn same_quantity(theirs: &Value, want: &Value) -> bool {
    let quantity = |value: &Value| match value {
        Value::String(text) => text.parse::<Quantity>().ok(),
        Value::Number(number) => number.to_string().parse::<Quantity>().ok(),
        _ => None,
    };
    theirs == want
        || matches!((quantity(theirs), quantity(want)), (Some(theirs), Some(want)) if theirs == want)
}

/// Whether the API server may drop a value when it writes JSON (`omitempty`), so that its absence
/// says the same.
fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(true) => false,
    }
}
