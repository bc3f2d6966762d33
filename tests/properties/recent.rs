//! An engine that keeps recent decisions answers as one that keeps none: copies, copies with another
//! name for the ServiceAccount's volume, pods that differ in anything else, and bytes that are nearly
//! the same.

use std::sync::LazyLock;

use pillion::inject::{Answer, Decision, Engine, Patch, Subject};
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

/// A pod with what the API server makes up for each.
fn with_made_up(pod: &Value, name: &str) -> Value {
    let mut pod = with_token(pod, name);
    if let Some(Value::Object(metadata)) = pod.pointer_mut("/metadata") {
        let time = "2026-11-20T09:12:44Z";
        metadata.insert(
            "uid".to_owned(),
            json!("6c1d5a07-93f4-4c7e-8f0e-90a4a0ff7a65"),
        );
        metadata.insert("creationTimestamp".to_owned(), json!(time));
        let fields = json!([{"manager": "m", "time": time, "note": name}]);
        metadata.insert("managedFields".to_owned(), fields);
    }
    pod
}

/// A change of bytes: where, and whether a byte is put in the place of one, before it, or left out.
#[derive(Debug, Clone)]
struct Slip {
    /// Near the beginning of one of these, else anywhere.
    near: Option<&'static str>,
    at: Index,
    byte: Option<u8>,
    replaces: bool,
}

fn slip() -> impl Strategy<Value = Slip> {
    let near = [
        Some("\"uid\""),
        Some("\"creationTimestamp\""),
        Some("\"time\""),
        Some("kube-api-access-"),
        None,
    ];
    let bytes: Vec<u8> = b"\"\\{}[]:,u0bcx-Z \n\xff\xc3\x00".to_vec();
    let byte = prop::option::weighted(0.8, prop::sample::select(bytes));
    let near = prop::sample::select(near.to_vec());
    (near, any::<Index>(), byte, any::<bool>()).prop_map(|(near, at, byte, replaces)| Slip {
        near,
        at,
        byte,
        replaces,
    })
}

impl Slip {
    fn make(&self, body: &mut Vec<u8>) {
        let places: Vec<usize> = match self.near {
            Some(near) => memchr::memmem::find_iter(body, near)
                .flat_map(|start| start..start + 64)
                .filter(|place| *place < body.len())
                .collect(),
            None => (0..body.len()).collect(),
        };
        if places.is_empty() {
            return;
        }
        let place = places[self.at.index(places.len())];
        let behind = place + usize::from(self.replaces || self.byte.is_none());
        body.splice(place..behind, self.byte);
    }
}

fn agree(pod: &Value) -> Result<(), TestCaseError> {
    agree_on(review(pod).to_string().as_bytes())
}

fn agree_on(body: &[u8]) -> Result<(), TestCaseError> {
    let [expected, kept] = [&ENGINES[0], &ENGINES[1]].map(|engine| engine.review(body));
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
    fn a_pod_that_asks_for_nothing_is_answered_as_if_all_of_it_was_read(
        mut pod in pod(),
        is_bare in any::<bool>(),
    ) {
        if let Some(Value::Object(metadata)) = pod.pointer_mut("/metadata").filter(|_| is_bare) {
            for field in ["labels", "annotations"] {
                if let Some(Value::Object(texts)) = metadata.get_mut(field) {
                    texts.retain(|key, _| !key.contains("pillion.dev/"));
                }
            }
        }
        let subject = Subject { namespace: "shop".to_owned(), ..Subject::default() };
        let expected = ENGINES[0].decide(&subject, &pod.to_string());
        match ENGINES[0].review(review(&pod).to_string().as_bytes()) {
            Answer::Review { decision, .. } => prop_assert_eq!(&*decision, &expected),
            other => prop_assert!(false, "{other:?}"),
        }
    }

    #[test]
    fn bytes_that_are_nearly_the_same_are_answered_as_what_they_are(
        pod in pod(),
        slips in prop::collection::vec(slip(), 8),
    ) {
        let pod = with_made_up(&pod, "kube-api-access-bcdfg");
        let body = review(&pod).to_string().into_bytes();
        agree_on(&body)?;
        for pair in slips.chunks(2) {
            let mut other = body.clone();
            for slip in pair {
                slip.make(&mut other);
                agree_on(&other)?;
            }
        }
    }

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
