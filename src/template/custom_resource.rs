//! The `CustomResourceDefinition`s of templates, from the tables that the compiler reads.
//!
//! Fields are typed where they are plain, so that the API server prunes and refuses what cannot be
//! meant; where expressions stand, unknown fields are kept as they are written, and the compiler
//! judges them: what does not compile is stored, told in the status and never served. There are no
//! defaults: a stored object says what its author wrote, and so has the revision of the file.

mod status;

use serde_json::{Map, Value, json};

use super::compile::{API_VERSION, ITEM_FIELDS, LONGEST_NAME, PARAMETER_FIELDS, SPEC_FIELDS};
use super::json_schema::described;
use super::parameter::ParameterType;
use crate::finding::Policy;

/// The plural of `ClusterInjectionTemplate`, by which the API has it.
pub const CLUSTER_PLURAL: &str = "clusterinjectiontemplates";
/// The plural of `InjectionTemplate`.
pub const NAMESPACED_PLURAL: &str = "injectiontemplates";

/// The longest label (RFC 1123).
const LONGEST_LABEL: usize = 63;
/// The longest text of one expression or message; the compiler bounds an expression tighter.
const LONGEST_TEXT: usize = 16 * 1024;

/// One kind of template.
struct Kind {
    name: &'static str,
    plural: &'static str,
    short: &'static str,
    namespaced: bool,
}

const KINDS: [Kind; 2] = [
    Kind {
        name: "ClusterInjectionTemplate",
        plural: CLUSTER_PLURAL,
        short: "cit",
        namespaced: false,
    },
    Kind {
        name: "InjectionTemplate",
        plural: NAMESPACED_PLURAL,
        short: "it",
        namespaced: true,
    },
];

/// The definitions, each with the name of its file.
pub fn definitions() -> Vec<(String, Value)> {
    let definition = |kind: &Kind| (format!("{}.yaml", kind.plural), definition(kind));
    KINDS.iter().map(definition).collect()
}

fn definition(kind: &Kind) -> Value {
    let (group, version) = API_VERSION.split_once('/').unwrap_or_default();
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{}.{group}", kind.plural)},
        "spec": {
            "group": group,
            "scope": if kind.namespaced { "Namespaced" } else { "Cluster" },
            "names": {
                "kind": kind.name,
                "listKind": format!("{}List", kind.name),
                "plural": kind.plural,
                "singular": kind.name.to_ascii_lowercase(),
                "shortNames": [kind.short],
                "categories": ["pillion"],
            },
            "versions": [{
                "name": version,
                "served": true,
                "storage": true,
                "schema": {"openAPIV3Schema": schema(kind)},
                "subresources": {"status": {}},
                "additionalPrinterColumns": columns(),
            }],
        },
    })
}

/// What `kubectl get` shows; those of priority 1 with `-o wide`.
fn columns() -> Value {
    let condition =
        |ty: &str, field: &str| format!(".status.conditions[?(@.type==\"{ty}\")].{field}");
    json!([
        {"name": "Pattern", "type": "string", "jsonPath": ".spec.pattern"},
        {"name": "Mode", "type": "string", "jsonPath": ".spec.mode"},
        {"name": "Requirement", "type": "string", "jsonPath": ".spec.requirement"},
        {"name": "Compiled", "type": "string", "jsonPath": condition("Compiled", "status"),
         "description": "whether the newest generation compiles"},
        {"name": "Served", "type": "string", "jsonPath": condition("Served", "reason"),
         "description": "which revision is served"},
        {"name": "Revision", "type": "string", "jsonPath": ".status.servedRevision"},
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
        {"name": "Message", "type": "string", "priority": 1,
         "jsonPath": condition("Compiled", "message")},
    ])
}

