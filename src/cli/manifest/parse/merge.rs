//! Which value a key has that a map has itself and merges in by `<<`: go-yaml, with which `kubectl`
//! reads, takes the entries of a map one after the other, so that a `<<` behind a key replaces what
//! the key had. YAML's own text, and the parser here, let the map's own key win wherever it stands.

use serde_json::{Map, Value};

/// The key of a merge.
const MERGE: &str = "<<";

/// Whether a key of a merge is in a value in which merges were expanded: one in quotes, which merges
/// nothing.
pub(super) fn is_left(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.contains_key(MERGE) || map.values().any(is_left),
        Value::Array(items) => items.iter().any(is_left),
        _ => false,
    }
}

/// A value that was read with `<<` as a key like others, with its merges expanded as go-yaml does.
pub(super) fn merged(value: Value) -> Value {
    match value {
        Value::Object(entries) => {
            let mut map = Map::new();
            insert(&mut map, entries);
            Value::Object(map)
        }
        Value::Array(items) => items.into_iter().map(merged).collect(),
        other => other,
    }
}

fn insert(map: &mut Map<String, Value>, entries: Map<String, Value>) {
    for (key, value) in entries {
        match value {
            Value::Object(other) if key == MERGE => insert(map, other),
            // Of several maps the first wins.
            Value::Array(others) if key == MERGE => {
                for other in others.into_iter().rev() {
                    if let Value::Object(other) = other {
                        insert(map, other);
                    }
                }
            }
            value => {
                map.insert(key, merged(value));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn entries_are_taken_one_after_the_other() {
        let two = json!([{"a": 1, "b": 1}, {"b": 2, "c": 2}]);
        for (value, expected) in [
            (json!({"a": 1, "<<": {"a": 2}}), json!({"a": 2})),
            (json!({"<<": {"a": 2}, "a": 1}), json!({"a": 1})),
            (json!({"<<": two, "c": 3}), json!({"a": 1, "b": 1, "c": 3})),
            (
                json!({"a": 1, "<<": {"a": 2, "<<": {"a": 3}}}),
                json!({"a": 3}),
            ),
            (
                json!([{"a": {"b": 1, "<<": {"b": {"<<": {"c": 2}}}}}]),
                json!([{"a": {"b": {"c": 2}}}]),
            ),
        ] {
            assert_eq!(merged(value.clone()), expected, "{value}");
        }
        assert!(is_left(&json!([{"a": {"<<": 1}}])));
        assert!(!is_left(&json!([{"a": "<<"}])));
    }
}
