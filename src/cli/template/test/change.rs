//! Places of a value: written by their pointers, and found by comparing two values.

use serde_json::{Map, Value};

use super::expectation::Pointer;
use crate::inject::patch::{escape, unescape};

/// Writes a value to a place; `null` takes away what is there. Maps on the way are made where they
/// are missing, and a list is made longer by an index that is its length.
pub(super) fn write(root: &mut Value, pointer: &Pointer, value: Value) -> Result<(), String> {
    let Pointer(pointer) = pointer;
    let mut keys: Vec<String> = pointer
        .split('/')
        .skip(1)
        .map(|key| unescape(key).into_owned())
        .collect();
    let last = keys.pop().unwrap_or_default();
    let mut at = root;
    for key in &keys {
        at = child(at, key).ok_or_else(|| format!("there is no place `{pointer}`"))?;
    }
    put(at, &last, value).ok_or_else(|| format!("there is no place `{pointer}`"))
}

fn child<'v>(at: &'v mut Value, key: &str) -> Option<&'v mut Value> {
    if at.is_null() {
        *at = Value::Object(Map::new());
    }
    match at {
        Value::Object(fields) => Some(fields.entry(key).or_insert(Value::Null)),
        Value::Array(items) => items.get_mut(key.parse::<usize>().ok()?),
        _ => None,
    }
}

fn put(at: &mut Value, key: &str, value: Value) -> Option<()> {
    if at.is_null() {
        *at = Value::Object(Map::new());
    }
    match at {
        Value::Object(fields) if value.is_null() => {
            fields.shift_remove(key);
        }
        Value::Object(fields) => {
            fields.insert(key.to_owned(), value);
        }
        Value::Array(items) => {
            let index = key.parse::<usize>().ok()?;
            if value.is_null() {
                (index < items.len()).then(|| items.remove(index))?;
            } else if index == items.len() {
                items.push(value);
            } else {
                *items.get_mut(index)? = value;
            }
        }
        _ => return None,
    }
    Some(())
}

/// The places at which `to` is another value than `from`: [writing](write) them in this order to the
/// one gives the other.
pub(super) fn differences(from: &Value, to: &Value) -> Vec<(Pointer, Value)> {
    let mut places = Vec::new();
    compare("", from, to, &mut places);
    places
}

fn compare(place: &str, from: &Value, to: &Value, places: &mut Vec<(Pointer, Value)>) {
    match (from, to) {
        _ if from == to => {}
        (Value::Object(before), Value::Object(after)) => {
            for (key, value) in after {
                let place = format!("{place}/{}", escape(key));
                match before.get(key) {
                    Some(before) => compare(&place, before, value, places),
                    None => places.push((Pointer(place), value.clone())),
                }
            }
            let gone = before.keys().filter(|key| !after.contains_key(*key));
            places
                .extend(gone.map(|key| (Pointer(format!("{place}/{}", escape(key))), Value::Null)));
        }
        (Value::Array(before), Value::Array(after)) if before.len() <= after.len() => {
            for (index, value) in after.iter().enumerate() {
                let place = format!("{place}/{index}");
                match before.get(index) {
                    Some(before) => compare(&place, before, value, places),
                    None => places.push((Pointer(place), value.clone())),
                }
            }
        }
        _ => places.push((Pointer(place.to_owned()), to.clone())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(root: &Value, pointer: &str, value: Value) -> Result<Value, String> {
        let mut root = root.clone();
        write(&mut root, &Pointer(pointer.to_owned()), value)?;
        Ok(root)
    }

    #[test]
    fn a_place_is_written_added_and_taken_away() {
        let root = json!({"a": {"b/c": 1}, "list": [1, 2]});
        for (pointer, value, expected) in [
            (
                "/a/b~1c",
                json!(2),
                json!({"a": {"b/c": 2}, "list": [1, 2]}),
            ),
            ("/a/b~1c", Value::Null, json!({"a": {}, "list": [1, 2]})),
            (
                "/list/1",
                json!(3),
                json!({"a": {"b/c": 1}, "list": [1, 3]}),
            ),
            (
                "/list/2",
                json!(3),
                json!({"a": {"b/c": 1}, "list": [1, 2, 3]}),
            ),
            (
                "/list/0",
                Value::Null,
                json!({"a": {"b/c": 1}, "list": [2]}),
            ),
            (
                "/x/y/z",
                json!(0),
                json!({"a": {"b/c": 1}, "list": [1, 2], "x": {"y": {"z": 0}}}),
            ),
        ] {
            assert_eq!(written(&root, pointer, value), Ok(expected), "{pointer}");
        }
        for pointer in ["/list/3", "/list/x", "/a/b~1c/d", "/list/2/a"] {
            let told = written(&root, pointer, json!(0)).unwrap_err();
            assert!(told.contains(pointer), "{told}");
        }
        assert!(written(&root, "/list/2", Value::Null).is_err());
    }

    #[test]
    fn what_differs_written_to_the_one_gives_the_other() {
        let values = [
            json!({"a": [1, {"b": 2}], "c/d": "x", "e": null}),
            json!({"a": [1, {"b": 3}, 4], "c/d": "x", "e": {"f~": 1}}),
            json!({"a": [{"b": 2}], "e": {"f~": 2}}),
            json!({}),
        ];
        for from in &values {
            for to in &values {
                let mut root = from.clone();
                for (pointer, value) in differences(from, to) {
                    write(&mut root, &pointer, value).unwrap();
                }
                let mut to = to.clone();
                // A key without a value is one that is not there.
                to.as_object_mut()
                    .unwrap()
                    .retain(|_, value| !value.is_null());
                root.as_object_mut()
                    .unwrap()
                    .retain(|_, value| !value.is_null());
                assert_eq!(root, to, "{from}");
            }
        }
    }
}
