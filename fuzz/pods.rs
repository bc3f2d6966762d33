//! Pods of every field that Kubernetes has, and of some that it has not.
//!
//! The fields are those of the generated schema, so that one of the next version is tried as soon as it
//! is known. Names that must differ do, and volumes that are mounted exist: what the API server would
//! never send is the business of the fuzzer of bytes.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::choices::Choices;

type Schema = BTreeMap<String, BTreeMap<String, String>>;

/// The API's types, with their fields.
static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../src/kubernetes/schema/pod.json")).unwrap()
});

/// How deep objects stand in one another.
const DEPTH: usize = 6;

const NAMES: [&str; 12] = [
    "app",
    "web",
    "proxy",
    "helper",
    "pgbouncer",
    "log-shipper",
    "setup",
    "istio-proxy",
    "data",
    "log",
    "log-shipper-log",
    "tmp",
];

const TEXTS: [&str; 16] = [
    "",
    "a",
    "auto",
    "app:1",
    "r.example.com:5000/a@sha256:00",
    "/var/log/app",
    "/data",
    "$(A) b",
    "${x}",
    "Always",
    "Never",
    "IfNotPresent",
    "64Mi",
    "500m",
    "é🚲\u{fffe}",
    "true",
];

/// Makes a pod.
pub(crate) fn pod(choices: &mut Choices<'_>, annotations: &Value) -> Value {
    let volumes = names(choices, "volume");
    let mut spec = object(choices, "PodSpec", DEPTH);
    for field in ["volumes", "ephemeralContainers", "initContainers"] {
        spec.remove(field);
    }
    if !volumes.is_empty() {
        let volumes = volumes.iter().map(|name| named(choices, "Volume", name));
        spec.insert("volumes".to_owned(), volumes.collect());
    }
    let mut all = names(choices, "c");
    let steps = all.split_off(all.len() / 2);
    all.push("own".to_owned());
    for (field, names) in [("containers", all), ("initContainers", steps)] {
        let containers = names.iter().map(|name| container(choices, name, &volumes));
        spec.insert(field.to_owned(), containers.collect());
    }
    let mut metadata = json!({"name": "orders", "annotations": annotations});
    if choices.once_in(3) {
        metadata["labels"] = texts(choices).into();
    }
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec});
    if choices.once_in(4) {
        pod["future"] = anything(choices, 3);
    }
    pod
}

/// Up to four different names.
fn names(choices: &mut Choices<'_>, other: &str) -> Vec<String> {
    let mut names = Vec::new();
    for number in 0..choices.below(5) {
        let name = (*choices.pick(&NAMES)).to_owned();
        let is_new = !names.contains(&name);
        names.push(if is_new {
            name
        } else {
            format!("{other}-{number}")
        });
    }
    names
}

fn named(choices: &mut Choices<'_>, ty: &str, name: &str) -> Value {
    let mut object = object(choices, ty, DEPTH - 1);
    object.insert("name".to_owned(), name.into());
    object.into()
}

fn container(choices: &mut Choices<'_>, name: &str, volumes: &[String]) -> Value {
    let mut container = object(choices, "Container", DEPTH - 1);
    for field in ["volumeMounts", "volumeDevices", "env", "ports"] {
        container.remove(field);
    }
    container.insert("name".to_owned(), name.into());
    // A policy beside the placeholder looks like one that was derived once the image is there.
    if container.get("image") == Some(&json!("auto")) || !container.contains_key("image") {
        container.remove("imagePullPolicy");
    }
    let mounts: Vec<_> = volumes
        .iter()
        .enumerate()
        .filter(|_| choices.once_in(2))
        .map(|(number, name)| json!({"name": name, "mountPath": format!("/m{number}")}))
        .collect();
    let variables = names(choices, "V").into_iter();
    let variables: Vec<_> = variables
        .map(|name| {
            let mut variable = object(choices, "EnvVar", 2);
            variable.insert(
                "name".to_owned(),
                name.to_uppercase().replace('-', "_").into(),
            );
            Value::from(variable)
        })
        .collect();
    let ports: Vec<_> = (0..choices.below(3))
        .map(|number| json!({"containerPort": 8000 + number + choices.below(3) * 10}))
        .collect();
    for (field, items) in [
        ("volumeMounts", mounts),
        ("env", variables),
        ("ports", ports),
    ] {
        if !items.is_empty() {
            container.insert(field.to_owned(), items.into());
        }
    }
    container.into()
}

