//! JSON Patch (RFC 6902) as we send it: only `add`, and `replace` of what is ours.
//!
//! An operation that misses its path is an error 500 even where the webhook's failure policy is
//! `Ignore`, so operations are never guessed by comparing documents: the plan writes each one for a
//! place that it knows to exist.

use std::borrow::Cow;
use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};

use crate::kubernetes::defaults::TOKEN_PATH;
use crate::template::value::{
    ReadObject, TemplateObject, TemplateValue, write_field, write_joined, write_text,
};

/// What an operation puts into its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    TemplateValue(TemplateValue),
    /// A container or volume.
    Element(AddedElement),
    /// A list of them.
    List(Vec<AddedElement>),
}

impl Content {
    /// The data.
    pub(crate) fn value(&self) -> Cow<'_, Value> {
        match self {
            Self::TemplateValue(value) => Cow::Borrowed(value),
            Self::Element(element) => Cow::Owned(element.to_value()),
            Self::List(elements) => {
                Cow::Owned(elements.iter().map(AddedElement::to_value).collect())
            }
        }
    }

    fn write(&self, json: &mut String) {
        match self {
            Self::TemplateValue(value) => value.write(json),
            Self::Element(element) => element.write(json),
            Self::List(elements) => write_joined(json, ['[', ']'], elements, |json, element| {
                element.write(json);
            }),
        }
    }
}

impl<P: Into<TemplateValue>> From<P> for Content {
    fn from(value: P) -> Self {
        Self::TemplateValue(value.into())
    }
}

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(serializer)
    }
}

/// A container or volume that a template adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedElement {
    fields: TemplateObject,
    /// The ServiceAccount's volume, where the container gets its mount besides.
    token_volume: Option<Arc<str>>,
}

impl AddedElement {
    /// A container or volume; a container gets the mount of this volume, unless something stands at its
    /// path.
    pub fn new(fields: TemplateObject, token_volume: Option<&Arc<str>>) -> Self {
        let at_path =
            |mount: &Value| mount.get("mountPath").and_then(Value::as_str) == Some(TOKEN_PATH);
        let own = fields.get(MOUNTS).and_then(Value::as_array);
        let has_mount = own.into_iter().flatten().any(at_path);
        Self {
            token_volume: token_volume.filter(|_| !has_mount).cloned(),
            fields,
        }
    }

    fn to_value(&self) -> Value {
        let mut value = self.fields.to_value();
        if let (Some(volume), Value::Object(fields)) = (&self.token_volume, &mut value) {
            let mounts = fields
                .entry(MOUNTS)
                .or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(mounts) = mounts {
                mounts.push(json!({"name": **volume, "readOnly": true, "mountPath": TOKEN_PATH}));
            }
        }
        value
    }

    fn write(&self, json: &mut String) {
        static NONE: TemplateValue = TemplateValue::Own(Value::Array(Vec::new()));
        let Some(volume) = &self.token_volume else {
            return self.fields.write(json);
        };
        let lacking = (!self.fields.contains_key(MOUNTS)).then_some((MOUNTS, &NONE));
        let fields = self.fields.iter().chain(lacking);
        write_joined(json, ['{', '}'], fields, |json, (name, value)| {
            write_field(json, (name, value));
            if name != MOUNTS {
                return;
            }
            json.pop();
            if !json.ends_with('[') {
                json.push(',');
            }
            json.push_str(r#"{"name":"#);
            write_text(volume, json);
            json.push_str(r#","readOnly":true,"mountPath":"#);
            write_text(TOKEN_PATH, json);
            json.push_str("}]");
        });
    }
}

/// The field of a container that the token's mount is added to.
const MOUNTS: &str = "volumeMounts";

/// One operation of a patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Adds a key to an object, or inserts an element into a list before the given index.
    Add {
        /// JSON pointer (RFC 6901), already escaped.
        path: String,
        value: Content,
    },
    /// Replaces a value of ours, the placeholder `auto`, or an API-server default.
    Replace {
        /// JSON pointer (RFC 6901), already escaped.
        path: String,
        /// What stands there afterwards.
        value: Content,
    },
    /// Removes what an earlier call added, or what is moved.
    Remove {
        /// JSON pointer (RFC 6901), already escaped.
        path: String,
    },
}

impl Operation {
    /// What stands at the place afterwards; null where nothing does.
    pub(crate) fn value(&self) -> Cow<'_, Value> {
        match self.content() {
            Some(content) => content.value(),
            None => Cow::Borrowed(&Value::Null),
        }
    }

    /// What stands at the place afterwards, as it is.
    pub(crate) fn content(&self) -> Option<&Content> {
        match self {
            Self::Add { value, .. } | Self::Replace { value, .. } => Some(value),
            Self::Remove { .. } => None,
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Add { .. } => "add",
            Self::Replace { .. } => "replace",
            Self::Remove { .. } => "remove",
        }
    }

