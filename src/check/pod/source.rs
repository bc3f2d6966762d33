//! Where a field is read from: the user's raw JSON, the data of a template, or both.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::review::Object;
use crate::template::piece::TemplateObject;

/// An object of the resulting pod.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// The user's, unread.
    Raw(&'a Object<'a>),
    /// The user's, with the fields that templates changed.
    Changed(&'a Object<'a>, &'a Map<String, Value>),
    /// Data as a whole.
    Data(&'a Map<String, Value>),
    /// A template's.
    Added(&'a TemplateObject),
}

/// An element that a template added to a list of the user's.
#[derive(Debug, Clone, Copy)]
pub struct Addition<'a> {
    /// The template.
    pub template: &'a str,
    /// The list: `env`, `ports` or `volumeMounts`.
    pub list: &'a str,
    /// Where it stands once it and all before it are there; `None`: at the end.
    pub index: Option<usize>,
    /// The element.
    pub value: &'a Value,
}

impl<'a> Addition<'a> {
    /// The elements that were added. An addition to a field as a whole brings the whole list.
    pub fn elements(&self) -> &'a [Value] {
        match self.value {
            Value::Array(values) => values,
            value => std::slice::from_ref(value),
        }
    }
}

/// A field of an object, unread.
#[derive(Debug, Clone, Copy)]
pub enum Field<'a> {
    /// The user's.
    Raw(&'a RawValue),
    /// Data.
    Data(&'a Value),
}

impl<'a> Field<'a> {
    /// The field, where it is of this type.
    pub fn read<T: Deserialize<'a>>(self) -> Option<T> {
        match self {
            Self::Raw(raw) => serde_json::from_str(raw.get()).ok(),
            Self::Data(value) => T::deserialize(value).ok(),
        }
    }

    /// The field, or its empty value.
    pub fn read_or_default<T: Deserialize<'a> + Default>(self) -> T {
        self.read().unwrap_or_default()
    }
}

impl<'a> Source<'a> {
    /// Shows every field that is there to `visit`. Null counts as absent, as in the API server.
    pub fn each(&self, mut visit: impl FnMut(&'a str, Field<'a>)) {
        match self {
            Self::Raw(object) => raw(object, |name, field| visit(name, Field::Raw(field))),
            Self::Changed(object, changed) => {
                raw(object, |name, field| {
                    if !changed.contains_key(name) {
                        visit(name, Field::Raw(field));
                    }
                });
                data(changed.iter(), visit);
            }
            Self::Data(map) => data(map.iter(), visit),
            Self::Added(fields) => {
                let present = fields.iter().filter(|(_, piece)| !piece.is_null());
                present.for_each(|(name, piece)| visit(name, Field::Data(piece)));
            }
        }
    }

    /// A field as the user wrote it, where templates added to it.
    pub fn before<T: Deserialize<'a> + Default>(&self, name: &str) -> Option<T> {
        match self {
            Self::Changed(object, changed) if changed.contains_key(name) => {
                Some(object.get_as(name).unwrap_or_default())
            }
            _ => None,
        }
    }
}

/// Of two fields of one name the first counts, as everywhere where raw JSON is read.
fn raw<'a>(object: &'a Object<'a>, mut visit: impl FnMut(&'a str, &'a RawValue)) {
    for (index, (name, raw)) in object.0.iter().enumerate() {
        let earlier = object.0.get(..index).unwrap_or_default();
        if raw.get() != "null" && !earlier.iter().any(|(known, _)| known == name) {
            visit(name.as_str(), raw);
        }
    }
}

fn data<'a>(
    fields: impl Iterator<Item = (&'a String, &'a Value)>,
    mut visit: impl FnMut(&'a str, Field<'a>),
) {
    let present = fields.filter(|(_, value)| !value.is_null());
    present.for_each(|(name, value)| visit(name, Field::Data(value)));
}
