//! Where a field is read from: the user's raw JSON, the data of a template, or both.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::review::Json;
use crate::review::pod::SpecFields;
use crate::template::value::TemplateObject;

/// Room for the fields of a container or spec as the API server sends it.
const USUAL_FIELDS: usize = 24;

/// An object of the resulting pod.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Source<'a> {
    /// The user's.
    Json(Json<'a>),
    /// The user's, with the fields that templates changed.
    Changed(Json<'a>, &'a Map<String, Value>),
    /// The user's spec but its lists, with the fields that templates changed.
    Spec(SpecFields<'a>, &'a Map<String, Value>),
    /// Data as a whole.
    Data(&'a Map<String, Value>),
    /// A template's.
    Added(&'a TemplateObject),
}

/// An element that a template added to a list of the user's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Addition<'a> {
    pub(crate) template: &'a str,
    /// The list: `env`, `ports` or `volumeMounts`.
    pub(crate) list: &'a str,
    /// Where it stands once it and all before it are there; `None`: at the end.
    pub(crate) index: Option<usize>,
    /// The element.
    pub(crate) value: &'a Value,
}

impl<'a> Addition<'a> {
    /// The elements that were added. An addition to a field as a whole brings the whole list.
    pub(crate) fn elements(&self) -> &'a [Value] {
        match self.value {
            Value::Array(values) => values,
            value => std::slice::from_ref(value),
        }
    }
}

/// A field of an object.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Field<'a> {
    /// The user's.
    Json(Json<'a>),
    Data(&'a Value),
}

impl<'a> Field<'a> {
    /// The field, where it is of this type.
    pub(crate) fn read<T: Deserialize<'a>>(self) -> Option<T> {
        match self {
            Self::Json(json) => T::deserialize(json).ok(),
            Self::Data(value) => T::deserialize(value).ok(),
        }
    }

    /// The field, or its empty value.
    pub(crate) fn read_or_default<T: Deserialize<'a> + Default>(self) -> T {
        self.read().unwrap_or_default()
    }
}

impl<'a> Source<'a> {
    /// Shows every field that is there to `visit`. Null counts as absent, as in the API server.
    pub(crate) fn each(&self, mut visit: impl FnMut(&'a str, Field<'a>)) {
        match self {
            Self::Json(object) => json(object.fields(), &mut visit),
            Self::Changed(object, changed) => {
                unchanged(object.fields(), changed, &mut visit);
                data(changed.iter(), visit);
            }
            Self::Spec(spec, changed) => {
                unchanged(spec.fields(), changed, &mut visit);
                data(changed.iter(), visit);
            }
            Self::Data(map) => data(map.iter(), visit),
            Self::Added(fields) => {
                let present = fields.iter().filter(|(_, value)| !value.is_null());
                present.for_each(|(name, value)| visit(name, Field::Data(value)));
            }
        }
    }

    /// A field as the user wrote it, where templates added to it.
    pub(crate) fn before<T: Deserialize<'a> + Default>(&self, name: &str) -> Option<T> {
        match self {
            Self::Changed(object, changed) if changed.contains_key(name) => {
                Some(object.get_as(name).unwrap_or_default())
            }
            Self::Spec(spec, changed) if changed.contains_key(name) => {
                let before = spec.get(name).and_then(|field| T::deserialize(field).ok());
                Some(before.unwrap_or_default())
            }
            _ => None,
        }
    }
}

/// The fields that templates did not change.
fn unchanged<'a>(
    fields: impl Iterator<Item = (Cow<'a, str>, Json<'a>)>,
    changed: &Map<String, Value>,
    mut visit: impl FnMut(&'a str, Field<'a>),
) {
    json(fields, |name, field| {
        if !changed.contains_key(name) {
            visit(name, field);
        }
    });
}

/// Of two fields of one name the first counts, as everywhere where JSON is read. A name that is written
/// with an escape is none of the API's.
fn json<'a>(
    fields: impl Iterator<Item = (Cow<'a, str>, Json<'a>)>,
    mut visit: impl FnMut(&'a str, Field<'a>),
) {
    // Most objects need no memory for this.
    let (mut usual, mut count, mut more) = ([""; USUAL_FIELDS], 0, BTreeSet::new());
    for (name, value) in fields {
        let Cow::Borrowed(name) = name else { continue };
        if value.is_null() || usual.iter().take(count).any(|known| *known == name) {
            continue;
        }
        match usual.get_mut(count) {
            Some(place) => *place = name,
            None if !more.insert(name) => continue,
            None => {}
        }
        count += 1;
        visit(name, Field::Json(value));
    }
}

fn data<'a>(
    fields: impl Iterator<Item = (&'a String, &'a Value)>,
    mut visit: impl FnMut(&'a str, Field<'a>),
) {
    let present = fields.filter(|(_, value)| !value.is_null());
    present.for_each(|(name, value)| visit(name, Field::Data(value)));
}
