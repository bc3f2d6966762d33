//! Values of parameters stay values: whatever they hold, only the places that the template gave
//! them change, and nothing becomes structure.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use pillion::inject::{Engine, Verdict};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::properties::engines::{decide, engine, patched};

static ENGINE: LazyLock<Engine> = LazyLock::new(|| engine(37));

/// A value that is nowhere else in the pod.
const HARMLESS: &str = "zzharmlesszz";

/// Text without control characters, often with what means something somewhere.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => "\\PC{1,4}",
        1 => prop::sample::select(vec![
            "$(TOKEN)", "$$", "${params.value}", "${", "}", "\"", "'", "\\", "\": \"", "- ", ": ",
            "#", "{a: b}", "[1]", "&x", "*x", "!!int", "|", ">", "null", "true", "0644", "~", "%",
            "\u{2028}", "\u{2029}", "\u{feff}", "/", "~1", "],\"x\":[",
        ]).prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 1..6).prop_map(|pieces| pieces.concat())
}

fn pod(template: &str, parameter: &str, value: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "orders", "annotations": {
            "pillion.dev/inject": template,
            format!("{template}.pillion.dev/{parameter}"): value}},
        "spec": {"containers": [{"name": "app", "image": "app:1"}]}})
}

/// The paths of all leaves with their values.
fn leaves(value: &Value, path: &str, found: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => fields
            .iter()
            .for_each(|(key, value)| leaves(value, &format!("{path}/{key}"), found)),
        Value::Array(items) if !items.is_empty() => items
            .iter()
            .enumerate()
            .for_each(|(index, value)| leaves(value, &format!("{path}/{index}"), found)),
        leaf => {
            found.insert(path.to_owned(), leaf.clone());
        }
    }
}

fn injected(pod: &Value) -> Option<Value> {
    let decision = decide(&ENGINE, pod);
    (decision.verdict() == Verdict::Injected).then(|| patched(pod, &decision))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: crate::sampling::cases(300), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn only_the_places_that_the_template_gave_a_value_change(value in hostile()) {
        for (template, parameter) in [("echo", "value"), ("config", "text")] {
            let harmless = injected(&pod(template, parameter, HARMLESS)).unwrap();
            let Some(other) = injected(&pod(template, parameter, &value)) else {
                panic!("{template}: refused {value:?}");
            };
            let (mut expected, mut found) = (BTreeMap::new(), BTreeMap::new());
            leaves(&harmless, "", &mut expected);
            leaves(&other, "", &mut found);
            prop_assert!(expected.keys().eq(found.keys()));
            for (path, leaf) in expected {
                let same_type = leaf.is_string() == found[&path].is_string();
                let given = leaf.as_str().is_some_and(|text| text.contains(HARMLESS));
                // A status has digests of what was added.
                let is_status = path.starts_with("/metadata/annotations/pillion.dev/status.");
                let is_same = is_status || leaf == found[&path];
                prop_assert!(same_type && (given || is_same), "{path}");
            }
        }
    }

    #[test]
    fn generated_files_read_back_as_the_value(value in hostile()) {
        let pod = injected(&pod("config", "text", &value)).unwrap();
        let file = |name: &str| {
            let key = format!("pillion.dev/file.config-all.tree.{name}");
            pod["metadata"]["annotations"][key].as_str().unwrap()
        };
        let json: Value = serde_json::from_str(file("json")).unwrap();
        let yaml: Value = serde_saphyr::from_str(file("yaml")).unwrap();
        prop_assert_eq!(json["text"].as_str(), Some(value.as_str()));
        prop_assert_eq!(&yaml, &json);
    }
}
