//! An engine that keeps recent decisions answers as one that keeps none: copies, copies with another
//! name for the ServiceAccount's volume, and pods that differ in anything else.

use std::sync::LazyLock;

use pillion::inject::{Answer, Decision, Engine, Patch};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use crate::answers::{places, review};
use crate::engines::engine;
use crate::pods::{any_json, pod};

/// One that keeps nothing, and one that keeps what all cases asked.
static ENGINES: LazyLock<[Engine; 2]> =
    LazyLock::new(|| [engine(37), engine(37).keeping(4 * 1024 * 1024)]);

/// The pod as the ServiceAccount admission plugin leaves it.
fn with_token(pod: &Value, name: &str) -> Value {
    let mut pod = pod.clone();
    let mount = json!({"name": name, "readOnly": true,
        "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"});
    let volume = json!({"name": name,
        "projected": {"sources": [
            {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}},
            {"configMap": {"name": "kube-root-ca.crt"}}, {"downwardAPI": {}}]}});
    for (list, field, added) in [
        ("/spec/containers/0", "volumeMounts", mount),
        ("/spec", "volumes", volume),
    ] {
        let Some(Value::Object(object)) = pod.pointer_mut(list) else {
            continue;
        };
        let items = object.entry(field).or_insert_with(|| json!([]));
        if let Value::Array(items) = items {
            items.push(added);
        }
    }
    pod
}

fn agree(pod: &Value) -> Result<(), TestCaseError> {
    let body = review(pod).to_string();
    let [expected, kept] = [&ENGINES[0], &ENGINES[1]].map(|engine| engine.review(body.as_bytes()));
    match (expected, kept) {
        (
            Answer::Review {
                body: expected,
                decision: one,
                regarding,
                pod,
                ..
            },
            Answer::Review {
                body,
                decision: other,
                regarding: same,
                pod: name,
                ..
            },
        ) => {
            prop_assert_eq!(
                String::from_utf8_lossy(&expected),
                String::from_utf8_lossy(&body)
            );
            // A recent decision's patch is in its response alone.
            let unpatched = |decision: &Decision| Decision {
                patch: Patch::default(),
                ..decision.clone()
            };
            prop_assert_eq!(unpatched(&one), unpatched(&other));
            prop_assert_eq!((regarding, pod), (same, name));
        }
        (expected, kept) => prop_assert_eq!(expected, kept),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_kept_is_what_would_be_decided(
        pod in pod(),
        names in prop::collection::vec("kube-api-access-[bcdfgh24]{5}", 2),
        edits in prop::collection::vec((any::<Index>(), any_json()), 1..3),
    ) {
        let mut before = pod.clone();
        for name in names.iter().chain([&names[0]]) {
            agree(&with_token(&pod, name))?;
        }
        for (at, value) in edits {
            let mut found = Vec::new();
            places(&before, "", &mut found);
            if let Some(place) = before.pointer_mut(&found[at.index(found.len())]) {
                *place = value;
            }
            agree(&with_token(&before, &names[0]))?;
            agree(&with_token(&before, &names[1]))?;
            agree(&with_token(&pod, &names[1]))?;
        }
    }
}
