//! Where a field is read from: the user's raw JSON, the data of a template, or both.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::view::FromField;
use crate::review::pod::SpecFields;
use crate::review::{Children, Json, Text};
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
    /// The field, or its empty value where it is of another type.
    pub(crate) fn read_or_default<T: FromField<'a> + Default>(self) -> T {
        T::from_field(self).unwrap_or_default()
    }

    /// Shows every field of an object that is there to `visit`; `None` where this is no object.
    pub(crate) fn each(self, visit: &mut dyn FnMut(&'a str, Self)) -> Option<()> {
        match self {
            Self::Json(value) => value.is_object().then(|| json(value.fields(), visit)),
            Self::Data(value) => Some(data(value.as_object()?.iter(), visit)),
        }
    }

    /// The elements of a list.
    pub(crate) fn elements(self) -> Option<Elements<'a>> {
        match self {
            Self::Json(json) => json.is_list().then(|| Elements::Json(json.elements())),
            Self::Data(value) => Some(Elements::Data(value.as_array()?.iter())),
        }
    }

    /// The text; an element that is null is empty, as in the API server.
    pub(crate) fn text(self) -> Option<Text<'a>> {
        match self {
            Self::Json(json) if json.is_null() => Some("".into()),
            Self::Json(json) => json.as_text().map(Text),
            Self::Data(Value::Null) => Some("".into()),
            Self::Data(value) => value.as_str().map(Text::from),
        }
    }

    /// The boolean.
    pub(crate) fn boolean(self) -> Option<bool> {
        match self {
            Self::Json(json) => json.as_bool(),
            Self::Data(value) => value.as_bool(),
        }
    }

    /// The whole number.
    pub(crate) fn integer(self) -> Option<i64> {
        match self {
            Self::Json(json) => json.number()?.parse().ok(),
            Self::Data(value) => value.as_i64(),
        }
    }

    /// The number as it is written.
    pub(crate) fn number(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Json(json) => json.number().map(Cow::Borrowed),
            Self::Data(value) => value
                .as_number()
                .map(|number| Cow::Owned(number.to_string())),
        }
    }
}

/// Elements of a list.
#[derive(Debug, Clone)]
pub(crate) enum Elements<'a> {
    /// The user's.
    Json(Children<'a>),
    Data(std::slice::Iter<'a, Value>),
}

impl<'a> Iterator for Elements<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        match self {
            Self::Json(elements) => elements.next().map(Field::Json),
            Self::Data(elements) => elements.next().map(Field::Data),
        }
    }
}

impl<'a> Source<'a> {
    /// Shows every field that is there to `visit`. Null counts as absent, as in the API server.
    pub(crate) fn each(&self, visit: &mut dyn FnMut(&'a str, Field<'a>)) {
        match self {
            Self::Json(object) => json(object.fields(), visit),
            Self::Changed(object, changed) => {
                unchanged(object.fields(), changed, visit);
                data(changed.iter(), visit);
            }
            Self::Spec(spec, changed) => {
                unchanged(spec.fields(), changed, visit);
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

/// The fields that templates did not change.
fn unchanged<'a>(
    fields: impl Iterator<Item = (Cow<'a, str>, Json<'a>)>,
    changed: &Map<String, Value>,
    visit: &mut dyn FnMut(&'a str, Field<'a>),
) {
    json(fields, &mut |name, field| {
        if !changed.contains_key(name) {
            visit(name, field);
        }
    });
}

/// Of two fields of one name the first counts, as everywhere where JSON is read. A name that is written
/// with an escape is none of the API's.
fn json<'a>(
    fields: impl Iterator<Item = (Cow<'a, str>, Json<'a>)>,
    visit: &mut dyn FnMut(&'a str, Field<'a>),
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
    visit: &mut dyn FnMut(&'a str, Field<'a>),
) {
    let present = fields.filter(|(_, value)| !value.is_null());
    present.for_each(|(name, value)| visit(name, Field::Data(value)));
}
