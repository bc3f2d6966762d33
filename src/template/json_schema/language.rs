//! The fields of the template language as JSON Schema, from the tables of their shape.

use serde_json::{Map, Value, json};

use super::{Definitions, condition, label};
use crate::finding::{Code, Policies, Policy};
use crate::kubernetes::schema::{self, FieldType};
use crate::template::compile::WHEN;
use crate::template::fragment::Slot;
use crate::template::shape::{Field, Kind};

impl Definitions {
    /// An object with these fields and no other.
    pub(super) fn language_object<'f>(
        &mut self,
        fields: impl IntoIterator<Item = &'f Field>,
    ) -> Value {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for field in fields {
            required.extend(field.required.then_some(field.name));
            properties.insert(field.name.to_owned(), self.language_field(field));
        }
        let mut object = json!({
            "type": "object",
            "additionalProperties": false,
            "properties": properties,
        });
        if let (false, Some(object)) = (required.is_empty(), object.as_object_mut()) {
            object.insert("required".to_owned(), json!(required));
        }
        object
    }

    pub(super) fn language_field(&mut self, field: &Field) -> Value {
        let mut schema = self.kind(&field.kind);
        if let Some(schema) = schema.as_object_mut() {
            schema.insert("description".to_owned(), field.description.into());
        }
        schema
    }

    fn kind(&mut self, kind: &Kind) -> Value {
        match kind {
            Kind::Text | Kind::Name => json!({"type": "string"}),
            Kind::Boolean => json!({"type": "boolean"}),
            Kind::Integer(minimum) => {
                json!({"type": "integer", "minimum": minimum, "maximum": i64::MAX})
            }
            Kind::Bound => json!({"type": ["number", "string"]}),
            Kind::Any => json!({}),
            Kind::Values => json!({"type": "array", "minItems": 1}),
            Kind::Words(words) => json!({"enum": words()}),
            Kind::Expression => json!({"type": ["string", "boolean"]}),
            Kind::Message => json!({"type": ["string", "integer", "boolean"]}),
            Kind::List(element) => list(&self.element(element)),
            Kind::Object(fields) | Kind::OpenObject(fields) => {
                nullable(self.language_object(*fields))
            }
            Kind::NamedObjects(fields) => list(&self.language_object(*fields)),
            Kind::Parameters(fields) => json!({
                "type": ["object", "null"],
                "propertyNames": label(),
                "additionalProperties": self.language_object(*fields),
            }),
            Kind::Labels => {
                json!({"type": ["object", "null"], "additionalProperties": {"type": "string"}})
            }
            Kind::Texts => self.texts(),
            Kind::Policies => policies(),
            Kind::ContainerFields => {
                let fields = schema::definition("Container").into_iter().flatten();
                json!({"enum": fields.map(|(name, _)| name).collect::<Vec<_>>()})
            }
            Kind::Sidecars => list(&self.container(true)),
            Kind::InitContainers => list(&self.container(false)),
            Kind::Volumes => list(&self.volume()),
            Kind::App => self.app(),
            Kind::Pod => self.pod(),
        }
    }

    /// An element of a list, which is never nothing.
    fn element(&mut self, kind: &Kind) -> Value {
        match kind {
            Kind::Object(fields) => self.language_object(*fields),
            kind => self.kind(kind),
        }
    }

    /// A map with literal keys.
    fn texts(&mut self) -> Value {
        let text = Slot::of(FieldType::Map(Box::new(FieldType::Text)))
            .field("")
            .map(|text| self.slot(&text));
        json!({
            "type": ["object", "null"],
            "properties": {WHEN: condition()},
            "additionalProperties": text.unwrap_or(json!({})),
        })
    }
}

fn list(items: &Value) -> Value {
    json!({"type": ["array", "null"], "items": items})
}

/// An object, or nothing.
pub(super) fn nullable(mut schema: Value) -> Value {
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("type".to_owned(), json!(["object", "null"]));
    }
    schema
}

/// Each code with the policies that it can have.
fn policies() -> Value {
    let mut codes = Map::new();
    for code in Code::ALL {
        let mut policies = Policy::ALL.map(Policy::as_str).to_vec();
        policies.retain(|policy| Policies::default().choose(code.as_str(), policy).is_ok());
        let policy = json!({"enum": policies, "description": code.meaning()});
        codes.insert(code.as_str().to_owned(), policy);
    }
    json!({"type": ["object", "null"], "additionalProperties": false, "properties": codes})
}
