//! Text to values, as `kubectl` reads it.
//!
//! YAML: `0644` is octal (so that `defaultMode` means what it says), `1e3` is the integer 1000, and a plain
//! `no` is a boolean, so that `value: no` is told as what kubectl would have the API server refuse. What could
//! only be read as something else is an error: a duplicate key, and a number that no float can hold (the start
//! of a commit, `12e45678`). Anchors and merges are expanded within the parser's budgets against bombs; which
//! of two values a merge leaves, [`merge`] says. JSON: several documents may follow each other, and here too a
//! duplicate key is an error instead of one of the two being lost.

mod merge;

use std::fmt;

use serde::de::{
    Deserialize, DeserializeOwned, Deserializer, Error as _, MapAccess, SeqAccess, Visitor,
};
use serde_json::{Map, Number, Value};
use serde_saphyr::{MergeKeyPolicy, UserMessageFormatter};

use crate::kubernetes::kubectl_yaml;
use crate::kubernetes::object::make_integers;

/// Where and why a text could not be read; lines and columns count from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) line: u64,
    pub(super) column: u64,
    pub(super) message: String,
}

/// How many events, and so nodes, one document may have: `kubectl get pods -A -o yaml` of a cluster
/// writes a single List, with about 170 for each pod. Aliases are bounded by themselves.
const MAX_EVENTS: usize = 40_000_000;

/// How many bytes of text one document may hold.
const MAX_SCALAR_BYTES: usize = 1 << 30;

/// The value of one YAML document; `null` where it has none.
pub(super) fn yaml(text: &str) -> Result<Value, Fault> {
    let mut value = with_merges(text, Words::Texts)?;
    if has_word(&value) {
        with_booleans(&mut value, &with_merges(text, Words::Booleans)?);
    }
    // kubectl sends whole floats as integers, and integer fields take no other form.
    make_integers(&mut value);
    Ok(value)
}

/// How the words of YAML 1.1 for booleans are read, in whatever case; `true` and `false` are booleans.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Words {
    Texts,
    /// Where they stand without quotes.
    Booleans,
}

fn with_merges(text: &str, words: Words) -> Result<Value, Fault> {
    let value: Value = read(text, MergeKeyPolicy::Merge, words)?;
    if text.contains("<<") && !merge::is_left(&value) {
        // Equal maps may differ in their order: the one that was read first is as written. Two `<<` in
        // one map are refused here, as what kubectl makes of them is read by neither.
        let merged = merge::merged(read(text, MergeKeyPolicy::AsOrdinary, words)?);
        if merged != value {
            return Ok(merged);
        }
    }
    Ok(value)
}

/// Whether one of those words is a text of a value.
fn has_word(value: &Value) -> bool {
    match value {
        Value::String(text) => kubectl_yaml::is_boolean(text),
        Value::Array(elements) => elements.iter().any(has_word),
        Value::Object(map) => map.values().any(has_word),
        _ => false,
    }
}

/// Makes the words booleans that another reading of the same text has as such: those without quotes. In
/// another case (`yEs`) they are texts to kubectl.
fn with_booleans(value: &mut Value, other: &Value) {
    match (&mut *value, other) {
        (Value::String(word), Value::Bool(_)) if kubectl_yaml::is_boolean(word) => {
            *value = other.clone();
        }
        (Value::Array(elements), Value::Array(others)) => {
            for (element, other) in elements.iter_mut().zip(others) {
                with_booleans(element, other);
            }
        }
        (Value::Object(map), Value::Object(others)) => {
            for (key, value) in map {
                if let Some(other) = others.get(key) {
                    with_booleans(value, other);
                }
            }
        }
        _ => {}
    }
}

/// One YAML document as a type, whose errors have a place too.
pub(super) fn typed<T: DeserializeOwned>(text: &str) -> Result<T, Fault> {
    read(text, MergeKeyPolicy::Merge, Words::Texts)
}

fn read<T: DeserializeOwned>(
    text: &str,
    merge_keys: MergeKeyPolicy,
    words: Words,
) -> Result<T, Fault> {
    let options = serde_saphyr::options! {
        merge_keys: merge_keys,
        legacy_octal_numbers: true,
        strict_booleans: words == Words::Texts,
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_events: MAX_EVENTS,
            max_nodes: MAX_EVENTS,
            max_total_scalar_bytes: MAX_SCALAR_BYTES,
        },
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let place = error.location();
        let message = match error.without_snippet() {
            serde_saphyr::Error::NonFiniteFloat { .. } => {
                "no number can hold this value; put it in quotes".to_owned()
            }
            other => without_place(&other.render_with_formatter(&UserMessageFormatter)),
        };
        Fault {
            line: place.map_or(1, |place| place.line()),
            column: place.map_or(1, |place| place.column()),
            message,
        }
    })
}

