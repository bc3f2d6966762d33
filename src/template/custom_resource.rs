//! The `CustomResourceDefinition`s of templates, from the tables that the compiler reads.
//!
//! Fields are typed where they are plain, so that the API server prunes and refuses what cannot be
//! meant; where expressions stand, unknown fields are kept as they are written, and the compiler
//! judges them: what does not compile is stored, told in the status and never served. There are no
//! defaults: a stored object says what its author wrote, and so has the revision of the file.

mod status;

use serde_json::{Map, Value, json};

use super::compile::{API_VERSION, LONGEST_NAME, SPEC};
use super::shape::{
    DocumentKind, Field, Kind as FieldKind, LABEL_PATTERN, LONGEST_LABEL, WAIT_FOR_READY,
};
use super::word::Word;
use crate::finding::Policy;

/// The plural of `ClusterInjectionTemplate`, by which the API has it.
pub(crate) const CLUSTER_PLURAL: &str = "clusterinjectiontemplates";
pub(crate) const NAMESPACED_PLURAL: &str = "injectiontemplates";

/// The longest text of one expression or message; the compiler bounds an expression tighter.
const LONGEST_TEXT: usize = 16 * 1024;

struct Kind {
    document: DocumentKind,
    plural: &'static str,
    short: &'static str,
}

const KINDS: [Kind; 2] = [
    Kind {
        document: DocumentKind::Cluster,
        plural: CLUSTER_PLURAL,
        short: "cit",
    },
    Kind {
        document: DocumentKind::Namespaced,
        plural: NAMESPACED_PLURAL,
        short: "it",
    },
];

impl Kind {
    fn is_namespaced(&self) -> bool {
        self.document == DocumentKind::Namespaced
    }
}

/// The definitions, each with the name of its file.
pub fn definitions() -> Vec<(String, Value)> {
    KINDS
        .iter()
        .map(|kind| (format!("{}.yaml", kind.plural), definition(kind)))
        .collect()
}

fn definition(kind: &Kind) -> Value {
    let name = kind.document.word();
    let (group, version) = API_VERSION.split_once('/').unwrap_or_default();
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{}.{group}", kind.plural)},
        "spec": {
            "group": group,
            "scope": if kind.is_namespaced() { "Namespaced" } else { "Cluster" },
            "names": {
                "kind": name,
                "listKind": format!("{name}List"),
                "plural": kind.plural,
                "singular": name.to_ascii_lowercase(),
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

fn condition(ty: &str, field: &str) -> String {
    format!(".status.conditions[?(@.type==\"{ty}\")].{field}")
}

/// What `kubectl get` shows; those of priority 1 with `-o wide`.
fn columns() -> Value {
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
    let what = if kind.is_namespaced() {
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
    let mut properties = Map::new();
    for setting in SPEC {
        let mut schema = field(&setting.field.kind);
        add(&mut schema, "description", setting.field.description);
        properties.insert(setting.field.name.to_owned(), schema);
    }
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
    if kind.is_namespaced() {
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

/// What a field of the language may hold, as the API server checks it.
fn field(kind: &FieldKind) -> Value {
    match kind {
        FieldKind::Text | FieldKind::Expression | FieldKind::Message => text(LONGEST_TEXT),
        FieldKind::Name | FieldKind::ContainerFields => text(LONGEST_LABEL),
        FieldKind::Boolean => json!({"type": "boolean"}),
        FieldKind::Integer(i64::MIN) => json!({"type": "integer", "format": "int64"}),
        FieldKind::Integer(minimum) => {
            json!({"type": "integer", "format": "int64", "minimum": minimum})
        }
        FieldKind::Bound | FieldKind::Any => json!({"x-kubernetes-preserve-unknown-fields": true}),
        FieldKind::Values => json!({
            "type": "array",
            "minItems": 1,
            "items": {"x-kubernetes-preserve-unknown-fields": true},
            "x-kubernetes-list-type": "atomic",
        }),
        FieldKind::Words(words) => json!({"type": "string", "enum": words()}),
        FieldKind::List(element) => atomic(&match element {
            FieldKind::Object(fields) => object(fields),
            element => field(element),
        }),
        FieldKind::Object(fields) => nullable(object(fields)),
        FieldKind::NamedObjects(fields) => by_name(&object(fields)),
        FieldKind::Parameters(fields) => nullable(json!({
            "type": "object",
            "additionalProperties": kept(object(fields)),
        })),
        FieldKind::OpenObject(fields) => nullable(kept(object(fields))),
        FieldKind::Labels => nullable(json!({
            "type": "object",
            "additionalProperties": {"type": "string"},
        })),
        FieldKind::Policies => nullable(json!({
            "type": "object",
            "additionalProperties": {"type": "string", "enum": Policy::ALL.map(Policy::as_str)},
        })),
        FieldKind::Sidecars => by_name(&container(true)),
        FieldKind::InitContainers => by_name(&container(false)),
        FieldKind::Volumes => by_name(&kept(json!({
            "type": "object",
            "required": ["name"],
            "properties": {"name": label()},
        }))),
        FieldKind::Texts | FieldKind::App | FieldKind::Pod => {
            nullable(kept(json!({"type": "object"})))
        }
    }
}

/// An object of the language.
fn object(fields: &[Field]) -> Value {
    let mut properties = Map::new();
    for Field { name, kind, .. } in fields {
        properties.insert((*name).to_owned(), field(kind));
    }
    let mut object = json!({"type": "object", "properties": properties});
    let required: Vec<_> = fields
        .iter()
        .filter(|field| field.required)
        .map(|field| field.name)
        .collect();
    if !required.is_empty() {
        add(&mut object, "required", required);
    }
    object
}

fn nullable(mut schema: Value) -> Value {
    add(&mut schema, "nullable", true);
    schema
}

/// The same map, whose other fields are kept as they are written.
fn kept(mut map: Value) -> Value {
    add(&mut map, "x-kubernetes-preserve-unknown-fields", true);
    map
}

fn text(longest: usize) -> Value {
    json!({"type": "string", "maxLength": longest})
}

fn label() -> Value {
    json!({
        "type": "string",
        "maxLength": LONGEST_LABEL,
        "pattern": LABEL_PATTERN,
    })
}

fn container(is_sidecar: bool) -> Value {
    let mut container = kept(json!({
        "type": "object",
        "required": ["name", "image"],
        "properties": {"name": label(), "image": {"type": "string"}},
    }));
    if let (true, Some(fields)) = (is_sidecar, container.pointer_mut("/properties")) {
        let mut wait = field(&WAIT_FOR_READY.kind);
        add(&mut wait, "description", WAIT_FOR_READY.description);
        add(fields, WAIT_FOR_READY.name, wait);
    }
    container
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
            assert_eq!(spec.len(), SPEC.len(), "{name}");
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
