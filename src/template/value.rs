//! Values: what fragments give, shared with their template where it is constant.
//!
//! Most of what a template adds is the same for every pod. So a constant is made once, when its
//! template is loaded, together with the JSON that it is written as; a pod that gets it holds a
//! reference, and the patch copies the JSON. Only what an expression gives is made anew.

mod fields;

use std::fmt::Write as _;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::kubernetes::element_digest::{Digest, element_digest};
pub(crate) use crate::kubernetes::object::ReadObject;
use crate::kubernetes::schema::FieldType;
pub(crate) use fields::{FieldName, TemplateObject, write_field};

/// Finished data of a template.
#[derive(Debug, PartialEq)]
pub struct Constant {
    value: Value,
    json: Box<str>,
    elements: Box<[Arc<Self>]>,
    fields: OnceLock<Fields>,
    digest: OnceLock<u64>,
}

/// The fields of a constant that is an object, each a constant of its own.
type Fields = Box<[(FieldName, Arc<Constant>)]>;

impl Constant {
    /// Finishes data: its JSON, and that of each element where it is a list.
    pub(crate) fn new(value: Value) -> Arc<Self> {
        let json = value.to_string().into_boxed_str();
        let elements = match &value {
            Value::Array(items) => items.iter().cloned().map(Self::new).collect(),
            _ => Box::default(),
        };
        Arc::new(Self {
            value,
            json,
            elements,
            fields: OnceLock::new(),
            digest: OnceLock::new(),
        })
    }

    /// The fields of an object, made constants when they are first asked for; `None` where the data is
    /// something else.
    pub(crate) fn fields(&self) -> Option<&[(FieldName, Arc<Self>)]> {
        let Value::Object(fields) = &self.value else {
            return None;
        };
        let made = self.fields.get_or_init(|| {
            let made = fields.iter();
            made.map(|(name, value)| (name.clone().into(), Self::new(value.clone())))
                .collect()
        });
        Some(made)
    }

    pub(crate) fn value(&self) -> &Value {
        &self.value
    }

    /// How many bytes its JSON has.
    pub(crate) fn json_size(&self) -> usize {
        self.json.len()
    }

    /// The digest of the data in its field, which is of this type. A constant stands in one field.
    fn digest(&self, ty: &FieldType) -> u64 {
        *self.digest.get_or_init(|| element_digest(ty, &self.value))
    }
}

/// The same of a text, with its quotes and what stands behind it.
fn text_size(text: &str) -> usize {
    let escapes = text.bytes().map(|byte| match byte {
        b'"' | b'\\' => 1,
        byte if byte < 0x20 => 5,
        _ => 0,
    });
    text.len() + 3 + escapes.sum::<usize>()
}

/// A value that a template gives for a pod.
#[derive(Debug, Clone)]
pub enum TemplateValue {
    /// The template's, the same for every pod.
    Shared(Arc<Constant>),
    Own(Value),
}

impl TemplateValue {
    /// The value in memory of its own.
    pub(crate) fn into_value(self) -> Value {
        match self {
            Self::Shared(constant) => constant.value.clone(),
            Self::Own(value) => value,
        }
    }

    /// The value as something that parts can be taken out of.
    pub(crate) fn part(&self) -> ValueRef<'_> {
        match self {
            Self::Shared(constant) => ValueRef::Shared(constant),
            Self::Own(value) => ValueRef::Own(value),
        }
    }

    /// Writes the value as JSON.
    pub(crate) fn write(&self, json: &mut String) {
        match self {
            Self::Shared(constant) => json.push_str(&constant.json),
            Self::Own(value) => write_value(value, json),
        }
    }
}

impl Deref for TemplateValue {
    type Target = Value;

    fn deref(&self) -> &Value {
        match self {
            Self::Shared(constant) => &constant.value,
            Self::Own(value) => value,
        }
    }
}

impl From<Value> for TemplateValue {
    fn from(value: Value) -> Self {
        Self::Own(value)
    }
}