    fn write(&self, json: &mut String) {
        json.push_str(r#"{"op":""#);
        json.push_str(self.word());
        json.push_str(r#"","path":"#);
        write_text(self.path(), json);
        if let Some(content) = self.content() {
            json.push_str(r#","value":"#);
            content.write(json);
        }
        json.push('}');
    }

    /// Applies the operation to a document of our own making. `false` where its place is missing,
    /// which leaves the document as it was.
    pub fn apply(&self, document: &mut Value) -> bool {
        let Some((parent, last)) = self.path().rsplit_once('/') else {
            return false;
        };
        let last = unescape(last).into_owned();
        match (document.pointer_mut(parent), self) {
            (
                Some(Value::Object(object)),
                Self::Add { value, .. } | Self::Replace { value, .. },
            ) => {
                object.insert(last, value.value().into_owned());
                true
            }
            (Some(Value::Array(items)), Self::Add { value, .. }) => match last.parse::<usize>() {
                Ok(index) if index <= items.len() => {
                    items.insert(index, value.value().into_owned());
                    true
                }
                _ => false,
            },
            (Some(Value::Array(items)), Self::Replace { value, .. }) => {
                let item = last
                    .parse::<usize>()
                    .ok()
                    .and_then(|index| items.get_mut(index));
                item.map(|item| *item = value.value().into_owned())
                    .is_some()
            }
            (Some(Value::Object(object)), Self::Remove { .. }) => {
                object.shift_remove(&last).is_some()
            }
            (Some(Value::Array(items)), Self::Remove { .. }) => {
                let index = last.parse().ok().filter(|index| *index < items.len());
                index.map(|index: usize| items.remove(index)).is_some()
            }
            _ => false,
        }
    }

    /// The place that the operation changes.
    pub(crate) fn path(&self) -> &str {
        match self {
            Self::Add { path, .. } | Self::Replace { path, .. } | Self::Remove { path } => path,
        }
    }
}

impl Serialize for Operation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("op", self.word())?;
        map.serialize_entry("path", self.path())?;
        if let Some(content) = self.content() {
            map.serialize_entry("value", content)?;
        }
        map.end()
    }
}

/// Room for a patch, in bytes: most are smaller.
const USUAL_SIZE: usize = 4096;

/// An ordered list of operations on a pod.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patch(pub Vec<Operation>);

impl Patch {
    /// Whether there is nothing to change.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The operations as JSON, the bytes that go base64-encoded into a response.
    pub fn to_json(&self) -> String {
        let mut json = String::with_capacity(USUAL_SIZE);
        write_joined(&mut json, ['[', ']'], &self.0, |json, operation| {
            operation.write(json);
        });
        json
    }

    /// The same patch for a document that holds the pod below `prefix`, such as `/spec/template`.
    pub(crate) fn below(mut self, prefix: &str) -> Self {
        for operation in &mut self.0 {
            let (Operation::Add { path, .. }
            | Operation::Replace { path, .. }
            | Operation::Remove { path }) = operation;
            path.insert_str(0, prefix);
        }
        self
    }
}

impl Serialize for Patch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// A key as one segment of a JSON pointer: `~` and `/` escaped (RFC 6901 section 3).
pub(crate) fn escape(key: &str) -> Cow<'_, str> {
    if !key.contains(['~', '/']) {
        return Cow::Borrowed(key);
    }
    let mut escaped = String::with_capacity(key.len() + 2);
    write_escaped(key, &mut escaped);
    escaped.into()
}

/// The key that a segment of a JSON pointer stands for.
pub(crate) fn unescape(segment: &str) -> Cow<'_, str> {
    if !segment.contains('~') {
        return Cow::Borrowed(segment);
    }
    segment.replace("~1", "/").replace("~0", "~").into()
}

/// Writes a key as a segment of a JSON pointer.
pub(crate) fn write_escaped(key: &str, pointer: &mut String) {
    let mut rest = key;
    while let Some(at) = rest.bytes().position(|byte| byte == b'~' || byte == b'/') {
        let (plain, from) = rest.split_at(at);
        pointer.push_str(plain);
        pointer.push_str(if from.starts_with('~') { "~0" } else { "~1" });
        rest = from.get(1..).unwrap_or_default();
    }
    pointer.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_escaped_tilde_first() {
        assert_eq!(escape("pillion.dev/a~b/c"), "pillion.dev~1a~0b~1c");
        assert_eq!(escape("~1"), "~01");
        for key in ["pillion.dev/a~b/c", "~1", "plain"] {
            assert_eq!(unescape(&escape(key)), key);
        }
    }

    #[test]
    fn operations_serialise_in_a_fixed_order() {
        let patch = Patch(vec![Operation::Add {
            path: "/metadata/labels".to_owned(),
            value: serde_json::json!({}).into(),
        }]);
        assert_eq!(
            patch.below("/spec/template").to_json(),
            r#"[{"op":"add","path":"/spec/template/metadata/labels","value":{}}]"#
        );
    }
}
