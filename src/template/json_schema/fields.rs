//! The fields that are the language's own.

use serde_json::{Map, Value, json};

use super::{Definitions, label};
use crate::finding::{Code, Policies, Policy};
use crate::kubernetes::schema::{self, FieldType};
use crate::template::PodSecurityLevel;
use crate::template::compile::{ITEM_FIELDS, PARAMETER_FIELDS, SPEC_FIELDS};
use crate::template::compiled::Pattern;
use crate::template::fragment::Slot;
use crate::template::parameter::ParameterType;

/// The `spec`.
pub(super) fn spec(definitions: &mut Definitions) -> Value {
    let field = |name: &str| {
        let (description, mut schema) = field(definitions, name);
        if let Some(schema) = schema.as_object_mut() {
            schema.insert("description".to_owned(), description.into());
        }
        (name.to_owned(), schema)
    };
    let properties: Map<_, _> = SPEC_FIELDS.into_iter().map(field).collect();
    json!({"type": "object", "additionalProperties": false, "properties": properties})
}

/// A field of the spec: what it is for, and what it may be.
pub(super) fn field(definitions: &mut Definitions, name: &str) -> (&'static str, Value) {
    match name {
        "parameters" => ("typed inputs, set by annotation", parameters()),
        "override" => (
            "what a same-named container of the user's may set; default everything",
            list(json!({"enum": container_fields()})),
        ),
        "selector" => ("applies without being asked for", selector()),
        "matchConditions" => (
            "CEL; false: skipped, with the name as the reason",
            conditions(&["name", "expression"], &["name", "expression"]),
        ),
        "validations" => (
            "CEL; false: the pod is refused, with the message",
            conditions(&["expression", "message"], &["expression"]),
        ),
        "variables" => (
            "named CEL expressions, evaluated when first used",
            conditions(&["name", "expression"], &["name", "expression"]),
        ),
        "sidecars" => (
            "containers that run beside the app",
            list(definitions.container(true)),
        ),
        "initContainers" => (
            "containers that run to their end before the app",
            list(definitions.container(false)),
        ),
        "volumes" => (
            "volumes, generated files included",
            list(definitions.volume()),
        ),
        "app" => (
            "what each app container, which is `self`, gets where it has nothing",
            definitions.app(),
        ),
        "metadata" => ("labels and annotations for the pod", metadata(definitions)),
        "pod" => ("other fields of the pod", definitions.pod()),
        "findings" => ("what follows from a finding", findings()),
        plain => plain_field(plain),
    }
}

/// A field that is one word, number or text.
fn plain_field(name: &str) -> (&'static str, Value) {
    let patterns = Pattern::NAMES.map(|(name, _)| name);
    match name {
        "pattern" => ("what the template is for", json!({"enum": patterns})),
        "description" => (
            "what the template does, in a sentence",
            json!({"type": "string"}),
        ),
        "mode" => (
            "Shadow computes everything and applies nothing",
            json!({"enum": ["Enforce", "Shadow"]}),
        ),
        "requirement" => (
            "Mandatory: no pod in a mandatory namespace gets around it",
            json!({"enum": ["Optional", "Mandatory"]}),
        ),
        "shadowable" => (
            "whether a namespace's template of this name may replace it there",
            json!({"type": "boolean"}),
        ),
        "lifecycle" => (
            "how sidecars are placed",
            json!({"enum": ["Auto", "Native", "Classic"]}),
        ),
        "endingPods" => (
            "what becomes of a pod that must end where only a classic sidecar is possible",
            json!({"enum": ["Skip", "Deny"]}),
        ),
        "order" => (
            "templates compose by order, then name; above 0: after the pod's own init containers",
            json!({"type": "integer", "minimum": i64::MIN, "maximum": i64::MAX}),
        ),
        "podSecurityLevel" => (
            "the Pod Security level that what is added needs",
            json!({"enum": PodSecurityLevel::NAMES.map(|(name, _)| name)}),
        ),
        _ => ("", json!({})),
    }
}

fn list(items: impl Into<Value>) -> Value {
    json!({"type": ["array", "null"], "items": items.into()})
}

