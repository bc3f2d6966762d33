//! What a manifest says and what it leaves out.

use serde_json::Value;

/// Takes out empty lists, maps and nulls: as data they are absent.
pub(crate) fn without_empty(value: &mut Value) {
    let is_empty = |value: &Value| match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    };
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(without_empty);
            fields.retain(|_, field| !is_empty(field));
        }
        Value::Array(items) => items.iter_mut().for_each(without_empty),
        _ => {}
    }
}
