//! Any bytes get an answer that the API server can read, and never a patch that does not apply.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pillion::inject::{Answer, Engine};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use crate::properties::engines::engine;
use crate::properties::pods::{any_json, pod};

static ENGINES: LazyLock<[Engine; 2]> = LazyLock::new(|| [engine(37), engine(28)]);

pub(crate) fn review(pod: &Value) -> Value {
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "0b2e7f6a", "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "namespace": "shop", "operation": "CREATE", "object": pod, "dryRun": false}})
}

/// Asserts that the answer is one, and that its patch applies to the object of the review.
fn check(engine: &Engine, body: &[u8]) {
    let (answer, uid) = match engine.review(body) {
        Answer::BadRequest(message) => {
            assert!(!message.is_empty());
            return;
        }
        Answer::Review { body, uid, .. } => (body, uid),
        other @ Answer::NamespaceUnknown { .. } => panic!("no cluster is watched: {other:?}"),
    };
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    let response = &answer["response"];
    assert_eq!(answer["apiVersion"], "admission.k8s.io/v1");
    assert_eq!(response["uid"], uid.as_str());
    assert!(!uid.is_empty());
    let allowed = response["allowed"].as_bool().unwrap();
    assert_eq!(
        response.get("patch").is_some(),
        response.get("patchType").is_some()
    );
    if !allowed {
        assert!(!response["status"]["message"].as_str().unwrap().is_empty());
        assert!(response.get("patch").is_none());
    }
    if let Some(patch) = response.get("patch") {
        let patch = STANDARD.decode(patch.as_str().unwrap()).unwrap();
        let patch: json_patch::Patch = serde_json::from_slice(&patch).unwrap();
        // What nobody reads is not checked: a lone surrogate there is none of our business, and
        // nothing that an API server writes.
        let Ok(review) = serde_json::from_slice::<Value>(body) else {
            return;
        };
        let mut object = review["request"]["object"].clone();
        if let Err(error) = json_patch::patch(&mut object, &patch) {
            panic!("{error}\n{patch}\n{object}");
        }
    }
}

/// The places of all values in a document.
pub(crate) fn places(value: &Value, path: &str, found: &mut Vec<String>) {
    found.push(path.to_owned());
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let key = key.replace('~', "~0").replace('/', "~1");
                places(value, &format!("{path}/{key}"), found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                places(value, &format!("{path}/{index}"), found);
            }
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: crate::sampling::cases(300), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_answered(body in prop::collection::vec(any::<u8>(), 0..200)) {
        check(&ENGINES[0], &body);
    }

    #[test]
    fn a_review_with_other_bytes_in_it_is_answered(
        pod in pod(),
        edits in prop::collection::vec((any::<Index>(), any::<Option<u8>>()), 1..4),
    ) {
        let mut body = serde_json::to_vec(&review(&pod)).unwrap();
        for (at, byte) in edits {
            let at = at.index(body.len());
            match byte {
                Some(byte) => body[at] = byte,
                None => drop(body.remove(at)),
            }
        }
        check(&ENGINES[0], &body);
    }

    #[test]
    fn a_review_with_other_values_in_it_is_answered(
        pod in pod(),
        edits in prop::collection::vec((any::<Index>(), any_json()), 1..4),
    ) {
        let mut review = review(&pod);
        for (at, value) in edits {
            let mut all = Vec::new();
            places(&review, "", &mut all);
            let place = &all[at.index(all.len())];
            *review.pointer_mut(place).unwrap() = value;
        }
        let body = serde_json::to_vec(&review).unwrap();
        check(&ENGINES[0], &body);
        check(&ENGINES[1], &body);
    }
}