fn schema(kind: &Kind) -> Value {
    let what = if kind.namespaced {
        "What Pillion adds to a pod of this namespace that asks for it."
    } else {
        "What Pillion adds to a pod that asks for it."
    };
    json!({
        "type": "object",
        "description": what,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object", "properties": {
                "name": {"type": "string", "maxLength": LONGEST_NAME},
            }},
            "spec": spec(kind),
            "status": status::schema(),
        },
        "x-kubernetes-validations": [{
            "rule": "!self.metadata.name.contains('.')",
            "message": "a template's name is a DNS label, without dots: it is part of the names of \
                        annotations and volumes",
        }],
    })
}

fn spec(kind: &Kind) -> Value {
    let field = |name: &str| {
        let (description, plain) = described(name);
        let mut schema = field(name, plain);
        if let Some(schema) = schema.as_object_mut() {
            schema.insert("description".to_owned(), description.into());
        }
        (name.to_owned(), schema)
    };
    let properties: Map<_, _> = SPEC_FIELDS.into_iter().map(field).collect();
    json!({
        "type": "object",
        "properties": properties,
        "x-kubernetes-validations": rules(kind),
    })
}

/// What no single field says, as the compiler says it.
fn rules(kind: &Kind) -> Value {
    let mandatory = "has(self.requirement) && self.requirement == 'Mandatory'";
    let shadowable = "has(self.shadowable) && self.shadowable";
    if kind.namespaced {
        return json!([
            {
                "rule": format!("!({mandatory})"),
                "message": "only a ClusterInjectionTemplate can be Mandatory",
                "fieldPath": ".requirement",
            },
            {
                "rule": format!("!({shadowable})"),
                "message": "only a ClusterInjectionTemplate can be shadowed",
                "fieldPath": ".shadowable",
            },
        ]);
    }
    json!([{
        "rule": format!("!({mandatory} && {shadowable})"),
        "message": "a Mandatory template cannot be shadowed",
        "fieldPath": ".shadowable",
    }])
}

/// A field of the spec; `plain` is its JSON Schema, where that says enough.
fn field(name: &str, plain: Value) -> Value {
    match name {
        "parameters" => json!({
            "type": "object",
            "nullable": true,
            "additionalProperties": declared(&PARAMETER_FIELDS),
        }),
        "override" => atomic(&json!({"type": "string", "maxLength": LONGEST_LABEL})),
        "selector" => selector(),
        "matchConditions" | "variables" => by_name(&json!({
            "type": "object",
            "required": ["name", "expression"],
            "properties": {"name": text(LONGEST_LABEL), "expression": text(LONGEST_TEXT)},
        })),
        "validations" => atomic(&json!({
            "type": "object",
            "required": ["expression"],
            "properties": {"expression": text(LONGEST_TEXT), "message": text(LONGEST_TEXT)},
        })),
        "sidecars" => by_name(&container(true)),
        "initContainers" => by_name(&container(false)),
        "volumes" => by_name(&kept(&["name"], &[("name", label())])),
        "app" | "metadata" | "pod" => {
            let mut open = kept(&[], &[]);
            add(&mut open, "nullable", true);
            open
        }
        "findings" => json!({
            "type": "object",
            "nullable": true,
            "additionalProperties": {
                "type": "string",
                "enum": Policy::ALL.map(Policy::as_str),
            },
        }),
        "description" => text(LONGEST_TEXT),
        "order" => json!({"type": "integer", "format": "int64"}),
        _ => typed(plain),
    }
}

/// A list of words is a text's.
fn typed(mut schema: Value) -> Value {
    if schema.get("enum").is_some() {
        add(&mut schema, "type", "string");
    }
    schema
}

fn text(longest: usize) -> Value {
    json!({"type": "string", "maxLength": longest})
}

fn label() -> Value {
    json!({
        "type": "string",
        "maxLength": LONGEST_LABEL,
        "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
    })
}

