//! Generated files are current: each is made again from its source and compared with what is
//! committed. `UPDATE=1 cargo test --test offline generated::` writes them.

use std::collections::BTreeMap;
use std::path::Path;

use k8s_openapi::api::core::v1::PodSpec;
use serde_json::{Map, Value};

/// Definitions that are written as a type of their own instead of by their fields.
fn special(definition: &str) -> Option<&'static str> {
    match definition {
        "Quantity" => Some("quantity"),
        "IntOrString" => Some("int-or-string"),
        "Time" | "MicroTime" => Some("string"),
        "FieldsV1" | "RawExtension" => Some("any"),
        _ => None,
    }
}

fn short(reference: &str) -> &str {
    reference.rsplit(['.', '/']).next().unwrap_or(reference)
}

fn type_of(schema: &Value) -> String {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let name = short(reference);
        return special(name).unwrap_or(name).to_owned();
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("array") => format!("[{}]", type_of(&schema["items"])),
        Some("object") => match schema.get("additionalProperties") {
            Some(values) => format!("{{{}}}", type_of(values)),
            None => "any".to_owned(),
        },
        Some("integer") => match schema.get("format").and_then(Value::as_str) {
            Some("int32") => "int32".to_owned(),
            _ => "int64".to_owned(),
        },
        Some(plain) => plain.to_owned(),
        None => "any".to_owned(),
    }
}

fn fields_of(definition: &Value) -> BTreeMap<String, String> {
    let empty = Map::new();
    let properties = definition["properties"].as_object().unwrap_or(&empty);
    let required: Vec<&str> = definition["required"]
        .as_array()
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let field = |(name, schema): (&String, &Value)| {
        let mark = if required.contains(&name.as_str()) {
            "!"
        } else {
            ""
        };
        (name.clone(), format!("{}{mark}", type_of(schema)))
    };
    properties.iter().map(field).collect()
}

/// The field types of a pod's spec and of all that it holds, from k8s-openapi's JSON Schema.
fn pod_schema() -> String {
    let schema = schemars::schema_for!(PodSpec).to_value();
    let mut definitions = BTreeMap::from([("PodSpec".to_owned(), fields_of(&schema))]);
    for (name, definition) in schema["$defs"].as_object().expect("definitions") {
        if special(short(name)).is_none() {
            let previous = definitions.insert(short(name).to_owned(), fields_of(definition));
            assert!(
                previous.is_none() || short(name) == "PodSpec",
                "{name} stands twice"
            );
        }
    }
    serde_json::to_string_pretty(&definitions).expect("plain maps serialise") + "\n"
}

/// Compares a committed file with what its source gives now, or writes it when asked to.
fn assert_current(path: &str, now: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("UPDATE").is_some() {
        let folder = file.parent().expect("a file is in a folder");
        std::fs::create_dir_all(folder).expect("the folder is writable");
        std::fs::write(&file, now).expect("the file is writable");
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        committed == now,
        "{path} is not current: run `UPDATE=1 cargo test --test offline generated::` and commit it"
    );
}

#[test]
fn the_pod_schema_is_that_of_k8s_openapi() {
    assert_current("src/kubernetes/schema/pod.json", &pod_schema());
}

#[test]
fn the_definitions_of_templates_are_those_of_the_compiler() {
    for (name, definition) in pillion::template::custom_resource::definitions() {
        let text = serde_saphyr::to_string(&definition).expect("plain maps serialise");
        let read: Value = serde_saphyr::from_str(&text).expect("it is YAML");
        assert_eq!(read, definition, "{name}");
        let path = format!("deploy/chart/pillion/files/crds/{name}");
        let opening = "# Generated from src/template/custom_resource.rs: \
                       `UPDATE=1 cargo test --test offline generated::` writes it.\n";
        assert_current(&path, &format!("{opening}{text}"));
    }
}
