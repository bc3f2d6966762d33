//! Where a field is read from: the user's raw JSON, the data of a template, or both.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::review::Object;

/// An object of the resulting pod.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// The user's, unread.
    Raw(&'a Object<'a>),
    /// The user's, with the fields that templates changed.
    Changed(&'a Object<'a>, &'a Map<String, Value>),
    /// Nothing at all.
    Nothing,
    /// A template's.
    Data(&'a Map<String, Value>),
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

impl<'a> Source<'a> {
    /// A field, where it is there and of this type. Null counts as absent, as in the API server.
    pub fn get<T: Deserialize<'a>>(&self, name: &str) -> Option<T> {
        let data = match self {
            Self::Raw(object) => return object.get_as(name),
            Self::Changed(object, changed) => match changed.get(name) {
                Some(value) => Some(value),
                None => return object.get_as(name),
            },
            Self::Data(map) => map.get(name),
            Self::Nothing => None,
        };
        let value = data.filter(|value| !value.is_null())?;
        T::deserialize(value).ok()
    }

    /// A field, or its empty value.
    pub fn get_or_default<T: Deserialize<'a> + Default>(&self, name: &str) -> T {
        self.get(name).unwrap_or_default()
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

    /// The names of the fields that are there.
    pub fn keys(&self) -> Vec<&'a str> {
        let raw = |object: &'a Object<'a>| {
            let present = object.0.iter().filter(|(_, raw)| raw.get() != "null");
            present.map(|(key, _)| key.as_str()).collect::<Vec<_>>()
        };
        let data = |map: &'a Map<String, Value>| {
            let present = map.iter().filter(|(_, value)| !value.is_null());
            present.map(|(key, _)| key.as_str()).collect::<Vec<_>>()
        };
        match self {
            Self::Raw(object) => raw(object),
            Self::Changed(object, changed) => {
                let mut keys = raw(object);
                let new = data(changed).into_iter().filter(|key| !keys.contains(key));
                let new: Vec<_> = new.collect();
                keys.extend(new);
                keys
            }
            Self::Data(map) => data(map),
            Self::Nothing => Vec::new(),
        }
    }
}