/// An object of a type with some of its fields, and now and then one that no version knows.
fn object(choices: &mut Choices<'_>, ty: &str, depth: usize) -> Map<String, Value> {
    let mut object = Map::new();
    let Some(fields) = SCHEMA.get(ty) else {
        return object;
    };
    // A type has up to forty fields, of which few are wanted and each must be possible.
    for _ in 0..choices.below(4) {
        let Some((name, ty)) = fields.iter().nth(choices.below(fields.len())) else {
            continue;
        };
        if let Some(value) = value(choices, ty.trim_end_matches('!'), depth) {
            object.insert(name.clone(), value);
        }
    }
    for (name, ty) in fields.iter().filter(|(_, ty)| ty.ends_with('!')) {
        if !object.contains_key(name)
            && let Some(value) = value(choices, ty.trim_end_matches('!'), depth)
        {
            object.insert(name.clone(), value);
        }
    }
    if choices.once_in(6) {
        let name = ["futureField", "future~/x", "unknown"][choices.below(3)];
        object.insert(name.to_owned(), anything(choices, 2));
    }
    object
}

fn value(choices: &mut Choices<'_>, ty: &str, depth: usize) -> Option<Value> {
    if choices.once_in(20) {
        return Some(Value::Null);
    }
    if let Some(element) = ty.strip_prefix('[') {
        let element = element.trim_end_matches(']').trim_end_matches('!');
        // One element: which keys of a list must differ is not known here.
        let items = (0..choices.below(2)).filter_map(|_| value(choices, element, depth));
        return Some(items.collect());
    }
    if let Some(element) = ty.strip_prefix('{') {
        let element = element.trim_end_matches('}');
        let mut fields = Map::new();
        for _ in 0..choices.below(3) {
            let key = ["cpu", "memory", "disk", "a/b~c"][choices.below(4)];
            fields.insert(key.to_owned(), value(choices, element, depth)?);
        }
        return Some(fields.into());
    }
    Some(match ty {
        "string" => (*choices.pick(&TEXTS)).into(),
        "boolean" => choices.once_in(2).into(),
        "int32" | "int64" => [0, 1, 7, 1000, 65535][choices.below(5)].into(),
        "quantity" => ["64Mi", "1", "500m"][choices.below(3)].into(),
        "int-or-string" => [json!(8080), json!("http")][choices.below(2)].clone(),
        ty if SCHEMA.contains_key(ty) => {
            if depth == 0 {
                return None;
            }
            object(choices, ty, depth - 1).into()
        }
        _ => anything(choices, 1),
    })
}

fn texts(choices: &mut Choices<'_>) -> Map<String, Value> {
    let keys = ["tier", "app", "a.example/b~c"];
    (0..choices.below(3))
        .map(|number| (keys[number].to_owned(), (*choices.pick(&TEXTS)).into()))
        .collect()
}

/// Any JSON.
fn anything(choices: &mut Choices<'_>, depth: usize) -> Value {
    match choices.below(if depth == 0 { 4 } else { 6 }) {
        0 => Value::Null,
        1 => choices.once_in(2).into(),
        2 => i64::from(choices.byte()).into(),
        3 => (*choices.pick(&TEXTS)).into(),
        4 => (0..choices.below(3))
            .map(|_| anything(choices, depth - 1))
            .collect(),
        _ => {
            let fields = (0..choices.below(3)).map(|number| format!("k{number}"));
            let fields: Vec<_> = fields.collect();
            let fields = fields
                .into_iter()
                .map(|name| (name, anything(choices, depth - 1)));
            Value::Object(fields.collect())
        }
    }
}