impl PartialEq for TemplateValue {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for TemplateValue {}

impl Serialize for TemplateValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

/// A value inside a template value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ValueRef<'p> {
    /// Of a constant.
    Shared(&'p Arc<Constant>),
    /// Of something else.
    Own(&'p Value),
}

impl<'p> ValueRef<'p> {
    pub(crate) fn value(self) -> &'p Value {
        match self {
            Self::Shared(constant) => &constant.value,
            Self::Own(value) => value,
        }
    }

    /// The value as a template value; a copy is made only where it is not shared.
    pub(crate) fn to_template_value(self) -> TemplateValue {
        match self {
            Self::Shared(constant) => TemplateValue::Shared(Arc::clone(constant)),
            Self::Own(value) => TemplateValue::Own(value.clone()),
        }
    }

    /// The elements of a list; none where it is no list.
    pub(crate) fn elements(self) -> impl Iterator<Item = Self> {
        let (shared, own) = match self {
            Self::Shared(constant) => (&*constant.elements, None),
            Self::Own(value) => (Default::default(), value.as_array()),
        };
        let own = own.into_iter().flatten();
        shared.iter().map(Self::Shared).chain(own.map(Self::Own))
    }
}

impl<'p> Digest<'p> for ValueRef<'p> {
    fn value(self) -> &'p Value {
        Self::value(self)
    }

    fn digest(self, ty: &FieldType) -> u64 {
        match self {
            Self::Shared(constant) => constant.digest(ty),
            Self::Own(value) => element_digest(ty, value),
        }
    }
}

/// About how many bytes the JSON of a value has, escapes included.
pub(crate) fn json_size(value: &Value) -> usize {
    /// The longest number or boolean, with a comma.
    const SCALAR: usize = 24;
    match value {
        Value::String(value) => text_size(value),
        Value::Array(items) => 3 + items.iter().map(json_size).sum::<usize>(),
        Value::Object(fields) => {
            let sizes = fields
                .iter()
                .map(|(key, value)| text_size(key) + json_size(value));
            3 + sizes.sum::<usize>()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => SCALAR,
    }
}

fn write_value(value: &Value, json: &mut String) {
    match value {
        Value::String(text) => write_text(text, json),
        Value::Array(items) => write_joined(json, ['[', ']'], items, |json, item| {
            write_value(item, json);
        }),
        Value::Object(fields) => write_joined(json, ['{', '}'], fields, |json, (name, value)| {
            write_text(name, json);
            json.push(':');
            write_value(value, json);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            // Writing to a string cannot fail.
            let _ = write!(json, "{value}");
        }
    }
}

/// Writes items between brackets, with commas.
pub(crate) fn write_joined<T>(
    json: &mut String,
    [open, close]: [char; 2],
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut String, T),
) {
    json.push(open);
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            json.push(',');
        }
        write(json, item);
    }
    json.push(close);
}

/// Writes text as a JSON string.
pub(crate) fn write_text(text: &str, json: &mut String) {
    json.push('"');
    // Without a way out of the loop, so that it looks at many bytes at once.
    if text
        .bytes()
        .fold(false, |found, byte| found | needs_escape(byte))
    {
        return write_escaped(text, json);
    }
    json.push_str(text);
    json.push('"');
}

/// Whether a byte, which is then a character of its own, is written as an escape.
fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Writes the rest of a JSON string, as `serde_json` does.
fn write_escaped(text: &str, json: &mut String) {
    let mut rest = text;
    json.reserve(text.len() + text.len() / 8);
    while let Some(at) = rest.bytes().position(needs_escape) {
        let (plain, from) = rest.split_at(at);
        json.push_str(plain);
        let mut chars = from.chars();
        match chars.next().unwrap_or_default() {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            '\x08' => json.push_str("\\b"),
            '\x0c' => json.push_str("\\f"),
            other => {
                // Writing to a string cannot fail.
                let _ = write!(json, "\\u{:04x}", u32::from(other));
            }
        }
        rest = chars.as_str();
    }
    json.push_str(rest);
    json.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn shared_and_own_values_are_written_alike() {
        let table = [
            json!("plain"),
            json!("\"quoted\"\n\\ and é\u{7f}"),
            json!("\0\u{1}\u{8}\t\u{b}\u{c}\r\u{1f}\"x\u{2028}"),
            json!(["a", {"b": [1, null, true]}]),
            json!({"limits": {"memory": "1Gi"}}),
        ];
        for value in table {
            let expected = value.to_string();
            let shared = TemplateValue::Shared(Constant::new(value.clone()));
            for value in [shared, TemplateValue::Own(value)] {
                let mut json = String::new();
                value.write(&mut json);
                assert_eq!(json, expected);
            }
        }
    }

    #[test]
    fn the_elements_of_a_constant_are_shared_too() {
        let list = TemplateValue::Shared(Constant::new(json!([{"name": "a"}, 2])));
        let elements: Vec<_> = list.part().elements().collect();
        assert!(matches!(
            elements[0].to_template_value(),
            TemplateValue::Shared(_)
        ));
        assert_eq!(*elements[1].to_template_value(), json!(2));
        assert!(
            TemplateValue::Own(json!({"a": 1}))
                .part()
                .elements()
                .next()
                .is_none()
        );
    }
}
