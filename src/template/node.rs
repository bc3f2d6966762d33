//! YAML with places: what a template file says, and in which line and column.
//!
//! The tree is read by a hand-written `Deserialize` over `Spanned`, because positions are lost
//! inside flattened, untagged or tagged enums. Numbers read as kubectl reads them: `0644` is octal
//! 420, and `no` stays the text "no". Anchors and `<<` are expanded; their nodes keep the place
//! where they were written. The parser's own budgets stop documents that expand without end.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Options, Spanned};

/// A line and a column, both from 1; 0 where something stands in no file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: u32,
    /// The column, in characters.
    pub(crate) column: u32,
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub(crate) value: NodeValue,
    pub(crate) place: Place,
}

/// The values that YAML has.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum NodeValue {
    /// Nothing, or `null`.
    Null,
    Boolean(bool),
    Integer(i64),
    /// Any other number.
    Number(f64),
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order of the file.
    Map(Vec<Entry>),
}

/// One key of a mapping with its value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) place: Place,
    pub(crate) value: Node,
}

impl Node {
    /// The value in words, as an error prints what it found.
    pub(crate) fn words(&self) -> String {
        match &self.value {
            NodeValue::Null => "nothing".to_owned(),
            NodeValue::Boolean(value) => format!("the boolean {value}"),
            NodeValue::Integer(value) => format!("the integer {value}"),
            NodeValue::Number(value) => format!("the number {value}"),
            NodeValue::Text(_) => "text".to_owned(),
            NodeValue::List(_) => "a list".to_owned(),
            NodeValue::Map(_) => "a map".to_owned(),
        }
    }

    /// The value under a key of a mapping.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        let NodeValue::Map(entries) = &self.value else {
            return None;
        };
        entries
            .iter()
            .find(|entry| entry.key == key)
            .map(|entry| &entry.value)
    }

    /// The value at a JSON pointer (RFC 6901).
    pub(crate) fn pointer(&self, pointer: &str) -> Option<&Self> {
        let mut steps = pointer.split('/').skip(1);
        steps.try_fold(self, |node, step| match &node.value {
            NodeValue::List(items) => items.get(step.parse::<usize>().ok()?),
            _ => node.get(&step.replace("~1", "/").replace("~0", "~")),
        })
    }

    /// The text, where the value is text.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            NodeValue::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A value that stands in no file.
    pub(crate) fn from_json(value: &serde_json::Value) -> Self {
        use serde_json::Value;
        let value = match value {
            Value::Null => NodeValue::Null,
            Value::Bool(value) => NodeValue::Boolean(*value),
            Value::Number(number) => match number.as_i64() {
                Some(value) => NodeValue::Integer(value),
                None => NodeValue::Number(number.as_f64().unwrap_or(f64::INFINITY)),
            },
            Value::String(value) => NodeValue::Text(value.clone()),
            Value::Array(items) => NodeValue::List(items.iter().map(Self::from_json).collect()),
            Value::Object(fields) => NodeValue::Map(
                fields
                    .iter()
                    .map(|(key, value)| Entry {
                        key: key.clone(),
                        place: Place::default(),
                        value: Self::from_json(value),
                    })
                    .collect(),
            ),
        };
        Self {
            value,
            place: Place::default(),
        }
    }

    /// The same value without places.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value;
        match &self.value {
            NodeValue::Null => Value::Null,
            NodeValue::Boolean(value) => Value::Bool(*value),
            NodeValue::Integer(value) => Value::from(*value),
            NodeValue::Number(value) => Value::from(*value),
            NodeValue::Text(value) => Value::String(value.clone()),
            NodeValue::List(items) => items.iter().map(Self::to_json).collect(),
            NodeValue::Map(entries) => entries
                .iter()
                .map(|entry| (entry.key.clone(), entry.value.to_json()))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }
}

/// Why a file could not be read as YAML.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not readable as YAML: {message}")]
pub struct YamlError {
    /// Where reading stopped.
    pub(crate) place: Place,
    pub(crate) message: String,
}

impl From<Place> for (u32, u32) {
    fn from(place: Place) -> Self {
        (place.line, place.column)
    }
}

/// How templates are read: as kubectl reads manifests.
pub(crate) fn yaml_options() -> Options {
    serde_saphyr::options! {
        legacy_octal_numbers: true,
        strict_booleans: true,
        with_snippet: false,
    }
}

/// Reads all documents of a YAML text; empty ones are left out.
pub fn read(text: &str) -> Result<Vec<Node>, YamlError> {
    let documents: Vec<Spanned<NodeValue>> =
        serde_saphyr::from_multiple_with_options(text, yaml_options()).map_err(|error| {
            let place = error
                .location()
                .map_or_else(Place::default, |location| Place {
                    line: u32::try_from(location.line()).unwrap_or_default(),
                    column: u32::try_from(location.column()).unwrap_or_default(),
                });
            let message = in_our_words(&error.to_string());
            let hint = unquoted(text, place, &message);
            YamlError {
                place,
                message: message + hint,
            }
        })?;
    Ok(documents
        .into_iter()
        .map(node)
        .filter(|document| document.value != NodeValue::Null)
        .collect())
}

