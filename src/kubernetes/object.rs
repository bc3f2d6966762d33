//! An object of the API as its fields, wherever they are kept; values as texts and as the API stores
//! them, and short digests of data.

use serde_json::{Map, Value};

use super::element_digest;

/// Characters of a digest.
pub const DIGEST_LENGTH: usize = 12;

/// An object whose fields can be asked for.
pub(crate) trait ReadObject {
    fn get(&self, name: &str) -> Option<&Value>;

    /// Shows the fields, in their order.
    fn each<'o>(&'o self, visit: &mut dyn FnMut(&'o str, &'o Value));

    /// Whether there is such a field.
    fn contains_key(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
}

impl ReadObject for Map<String, Value> {
    fn get(&self, name: &str) -> Option<&Value> {
        self.get(name)
    }

    fn each<'o>(&'o self, visit: &mut dyn FnMut(&'o str, &'o Value)) {
        self.iter().for_each(|(name, value)| visit(name, value));
    }
}

/// The items of the list at a JSON pointer; none where no list stands there.
pub(crate) fn list_at<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    let list = value.pointer(pointer).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

/// A text as it is, and the JSON of another value.
pub(crate) fn text_or_json(value: &Value) -> String {
    let text = value.as_str().map(str::to_owned);
    text.unwrap_or_else(|| value.to_string())
}

/// Below this every whole number that JSON's floating point has is exact: 2^53.
const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;

/// Makes whole floats (`1.0`, `1e3`) integers, at any depth.
pub(crate) fn make_integers(value: &mut Value) {
    match value {
        Value::Number(number) => {
            #[expect(clippy::cast_possible_truncation, reason = "it is whole and in range")]
            if number.is_f64()
                && let Some(whole) = number.as_f64()
                && whole.fract() == 0.0
                && whole.abs() < LARGEST_EXACT
            {
                *number = (whole as i64).into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(make_integers),
        Value::Object(fields) => fields.values_mut().for_each(make_integers),
        _ => {}
    }
}

/// A digest of data: FNV-1a of 64 bits over the JSON with sorted keys. It names revisions and
/// elements; nothing trusts it.
pub fn digest(value: &Value) -> String {
    let mut sorted = value.clone();
    sorted.sort_all_objects();
    let digest = element_digest::displayed(&sorted);
    format!("{digest:016x}")
        .chars()
        .take(DIGEST_LENGTH)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_order_of_keys_does_not_matter_and_content_does() {
        let one = digest(&json!({"a": 1, "b": {"c": [1], "d": 2}}));
        assert_eq!(one, digest(&json!({"b": {"d": 2, "c": [1]}, "a": 1})));
        assert_ne!(one, digest(&json!({"a": 1, "b": {"c": [2], "d": 2}})));
        assert_eq!(one.len(), DIGEST_LENGTH);
    }

    #[test]
    fn whole_floats_become_integers_where_they_are_exact() {
        let mut value = json!({"a": [5.0, -0.0, 1.5], "b": 9_007_199_254_740_991.0, "c": 1e16});
        make_integers(&mut value);
        let integers = json!({"a": [5, 0, 1.5], "b": 9_007_199_254_740_991_i64, "c": 1e16});
        assert_eq!(value, integers);
    }
}
