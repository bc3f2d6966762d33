//! Where a field is read from: the user's raw JSON, the data of a template, or both.

use serde_json::{Map, Value};

use super::field::{Field, FromField, each_of_data, each_of_json};
use crate::review::Json;
use crate::review::pod::SpecFields;
use crate::template::value::TemplateObject;

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

impl<'a> Source<'a> {
    /// Shows every field that is there to `visit`. Null counts as absent, as in the API server.
    pub(crate) fn each(&self, visit: &mut dyn FnMut(&'a str, Field<'a>)) {
        match self {
            Self::Json(object) => each_of_json(*object, None, visit),
            Self::Changed(object, changed) => {
                each_of_json(*object, Some(changed), visit);
                each_of_data(changed.iter(), visit);
            }
            Self::Spec(spec, changed) => {
                spec.json()
                    .into_iter()
                    .for_each(|spec| each_of_json(spec, Some(changed), visit));
                each_of_data(changed.iter(), visit);
            }
            Self::Data(map) => each_of_data(map.iter(), visit),
            Self::Added(fields) => {
                let present = fields.iter().filter(|(_, value)| !value.is_null());
                present.for_each(|(name, value)| visit(name, Field::Data(value)));
            }
        }
    }

    /// A field as the user wrote it, where templates added to it.
    pub(crate) fn before<T: FromField<'a> + Default>(&self, name: &str) -> Option<T> {
        let before = match self {
            Self::Changed(object, changed) if changed.contains_key(name) => object.get(name),
            Self::Spec(spec, changed) if changed.contains_key(name) => spec.get(name),
            _ => return None,
        };
        let field = before.map(Field::Json);
        Some(field.map(Field::read_or_default).unwrap_or_default())
    }
}
