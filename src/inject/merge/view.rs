//! What the pod has: JSON of the review, or data that earlier templates have changed or added.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::kubernetes::merge_keys::{element_key, key_of};
use crate::kubernetes::paths;
use crate::review::{Json, Text};
use crate::template::value::{ReadObject, TemplateObject};

/// A value of the user's.
#[derive(Debug, Clone, Copy)]
pub(crate) enum View<'v> {
    /// As it was received.
    Json(Json<'v>),
    /// An object as it was received, and the fields that templates changed as they are now.
    Changed(Json<'v>, &'v Map<String, Value>),
    /// Data.
    Value(&'v Value),
    /// Added by a template.
    Added(&'v TemplateObject),
}

/// An object whose fields can be asked for.
#[derive(Debug)]
pub(super) enum Opened<'v> {
    Json(Json<'v>),
    Changed(Json<'v>, &'v Map<String, Value>),
    Value(&'v Map<String, Value>),
    Added(&'v TemplateObject),
}

/// The fields that identify elements of lists, read without reading the rest.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Keys<'v> {
    #[serde(borrow)]
    name: Option<Text<'v>>,
    #[serde(borrow)]
    mount_path: Option<Text<'v>>,
    #[serde(borrow)]
    device_path: Option<Text<'v>>,
    container_port: Option<i64>,
    #[serde(borrow)]
    protocol: Option<Text<'v>>,
    #[serde(borrow)]
    ip: Option<Text<'v>>,
    #[serde(borrow)]
    topology_key: Option<Text<'v>>,
    #[serde(borrow)]
    when_unsatisfiable: Option<Text<'v>>,
}

impl<'v> Keys<'v> {
    fn take(&mut self, key: &str) -> Option<Cow<'v, str>> {
        let text = match key {
            "name" => self.name.take(),
            "mountPath" => self.mount_path.take(),
            "devicePath" => self.device_path.take(),
            "protocol" => {
                let protocol = self.protocol.take();
                return Some(protocol.map_or(Cow::Borrowed("TCP"), |text| text.0));
            }
            "containerPort" => return self.container_port.map(|port| port.to_string().into()),
            "ip" => self.ip.take(),
            "topologyKey" => self.topology_key.take(),
            "whenUnsatisfiable" => self.when_unsatisfiable.take(),
            _ => None,
        };
        let text = text?.0;
        if !key.ends_with("Path") {
            return Some(text);
        }
        let shorter = match paths::shortest(&text) {
            Cow::Borrowed(_) => None,
            Cow::Owned(shorter) => Some(shorter),
        };
        Some(shorter.map_or(text, Cow::Owned))
    }
}

impl<'v> View<'v> {
    /// The value as data of its own.
    pub(crate) fn to_value(self) -> Value {
        match self {
            Self::Json(json) => json.to_value(),
            Self::Changed(..) => self.with_fields(|_| true),
            Self::Value(value) => (*value).clone(),
            Self::Added(fields) => fields.to_value(),
        }
    }

    /// An object of those of its fields whose names pass; the value as it is where it is no object.
    pub(crate) fn with_fields(&self, keep: impl Fn(&str) -> bool) -> Value {
        let kept = |json: Json<'v>| json.fields().filter(|(name, _)| keep(name));
        let copied = |fields: &Map<String, Value>| -> Map<String, Value> {
            let kept = fields.iter().filter(|(name, _)| keep(name));
            kept.map(|(name, value)| (name.clone(), value.clone()))
                .collect()
        };
        let fields = match self {
            Self::Json(json) if json.is_object() => kept(*json)
                .map(|(name, value)| (name.into_owned(), value.to_value()))
                .collect(),
            Self::Changed(json, changed) => {
                let users = kept(*json).map(|(name, value)| {
                    let changed = changed.get(name.as_ref()).cloned();
                    (
                        name.into_owned(),
                        changed.unwrap_or_else(|| value.to_value()),
                    )
                });
                users.chain(copied(changed)).collect()
            }
            Self::Value(Value::Object(fields)) => copied(fields),
            Self::Added(fields) => {
                let fields = fields.iter().filter(|(name, _)| keep(name));
                fields
                    .map(|(name, value)| (name.to_owned(), Value::clone(value)))
                    .collect()
            }
            Self::Json(_) | Self::Value(_) => return self.to_value(),
        };
        Value::Object(fields)
    }

    /// A field's value; null counts as absent.
    pub(crate) fn field(self, name: &str) -> Option<Self> {
        self.open()?.get(name)
    }

    /// The text that the value is.
    pub(crate) fn text(self) -> Option<Cow<'v, str>> {
        match self {
            Self::Json(json) => json.as_text(),
            Self::Value(value) => value.as_str().map(Cow::Borrowed),
            Self::Changed(..) | Self::Added(_) => None,
        }
    }

    /// The object's fields; `None` where the value is none.
    pub(super) fn open(self) -> Option<Opened<'v>> {
        match self {
            Self::Json(json) => json.is_object().then_some(Opened::Json(json)),
            Self::Changed(json, changed) => Some(Opened::Changed(json, changed)),
            Self::Value(value) => value.as_object().map(Opened::Value),
            Self::Added(fields) => Some(Opened::Added(fields)),
        }
    }

    /// A list's elements; `None` where the value is none.
    pub(crate) fn elements(self) -> Option<Vec<Self>> {
        match self {
            Self::Json(json) => json
                .is_list()
                .then(|| json.elements().map(View::Json).collect()),
            Self::Value(value) => Some(value.as_array()?.iter().map(View::Value).collect()),
            Self::Changed(..) | Self::Added(_) => None,
        }
    }

    /// What identifies the value among the elements of a list.
    pub(super) fn key(&self, keys: &[&str]) -> Option<Cow<'v, str>> {
        let json = match self {
            Self::Json(json) => *json,
            Self::Value(value) => return key_of(value, keys),
            Self::Changed(..) | Self::Added(_) => {
                return element_key(&self.to_value(), keys).map(Cow::Owned);
            }
        };
        let mut read = Keys::deserialize(json).ok()?;
        if let [single] = keys {
            return read.take(single);
        }
        let parts: Option<Vec<_>> = keys.iter().map(|key| read.take(key)).collect();
        parts.map(|parts| parts.join("/").into())
    }
}

impl<'v> Opened<'v> {
    /// A field's value; null counts as absent.
    pub(super) fn get(&self, name: &str) -> Option<View<'v>> {
        let value = match self {
            Self::Json(json) => return json.get(name).map(View::Json),
            Self::Changed(json, changed) => match changed.get(name) {
                Some(value) => value,
                None => return json.get(name).map(View::Json),
            },
            Self::Value(map) => map.get(name)?,
            Self::Added(fields) => fields.get(name)?,
        };
        (!value.is_null()).then_some(View::Value(value))
    }
}