/// What to do where an expression without quotes ended a flow map or list.
fn unquoted(text: &str, place: Place, message: &str) -> &'static str {
    let line = (place.line as usize)
        .checked_sub(1)
        .and_then(|index| text.lines().nth(index));
    let is_flow = message.contains("parsing a flow");
    if is_flow && line.is_some_and(|line| line.contains("${")) {
        "; inside { } and [ ] write \"${…}\" in quotes"
    } else {
        ""
    }
}

/// The parser's message without its place, which is told apart, and without its options.
fn in_our_words(message: &str) -> String {
    let message = message.split(" at line ").next().unwrap_or(message);
    if message.starts_with("budget breached") {
        return "aliases make the document too large".to_owned();
    }
    match message.strip_prefix("duplicate mapping key: ") {
        Some(rest) => {
            let key = rest
                .split(", set DuplicateKeyPolicy")
                .next()
                .unwrap_or(rest);
            format!("the key `{key}` is a duplicate")
        }
        None => message.to_owned(),
    }
}

fn place(location: serde_saphyr::Location) -> Place {
    Place {
        line: u32::try_from(location.line()).unwrap_or_default(),
        column: u32::try_from(location.column()).unwrap_or_default(),
    }
}

fn node(spanned: Spanned<NodeValue>) -> Node {
    Node {
        place: place(spanned.defined),
        value: spanned.value,
    }
}

impl<'de> Deserialize<'de> for NodeValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = NodeValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<NodeValue, E> {
        Ok(NodeValue::Null)
    }

    fn visit_none<E>(self) -> Result<NodeValue, E> {
        Ok(NodeValue::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<NodeValue, D::Error> {
        NodeValue::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<NodeValue, E> {
        Ok(NodeValue::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<NodeValue, E> {
        Ok(NodeValue::Integer(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<NodeValue, E> {
        i64::try_from(value)
            .map(NodeValue::Integer)
            .map_err(|_| E::custom(format!("the number {value} has more than 64 bits")))
    }

    fn visit_f64<E>(self, value: f64) -> Result<NodeValue, E> {
        Ok(NodeValue::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<NodeValue, E> {
        Ok(NodeValue::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<NodeValue, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Spanned<NodeValue>>()? {
            list.push(node(item));
        }
        Ok(NodeValue::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<NodeValue, A::Error> {
        let mut map = Vec::new();
        while let Some((key, value)) =
            entries.next_entry::<Spanned<String>, Spanned<NodeValue>>()?
        {
            map.push(Entry {
                key: key.value,
                place: place(key.defined),
                value: node(value),
            });
        }
        Ok(NodeValue::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Node {
        read(text).unwrap().remove(0)
    }

    #[test]
    fn numbers_and_words_read_as_kubectl_reads_them() {
        let json =
            one("{mode: 0644, answer: no, on: yes, port: 8080, half: 0.5, none: }").to_json();
        let expected = serde_json::json!({
            "mode": 420, "answer": "no", "on": "yes", "port": 8080, "half": 0.5, "none": null
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn places_are_those_of_the_file_through_anchors_and_merges() {
        let node = one("a: &base\n  x: 1\nb:\n  <<: *base\n  y: 2\n");
        assert_eq!(
            node.get("a").unwrap().get("x").unwrap().place,
            Place { line: 2, column: 6 }
        );
        let merged = node.get("b").unwrap();
        assert_eq!(merged.to_json(), serde_json::json!({"x": 1, "y": 2}));
        assert_eq!(merged.get("x").unwrap().place, Place { line: 2, column: 6 });
    }

    #[test]
    fn a_key_that_stands_twice_is_an_error_with_its_place() {
        let error = read("a: 1\nb: 2\na: 3\n").unwrap_err();
        assert_eq!(error.place.line, 3, "{error}");
        assert!(error.message.contains("duplicate"), "{error}");
    }

    #[test]
    fn empty_documents_are_left_out() {
        assert_eq!(read("---\n# nothing\n---\na: 1\n---\n").unwrap().len(), 1);
    }

    #[test]
    fn a_document_that_expands_without_end_is_refused() {
        let mut text = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for (previous, next) in "abcdefgh".chars().zip("bcdefghi".chars()) {
            let aliases = vec![format!("*{previous}"); 9].join(", ");
            text = format!("{text}{next}: &{next} [{aliases}]\n");
        }
        assert!(read(&text).is_err());
    }
}
