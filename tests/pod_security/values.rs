//! Single fields with values that may be wrong: what the API server refuses a template refuses, as
//! a literal when it is loaded and as a parameter's value on the pod; what it takes both may give.
//!
//! `PILLION_FIELD_VALUES` says how many of its values each field is tried with, `PILLION_SEED` which.

use std::collections::BTreeSet;

use pillion::inject::{RequestContext, Verdict};
use pillion::review::{Document, Pod};
use serde_json::{Map, Value, json};

use super::combinations::{Choices, engine, number};
use super::places::{LITERALS, PLACES};
use crate::support::control_plane::ControlPlane;
use crate::support::failure::Outcome;
use crate::support::namespace::Namespace;

/// As many of a field's values as a run of all tests has time for.
const SAMPLE: usize = 8;

/// What stands where a value goes.
const HERE: &str = "@";

/// Texts that some field refuses, and some that most take.
const TEXTS: [&str; 33] = [
    "",
    "a",
    "a.b",
    "a-b",
    "A",
    "aB",
    "-a",
    "a-",
    "a--",
    "a.",
    ".a",
    "a..b",
    "a.-b",
    ".",
    "..",
    "../a",
    "..a",
    "/a",
    "/a/../b",
    "a/b",
    "a/../b",
    "a/b/c",
    "a_b",
    "_a",
    "a b",
    " a",
    "a=b",
    "1a",
    "a:b",
    "é",
    "a.example/b",
    "example.com/a.b",
    "0",
];

/// Quantities that some field refuses.
const QUANTITIES: [&str; 12] = [
    "0", "1", "1m", "2", "1500m", "-1", "2Mi", "3Mi", "1Ki", "4Mi", "1e3", "1000m",
];

/// Numbers that some field refuses.
const NUMBERS: [i64; 12] = [
    -1,
    0,
    1,
    255,
    256,
    599,
    1023,
    1024,
    3600,
    65536,
    2_147_483_647,
    2_147_483_648,
];

/// What a field takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Quantity,
    Number,
}

/// The values that a field is tried with.
pub(super) fn values(kind: Kind) -> Vec<Value> {
    match kind {
        Kind::Quantity => QUANTITIES.map(Value::from).to_vec(),
        Kind::Number => NUMBERS.map(Value::from).to_vec(),
        Kind::Text => {
            let long = [63, 64, 253, 254, 300].map(|length| Value::from("a".repeat(length)));
            [TEXTS.map(Value::from).to_vec(), long.to_vec()].concat()
        }
    }
}

/// A part of a pod with a value where it goes.
pub(super) fn with_value(part: &Value, value: &Value) -> Value {
    match part {
        Value::String(text) if text == HERE => value.clone(),
        Value::String(text) => match value.as_str() {
            Some(value) => text.replace(HERE, value).into(),
            None => part.clone(),
        },
        Value::Array(items) => items.iter().map(|item| with_value(item, value)).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, field)| (key.clone(), with_value(field, value)))
            .collect::<Map<_, _>>()
            .into(),
        _ => part.clone(),
    }
}

fn extend(target: &mut Value, fields: &Value) {
    for (key, value) in fields.as_object().into_iter().flatten() {
        target[key] = value.clone();
    }
}

/// A template whose helper, volume, pod fields and annotations are those of a part.
fn template(part: &Value, kind: Kind) -> Value {
    let ty = match kind {
        Kind::Text => "string",
        Kind::Quantity => "quantity",
        Kind::Number => "integer",
    };
    let mut parameter = json!({"type": ty});
    match kind {
        Kind::Text => {}
        Kind::Quantity => parameter["default"] = json!("1"),
        Kind::Number => parameter["default"] = json!(1),
    }
    let mut helper = json!({"name": "helper", "image": "example.com/a:1"});
    extend(&mut helper, &part["container"]);
    let mut spec = json!({"podSecurityLevel": "privileged", "lifecycle": "Classic",
        "parameters": {"value": parameter}, "sidecars": [helper]});
    if let Some(volume) = part.get("volume") {
        let mut named = json!({"name": "v"});
        extend(&mut named, volume);
        spec["volumes"] = json!([named]);
    }
    if let Some(pod) = part.get("pod") {
        spec["pod"] = pod.clone();
    }
    if let Some(annotations) = part.get("annotations") {
        spec["metadata"] = json!({"annotations": annotations});
    }
    json!({"apiVersion": "pillion.dev/v1alpha1", "kind": "ClusterInjectionTemplate",
        "metadata": {"name": "t"}, "spec": spec})
}

