//! The fields of an object that a template gives, each a template value.

use std::ops::Deref;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::kubernetes::object::ReadObject;

use super::{TemplateValue, write_joined, write_text};

/// The name of a field. None is copied for a pod.
#[derive(Debug, Clone)]
pub enum FieldName {
    /// One that the program knows.
    Known(&'static str),
    /// One of a template.
    Shared(Arc<str>),
}

impl Deref for FieldName {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Known(name) => name,
            Self::Shared(name) => name,
        }
    }
}

impl PartialEq for FieldName {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for FieldName {}

impl From<&'static str> for FieldName {
    fn from(name: &'static str) -> Self {
        Self::Known(name)
    }
}

impl From<Arc<str>> for FieldName {
    fn from(name: Arc<str>) -> Self {
        Self::Shared(name)
    }
}

impl From<String> for FieldName {
    fn from(name: String) -> Self {
        Self::Shared(name.into())
    }
}

/// An object that a template gives, such as a container: few fields, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TemplateObject(Vec<(FieldName, TemplateValue)>);

impl TemplateObject {
    /// No fields yet, and room for so many.
    pub(crate) fn with_capacity(count: usize) -> Self {
        Self(Vec::with_capacity(count))
    }

    /// The value of a field.
    pub(crate) fn field(&self, name: &str) -> Option<&TemplateValue> {
        let found = self.0.iter().find(|(known, _)| **known == *name);
        found.map(|(_, value)| value)
    }

    /// Sets a field; a new one stands at the end.
    pub(crate) fn insert(&mut self, name: impl Into<FieldName>, value: TemplateValue) {
        let name = name.into();
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    /// Takes a field out; the others keep their order.
    pub(crate) fn remove(&mut self, name: &str) -> Option<TemplateValue> {
        let place = self.0.iter().position(|(known, _)| **known == *name)?;
        Some(self.0.remove(place).1)
    }

    /// Keeps the fields whose names pass.
    pub(crate) fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.0.retain(|(name, _)| keep(name));
    }

    /// Drops lists in which nothing is left: the API server drops them too.
    pub(crate) fn drop_empty_lists(&mut self) {
        self.0
            .retain(|(_, value)| value.as_array().is_none_or(|list| !list.is_empty()));
    }

    /// How many fields there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The fields, in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &TemplateValue)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    /// The object as data of its own.
    pub(crate) fn to_value(&self) -> Value {
        let fields = self.iter();
        Value::Object(
            fields
                .map(|(name, value)| (name.to_owned(), Value::clone(value)))
                .collect(),
        )
    }

    /// Writes the object as JSON.
    pub fn write(&self, json: &mut String) {
        write_joined(json, ['{', '}'], self.iter(), write_field);
    }
}

/// Writes a field of an object.
pub(crate) fn write_field(json: &mut String, (name, value): (&str, &TemplateValue)) {
    write_text(name, json);
    json.push(':');
    value.write(json);
}

impl ReadObject for TemplateObject {
    fn get(&self, name: &str) -> Option<&Value> {
        self.field(name).map(|value| &**value)
    }

    fn each<'o>(&'o self, visit: &mut dyn FnMut(&'o str, &'o Value)) {
        self.iter().for_each(|(name, value)| visit(name, value));
    }
}

impl From<Map<String, Value>> for TemplateObject {
    fn from(map: Map<String, Value>) -> Self {
        let fields = map.into_iter();
        Self(
            fields
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}

impl Extend<(FieldName, TemplateValue)> for TemplateObject {
    fn extend<I: IntoIterator<Item = (FieldName, TemplateValue)>>(&mut self, fields: I) {
        for (name, value) in fields {
            self.insert(name, value);
        }
    }
}

impl IntoIterator for TemplateObject {
    type Item = (FieldName, TemplateValue);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Serialize for TemplateObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}
