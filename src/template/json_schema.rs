//! A JSON Schema of template documents, so that editors complete and check them.
//!
//! It is made from the tables that the compiler reads: the fields of a spec, of a parameter and of
//! Kubernetes' own types. It says what a document's structure may be, wherever the language lets an
//! expression stand, also that; what only the compiler knows (names, types of expressions, bounds)
//! it leaves to `pillion template check`. Draft 7 is what editors know best.

mod language;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::compile::{API_VERSION, LONGEST_NAME, SPEC, WHEN};
use super::compiled::FORBIDDEN_ON_INIT_CONTAINERS;
use super::fragment::Slot;
use super::shape::{
    ADOPT, DocumentKind, Field, Kind, LABEL_PATTERN, LONGEST_LABEL, WAIT_FOR_READY,
};
use super::word::words;
use crate::kubernetes::schema::{self, FieldType};
use language::nullable;

/// The schema.
pub fn json_schema() -> Value {
    let mut definitions = Definitions::default();
    let spec = definitions.language_object(SPEC.iter().map(|setting| &setting.field));
    let object_meta = schema::definition("ObjectMeta").into_iter().flatten();
    let mut metadata: Map<_, _> = object_meta
        .map(|(name, _)| (name.clone(), json!({})))
        .collect();
    for name in ["labels", "annotations"] {
        metadata.insert(name.to_owned(), json!({"type": ["object", "null"]}));
    }
    let name = json!({
        "type": "string", "pattern": LABEL_PATTERN, "maxLength": LONGEST_NAME,
        "description": "the name that pods ask for",
    });
    metadata.insert("name".to_owned(), name);
    metadata.insert("namespace".to_owned(), label());
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Pillion template",
        "description": "What Pillion adds to a pod that asks for it.",
        "type": "object",
        "additionalProperties": false,
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {
            "apiVersion": {"const": API_VERSION},
            "kind": {"enum": words::<DocumentKind>()},
            "metadata": {
                "type": "object",
                "additionalProperties": false,
                "required": ["name"],
                "properties": metadata,
            },
            "spec": spec,
        },
        "if": {"properties": {"kind": {"const": "InjectionTemplate"}}},
        "then": {"properties": {"metadata": {"required": ["namespace"]}}},
        "else": {"properties": {"metadata": {"properties": {"namespace": false}}}},
        "definitions": definitions.into_json(),
    })
}

fn label() -> Value {
    json!({"type": "string", "pattern": LABEL_PATTERN, "maxLength": LONGEST_LABEL})
}

/// The API types that the schema refers to.
#[derive(Debug, Default)]
struct Definitions {
    wanted: BTreeSet<String>,
}

impl Definitions {
    /// What a slot takes: its type, an expression where one can give that, and nothing.
    fn slot(&mut self, slot: &Slot) -> Value {
        let own = match &slot.ty {
            FieldType::Text if slot.scalars_as_text => {
                return json!({"type": ["string", "integer", "boolean", "null"]});
            }
            FieldType::Text => return json!({"type": ["string", "null"]}),
            FieldType::IntegerOrText => return json!({"type": ["string", "integer", "null"]}),
            FieldType::Quantity => return json!({"type": ["string", "number", "null"]}),
            FieldType::Any => return json!({}),
            FieldType::Integer32 => {
                json!({"type": "integer", "minimum": i32::MIN, "maximum": i32::MAX})
            }
            FieldType::Integer64 => {
                json!({"type": "integer", "minimum": i64::MIN, "maximum": i64::MAX})
            }
            FieldType::Number => json!({"type": "number"}),
            FieldType::Boolean => json!({"type": "boolean"}),
            FieldType::Object(name) => {
                self.wanted.insert(name.clone());
                json!({"$ref": format!("#/definitions/{name}")})
            }
            FieldType::List(_) => {
                let element = slot.element().map(|element| self.slot(&element));
                json!({"type": "array", "items": element.unwrap_or(json!({}))})
            }
            FieldType::Map(_) => {
                let value = slot.field("").map(|value| self.slot(&value));
                let condition = condition();
                json!({
                    "type": "object",
                    "properties": {WHEN: condition},
                    "additionalProperties": value.unwrap_or(json!({})),
                })
            }
        };
        json!({"anyOf": [own, {"$ref": "#/definitions/expression"}, {"type": "null"}]})
    }