fn container_fields() -> Vec<&'static str> {
    let fields = schema::definition("Container").into_iter().flatten();
    fields.map(|(name, _)| name.as_str()).collect()
}

fn conditions(fields: &[&str], required: &[&str]) -> Value {
    let field = |name: &&str| {
        let ty = match *name {
            "expression" => json!({"type": ["string", "boolean"]}),
            "message" => json!({"type": ["string", "integer", "boolean", "null"]}),
            _ => json!({"type": "string"}),
        };
        ((*name).to_owned(), ty)
    };
    list(json!({
        "type": "object",
        "additionalProperties": false,
        "required": required,
        "properties": fields.iter().map(field).collect::<Map<_, _>>(),
    }))
}

fn parameters() -> Value {
    let declared = json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["type"],
        "properties": declared(&PARAMETER_FIELDS),
    });
    json!({
        "type": ["object", "null"],
        "propertyNames": label(),
        "additionalProperties": declared,
    })
}

/// The fields of a parameter's declaration, or of its `items`.
fn declared(fields: &[&str]) -> Map<String, Value> {
    let is_items = !fields.contains(&"items");
    let names: Vec<_> = ParameterType::NAMES.iter().map(|(name, _)| *name).collect();
    let types = if is_items {
        names.get(..6)
    } else {
        names.get(..)
    };
    let field = |name: &&str| {
        let schema = match *name {
            "type" => json!({"enum": types}),
            "required" => json!({"type": "boolean"}),
            "enum" => json!({"type": "array", "minItems": 1}),
            "description" | "pattern" => json!({"type": "string"}),
            "minimum" | "maximum" => json!({"type": ["number", "string"]}),
            "maxItems" => json!({"type": "integer", "minimum": 1}),
            "setBy" => list(json!({"enum": ["Pod", "Namespace"]})),
            "items" => json!({
                "type": ["object", "null"],
                "additionalProperties": false,
                "properties": declared(&ITEM_FIELDS),
            }),
            _ => json!({}),
        };
        ((*name).to_owned(), schema)
    };
    fields.iter().map(field).collect()
}

fn selector() -> Value {
    let requirement = json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["key", "operator"],
        "properties": {
            "key": {"type": "string"},
            "operator": {"enum": ["In", "NotIn", "Exists", "DoesNotExist"]},
            "values": {"type": "array", "items": {"type": "string"}},
        },
    });
    let labels = json!({
        "type": ["object", "null"],
        "additionalProperties": false,
        "properties": {
            "matchLabels": {"type": ["object", "null"], "additionalProperties": {"type": "string"}},
            "matchExpressions": list(requirement),
        },
    });
    json!({
        "type": ["object", "null"],
        "additionalProperties": false,
        "properties": {"namespaceSelector": labels, "podSelector": labels},
    })
}

fn metadata(definitions: &mut Definitions) -> Value {
    let texts = Slot::of(FieldType::Map(Box::new(FieldType::Text)));
    let texts = definitions.slot(&texts);
    json!({
        "type": ["object", "null"],
        "additionalProperties": false,
        "properties": {"labels": texts, "annotations": texts},
    })
}

/// Each code with the policies that it can have.
fn findings() -> Value {
    let can_be = |code: &Code, policy: &Policy| {
        let chosen = Policies::default().choose(code.as_str(), policy.as_str());
        chosen.is_ok()
    };
    let code = |code: &Code| {
        let policies = Policy::ALL.iter().filter(|policy| can_be(code, policy));
        let policies: Vec<_> = policies.map(|policy| policy.as_str()).collect();
        let policy = json!({"enum": policies, "description": code.meaning()});
        (code.as_str().to_owned(), policy)
    };
    json!({
        "type": ["object", "null"],
        "additionalProperties": false,
        "properties": Code::ALL.iter().map(code).collect::<Map<_, _>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_a_spec_is_described() {
        for name in SPEC_FIELDS {
            let (description, schema) = field(&mut Definitions::default(), name);
            assert!(!description.is_empty(), "{name}");
            assert_ne!(schema, json!({}), "{name}");
        }
    }
}
