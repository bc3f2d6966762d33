//! Whether the user's value is what a template wants, in every field that the template names.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::kubernetes::defaults::{nothing_says, says_nothing};
use crate::kubernetes::merge_keys::{ListMerge, by_key, list_merge};
use crate::kubernetes::paths;
use crate::kubernetes::quantity::Quantity;
use crate::kubernetes::schema::{self, FieldType};

/// Whether `theirs` has everything that `want` has. More fields than wanted are others' business:
/// API-server defaults, the ServiceAccount's mount, what other webhooks add.
pub(crate) fn covers(theirs: &Value, want: &Value, ty: &FieldType) -> bool {
    match (ty, theirs, want) {
        (ty, Value::Null, want) => nothing_says(ty, want),
        (FieldType::Quantity, theirs, want) => same_quantity(theirs, want),
        (FieldType::Object(definition), Value::Object(object), Value::Object(want)) => {
            want.iter().all(|(name, value)| {
                let theirs = object.get(name);
                let Some(field) = schema::field(definition, name) else {
                    return theirs == Some(value);
                };
                // They may have written the default, or nothing, and so may the template.
                let is_silent = |value, object: &Map<String, Value>| {
                    says_nothing(definition, name, field, value, |name| object.get(name))
                };
                if theirs.is_none_or(|theirs| is_silent(theirs, object)) && is_silent(value, want) {
                    return true;
                }
                let Some(theirs) = theirs.filter(|theirs| !theirs.is_null()) else {
                    return false;
                };
                if let ("mountPath", Value::String(theirs), Value::String(value)) =
                    (name.as_str(), theirs, value)
                {
                    return paths::is_same(theirs, value);
                }
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
            each_covers(theirs, want, element)
        }
        (_, theirs, want) => theirs == want,
    }
}

/// Whether each element of one list has what the wanted one in its place has.
fn each_covers(theirs: &[Value], want: &[Value], element: &FieldType) -> bool {
    theirs.len() == want.len()
        && theirs
            .iter()
            .zip(want)
            .all(|(theirs, want)| covers(theirs, want, element))
}

fn list_covers(
    definition: &str,
    name: &str,
    element: &FieldType,
    theirs: &[Value],
    want: &[Value],
) -> bool {
    match list_merge(definition, name) {
        ListMerge::ByKeys(keys) => {
            let keyed = |items| by_key(items, |item| item, keys);
            let theirs: HashMap<Cow<'_, str>, &Value> = keyed(theirs).into_iter().collect();
            keyed(want).iter().all(|(key, want)| {
                let found = theirs.get(key);
                found.is_some_and(|theirs| covers(theirs, want, element))
            })
        }
        ListMerge::Additive | ListMerge::AdditiveInFront => want
            .iter()
            .all(|want| theirs.iter().any(|theirs| covers(theirs, want, element))),
        ListMerge::Atomic => each_covers(theirs, want, element),
    }
}

/// `0.5` and `500m` are one amount.
fn same_quantity(theirs: &Value, want: &Value) -> bool {
    let theirs_read = Quantity::in_field(theirs);
    theirs == want || (theirs_read.is_some() && theirs_read == Quantity::in_field(want))
}