/// A parser's sentence without the ` at line 1 column 2` that is told apart.
fn without_place(message: &str) -> String {
    match message.split_once(" at line ") {
        Some((sentence, _)) => sentence.to_owned(),
        None => message.to_owned(),
    }
}

/// The values of a stream of JSON documents, each with the offset of its end; or the number of
/// documents that could be read before the one that is at fault.
pub(super) fn json(text: &str) -> Result<Vec<(Value, usize)>, (usize, Fault)> {
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<Unique>();
    let mut documents = Vec::new();
    while let Some(next) = stream.next() {
        let Unique(value) = next.map_err(|error| {
            let fault = Fault {
                line: error.line() as u64,
                column: error.column() as u64,
                message: without_place(&error.to_string()),
            };
            (documents.len(), fault)
        })?;
        documents.push((value, stream.byte_offset()));
    }
    Ok(documents)
}

/// A JSON value in which no key is duplicate.
struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueVisitor).map(Unique)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Unique(element)) = elements.next_element()? {
            list.push(element);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if map.contains_key(&key) {
                return Err(A::Error::custom(format_args!("duplicate key {key:?}")));
            }
            let Unique(value) = entries.next_value()?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn yaml_is_read_as_kubectl_reads_it() {
        let table = [
            ("mode: 0644", json!({"mode": 420})),
            ("mode: 0o644", json!({"mode": 420})),
            (
                "[no, Y, 'no', \"y\", !!str on, oN, yEs, no way, {off: OFF}]",
                json!([false, true, "no", "y", "on", "oN", "yEs", "no way", {"off": false}]),
            ),
            (
                "a: &x {b: n}\nc: {<<: *x, e: Y}\nd: |-\n  on",
                json!({"a": {"b": false}, "c": {"b": false, "e": true}, "d": "on"}),
            ),
            ("value: \"0644\"", json!({"value": "0644"})),
            ("big: 18446744073709551615", json!({"big": u64::MAX})),
            ("cpu: 0.5", json!({"cpu": 0.5})),
            ("cpu: [1.0, 1e3, -2.0]", json!({"cpu": [1, 1000, -2]})),
            ("huge: 1e300", json!({"huge": 1e300})),
            (
                "a: &x {b: 1}\nc: {<<: *x, d: 2}",
                json!({"a": {"b": 1}, "c": {"b": 1, "d": 2}}),
            ),
            ("{a: 1, <<: {a: 2, b: 3}, b: 4}", json!({"a": 2, "b": 4})),
            ("\"<<\": {a: 1}", json!({"<<": {"a": 1}})),
            ("a: {b: x<<}", json!({"a": {"b": "x<<"}})),
            ("---\r\na: |\r\n  x\r\n  y\r\n", json!({"a": "x\ny\n"})),
            ("\u{feff}%YAML 1.2\n---\na: b\n...\n", json!({"a": "b"})),
            ("# nothing\n", Value::Null),
            ("", Value::Null),
        ];
        for (text, expected) in table {
            assert_eq!(yaml(text).unwrap(), expected, "{text:?}");
        }
    }

    #[test]
    fn faults_say_where_they_are() {
        let fault = yaml("a: 1\na: 2\n").unwrap_err();
        assert_eq!((fault.line, fault.column), (2, 1));
        assert!(fault.message.contains("duplicate"), "{fault:?}");
        assert!(!fault.message.contains("line"), "{fault:?}");
        assert_eq!(yaml("a: [1\n").unwrap_err().line, 1);
        let (read, fault) = json("{} {\"a\": 1,\n \"a\": 2}").unwrap_err();
        assert_eq!(read, 1);
        assert_eq!(
            (fault.line, fault.message.as_str()),
            (2, "duplicate key \"a\"")
        );
    }

    #[test]
    fn a_list_of_many_pods_is_read() {
        let item = "- {a: 1, b: [x, y, z], c: {d: e, f: g}}\n";
        let text = format!("items:\n{}", item.repeat(30_000));
        let value = yaml(&text).unwrap();
        assert_eq!(value["items"].as_array().unwrap().len(), 30_000);
    }

    #[test]
    fn bombs_are_refused() {
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let before = format!("*a{}, ", level - 1).repeat(9);
            bomb += &[
                "a",
                &level.to_string(),
                ": &a",
                &level.to_string(),
                " [",
                &before,
                "]\n",
            ]
            .concat();
        }
        assert!(yaml(&bomb).is_err());
        assert!(yaml(&"[".repeat(100_000)).is_err());
        assert!(json(&"[".repeat(100_000)).is_err());
    }

    #[test]
    fn json_documents_may_follow_each_other() {
        let documents = json("{\"a\":1}\n [2]{}").unwrap();
        assert_eq!(
            documents,
            [(json!({"a": 1}), 7), (json!([2]), 12), (json!({}), 14)]
        );
    }
}