/// A map whose other fields are kept as they are written.
fn kept(required: &[&str], fields: &[(&str, Value)]) -> Value {
    let mut map = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    if !required.is_empty() {
        add(&mut map, "required", required);
    }
    if !fields.is_empty() {
        let fields = fields.iter().cloned();
        let fields: Map<_, _> = fields.map(|(name, ty)| (name.to_owned(), ty)).collect();
        add(&mut map, "properties", fields);
    }
    map
}

fn container(is_sidecar: bool) -> Value {
    let mut fields = vec![("name", label()), ("image", json!({"type": "string"}))];
    if is_sidecar {
        let wait = json!({
            "type": "boolean",
            "description": "the app starts when this is ready",
        });
        fields.push(("waitForReady", wait));
    }
    kept(&["name", "image"], &fields)
}

/// A list whose elements are told by their names, which the compiler wants to be different too.
fn by_name(items: &Value) -> Value {
    json!({
        "type": "array",
        "nullable": true,
        "items": items,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
    })
}

/// A list that is one value.
fn atomic(items: &Value) -> Value {
    json!({
        "type": "array",
        "nullable": true,
        "items": items,
        "x-kubernetes-list-type": "atomic",
    })
}

/// The fields of a parameter's declaration, or of its `items`.
fn declared(fields: &[&str]) -> Value {
    let is_items = !fields.contains(&"items");
    let types = ParameterType::NAMES.iter().map(|(name, _)| *name);
    let types: Vec<_> = types.take(if is_items { 6 } else { 8 }).collect();
    let any = json!({"x-kubernetes-preserve-unknown-fields": true});
    let field = |name: &&str| {
        let schema = match *name {
            "type" => json!({"type": "string", "enum": types}),
            "required" => json!({"type": "boolean"}),
            "description" | "pattern" => text(LONGEST_TEXT),
            "maxItems" => json!({"type": "integer", "format": "int64", "minimum": 1}),
            "enum" => json!({
                "type": "array",
                "minItems": 1,
                "items": any,
                "x-kubernetes-list-type": "atomic",
            }),
            "setBy" => atomic(&json!({"type": "string", "enum": ["Pod", "Namespace"]})),
            "items" => {
                let mut items = declared(&ITEM_FIELDS);
                add(&mut items, "nullable", true);
                items
            }
            _ => any.clone(),
        };
        ((*name).to_owned(), schema)
    };
    let mut declared = kept(if is_items { &[] } else { &["type"] }, &[]);
    let properties: Map<_, _> = fields.iter().map(field).collect();
    add(&mut declared, "properties", properties);
    declared
}

fn selector() -> Value {
    let requirement = json!({
        "type": "object",
        "required": ["key", "operator"],
        "properties": {
            "key": {"type": "string"},
            "operator": {"type": "string", "enum": ["In", "NotIn", "Exists", "DoesNotExist"]},
            "values": atomic(&json!({"type": "string"})),
        },
    });
    let labels = json!({
        "type": "object",
        "nullable": true,
        "properties": {
            "matchLabels": {
                "type": "object",
                "nullable": true,
                "additionalProperties": {"type": "string"},
            },
            "matchExpressions": atomic(&requirement),
        },
    });
    json!({
        "type": "object",
        "nullable": true,
        "properties": {"namespaceSelector": labels, "podSelector": labels},
    })
}

fn add(schema: &mut Value, name: &str, value: impl Into<Value>) {
    if let Some(schema) = schema.as_object_mut() {
        schema.insert(name.to_owned(), value.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_a_spec_has_a_type_and_a_description() {
        for (name, definition) in definitions() {
            let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
            let spec = schema["properties"]["spec"]["properties"].as_object();
            let spec = spec.unwrap();
            assert_eq!(spec.len(), SPEC_FIELDS.len(), "{name}");
            for (field, schema) in spec {
                assert!(schema["type"].is_string(), "{name}: {field}: {schema}");
                assert!(
                    !schema["description"].as_str().unwrap().is_empty(),
                    "{field}"
                );
            }
        }
    }
}