    /// The fields of an API type that are kept.
    fn fields(&mut self, definition: &str, keeps: impl Fn(&str) -> bool) -> Map<String, Value> {
        let slot = Slot::object(definition);
        schema::definition(definition)
            .into_iter()
            .flatten()
            .filter(|(name, _)| keeps(name))
            .map(|(name, _)| {
                let value = slot.field(name).map(|slot| self.slot(&slot));
                (name.clone(), value.unwrap_or(json!({})))
            })
            .collect()
    }

    /// An API type as a schema.
    fn definition(&mut self, name: &str) -> Value {
        let required: Vec<_> = schema::definition(name)
            .into_iter()
            .flatten()
            .filter(|(_, field)| field.required)
            .map(|(name, _)| name.as_str())
            .collect();
        object(self.fields(name, |_| true), &required)
    }

    /// All that is referred to, with what that refers to.
    fn into_json(mut self) -> Value {
        let mut made: BTreeMap<String, Value> = BTreeMap::new();
        let expression = json!({
            "description": "an expression in CEL, such as ${params.port}",
            "type": "string",
            "pattern": r"^\$\{[\s\S]*\}$",
        });
        loop {
            let next = self
                .wanted
                .iter()
                .find(|name| !made.contains_key(*name))
                .cloned();
            let Some(name) = next else {
                break;
            };
            let definition = self.definition(&name);
            made.insert(name, definition);
        }
        made.insert("expression".to_owned(), expression);
        made.into_iter().collect::<Map<_, _>>().into()
    }

    /// A container that a template adds.
    fn container(&mut self, is_sidecar: bool) -> Value {
        let mut fields = self.fields("Container", |name| {
            !name.starts_with("restartPolicy")
                && (is_sidecar || !FORBIDDEN_ON_INIT_CONTAINERS.contains(&name))
        });
        fields.insert("name".to_owned(), label());
        if is_sidecar {
            let wait = self.language_field(&WAIT_FOR_READY);
            fields.insert(WAIT_FOR_READY.name.to_owned(), wait);
        }
        object(fields, &["name", "image"])
    }

    /// What each app container gets.
    fn app(&mut self) -> Value {
        let fields = self.fields("Container", |name| {
            schema::facts("Container", name).is_some_and(|facts| facts.is_for_app)
        });
        nullable(object(fields, &[]))
    }

    /// Other fields of the pod.
    fn pod(&mut self) -> Value {
        let fields = self.fields("PodSpec", |name| {
            schema::facts("PodSpec", name).is_some_and(|facts| facts.is_for_pod)
        });
        nullable(object(fields, &[]))
    }

    /// A volume: a source of Kubernetes', generated files, or the app's own.
    fn volume(&mut self) -> Value {
        let mut fields = self.fields("Volume", |_| true);
        fields.insert("name".to_owned(), label());
        let adopt = Field::new(
            "adopt",
            Kind::Object(ADOPT),
            "use the app's own volume where it mounts one at exactly this path",
        );
        fields.insert(adopt.name.to_owned(), self.language_field(&adopt));
        let files = json!({
            "type": ["object", "null"],
            "description": "generated configuration: a tree in .json, .yaml and .yml, else text",
            "properties": {WHEN: condition()},
            "propertyNames": {"pattern": r"^(\$when|[A-Za-z0-9_.-]+)$"},
        });
        fields.insert("files".to_owned(), files);
        object(fields, &["name"])
    }
}

/// A condition: an expression without `${` and `}`.
fn condition() -> Value {
    json!({
        "description": "keeps this where the expression is true",
        "type": ["string", "boolean"],
    })
}

/// A map with these fields and `$when`.
fn object(mut fields: Map<String, Value>, required: &[&str]) -> Value {
    fields.insert(WHEN.to_owned(), condition());
    let mut object = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": fields,
    });
    if let (false, Some(object)) = (required.is_empty(), object.as_object_mut()) {
        object.insert("required".to_owned(), json!(required));
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_leads_somewhere() {
        fn references(value: &Value, found: &mut BTreeSet<String>) {
            match value {
                Value::Object(fields) => {
                    let reference = fields.get("$ref").and_then(Value::as_str);
                    found.extend(reference.map(str::to_owned));
                    fields.values().for_each(|value| references(value, found));
                }
                Value::Array(items) => items.iter().for_each(|item| references(item, found)),
                _ => {}
            }
        }
        let schema = json_schema();
        let mut found = BTreeSet::new();
        references(&schema, &mut found);
        assert!(found.len() > 50, "{found:?}");
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(schema.pointer(pointer).is_some(), "{reference}");
        }
    }
}