/// The pod without templates, with a value for them.
fn bare(namespace: &str, value: &Value) -> Value {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    let annotations = json!({"pillion.dev/inject": "t", "t.pillion.dev/value": text});
    json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "pod", "namespace": namespace, "labels": {"app": "a"},
            "annotations": annotations},
        "spec": {"containers": [{"name": "app", "image": "example.com/a:1"}],
            "volumes": [{"name": "data", "emptyDir": {}}],
            "resourceClaims": [{"name": "a", "resourceClaimName": "a"}]}})
}

/// The pod as it would be with a part, made by hand.
fn by_hand(namespace: &str, part: &Value) -> Value {
    let mut pod = bare(namespace, &json!(""));
    let mut helper = json!({"name": "helper", "image": "example.com/a:1"});
    extend(&mut helper, &part["container"]);
    pod["spec"]["containers"]
        .as_array_mut()
        .unwrap()
        .push(helper);
    if let Some(volume) = part.get("volume") {
        let mut named = json!({"name": "v"});
        extend(&mut named, volume);
        pod["spec"]["volumes"].as_array_mut().unwrap().push(named);
    }
    extend(&mut pod["spec"], &part["pod"]);
    extend(&mut pod["metadata"]["annotations"], &part["annotations"]);
    pod
}

/// Why a template, or what it gives the pod, is refused; `None` where it is injected.
fn refusal(template: &Value, pod: &Value) -> Option<String> {
    let engine = match engine(template) {
        Ok(engine) => engine,
        Err(error) => return Some(error),
    };
    let context = RequestContext {
        namespace: pod["metadata"]["namespace"].as_str().unwrap().to_owned(),
        ..RequestContext::default()
    };
    let text = pod.to_string();
    let document = Document::read(&text).unwrap();
    let decision = engine.decide(&context, &Pod::read(document.root()).unwrap(), None);
    (decision.verdict() != Verdict::Injected).then_some(decision.message)
}

/// Notes where this program and the API server disagree about a part of a pod.
fn compare(what: &str, ours: Option<&str>, theirs: Option<&str>, may_be_stricter: bool) -> String {
    match (ours, theirs) {
        (None, Some(theirs)) => format!("{what}: refused by the API server only: {theirs}\n"),
        (Some(ours), None) if !may_be_stricter => format!("{what}: refused here only: {ours}\n"),
        _ => String::new(),
    }
}

#[tokio::test]
async fn what_the_api_server_refuses_in_a_field_a_template_refuses() -> Outcome {
    let client = ControlPlane::shared().await?.client()?;
    let namespace = Namespace::create(&client, "values", &[], &[]).await?;
    let mut choices = Choices::new(number("PILLION_SEED", 0x9e37_79b9) as u64);
    let sample = number("PILLION_FIELD_VALUES", SAMPLE);
    let mut wrong = String::new();
    let (mut taken, mut refused) = (0, BTreeSet::new());
    for place in PLACES {
        let part: Value = serde_json::from_str(place.part).unwrap();
        let mut values = values(place.kind);
        while values.len() > sample {
            values.swap_remove(choices.next(values.len()));
        }
        for value in values {
            let literal = with_value(&part, &value);
            let pod = by_hand(&namespace.name, &literal);
            let answer = namespace.create_pod("dryRun=All", &pod).await?;
            let theirs = (!answer.granted()).then(|| answer.message());
            let bare = bare(&namespace.name, &value);
            let by_literal = refusal(&template(&literal, place.kind), &bare);
            let expression = with_value(&part, &json!("${params.value}"));
            let by_value = refusal(&template(&expression, place.kind), &bare);
            for (way, ours) in [("literal", by_literal), ("value", by_value)] {
                let what = format!("{} = {value} ({way})", place.part);
                let ours = ours.as_deref();
                wrong.push_str(&compare(&what, ours, theirs, place.may_be_stricter));
            }
            taken += usize::from(theirs.is_none());
            if theirs.is_some() {
                refused.insert(place.part);
            }
        }
    }
    for literal in LITERALS {
        let part: Value = serde_json::from_str(literal).unwrap();
        let pod = by_hand(&namespace.name, &part);
        let answer = namespace.create_pod("dryRun=All", &pod).await?;
        let theirs = (!answer.granted()).then(|| answer.message());
        let bare = bare(&namespace.name, &json!(""));
        let ours = refusal(&template(&part, Kind::Text), &bare);
        wrong.push_str(&compare(literal, ours.as_deref(), theirs, false));
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(
        taken > 0 && refused.len() > PLACES.len() / 2,
        "{taken} taken, {refused:?}"
    );
    Ok(())
}
