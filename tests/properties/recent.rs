//! An engine that keeps recent decisions answers as one that keeps none: copies, copies with another
//! name for the ServiceAccount's volume, pods that differ in anything else, and bytes that are nearly
//! the same.

use std::cell::Cell;
use std::sync::LazyLock;

use pillion::inject::{Answer, CachedEngine, Endpoint};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::properties::answers::{places, review};
use crate::properties::engines::engine;
use crate::properties::pods::{any_json, pod};

/// An engine that keeps what all cases asked.
static ENGINE: LazyLock<CachedEngine> =
    LazyLock::new(|| CachedEngine::new(engine(37), 4 * 1024 * 1024));

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
        let fields = json!([{"manager": "m", "time": time, "note": name}]);
        metadata.insert("managedFields".to_owned(), fields);
    }
    pod
}

/// A change of a byte.
#[derive(Debug, Clone, Copy)]
enum Change {
    Replace(u8),
    Insert(u8),
    Remove,
    /// Written as an escape, so that the same is read.
    Escape,
}

/// A change, and where.
#[derive(Debug, Clone)]
struct Slip {
    change: Change,
    /// Near the beginning of one of these, else anywhere.
    near: Option<&'static str>,
    at: Index,
}

fn slip() -> impl Strategy<Value = Slip> {
    let bytes: Vec<u8> = b"\"\\{}[]:,u0bcx-Z \n\xff\xc3\x00".to_vec();
    let byte = prop::sample::select(bytes);
    let change = prop_oneof![
        3 => byte.clone().prop_map(Change::Replace),
        3 => byte.prop_map(Change::Insert),
        1 => Just(Change::Remove),
        2 => Just(Change::Escape),
    ];
    let near = [
        Some("\"uid\""),
        Some("\"time\""),
        Some("kube-api-access-"),
        None,
    ];
    let near = prop::sample::select(near.to_vec());
    (change, near, any::<Index>()).prop_map(|(change, near, at)| Slip { change, near, at })
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
        match self.change {
            Change::Replace(byte) => body[place] = byte,
            Change::Insert(byte) => body.insert(place, byte),
            Change::Remove => drop(body.remove(place)),
            Change::Escape => {
                let escape = format!("\\u{:04x}", body[place]);
                body.splice(place..=place, escape.into_bytes());
            }
        }
    }
}

/// An answer without what a recalled one lacks: its patch is in its response alone.
fn without_patch(mut answer: Answer) -> Answer {
    if let Answer::Review { decision, .. } = &mut answer {
        *decision = decision.without_patch().into();
    }
    answer
}

/// Whether the engine that keeps decisions recalled one; its answer is that of the other.
fn agree(body: &[u8]) -> Result<bool, TestCaseError> {
    let expected = without_patch(ENGINE.engine().review(body));
    let (answer, is_recalled) = ENGINE.answer(Endpoint::Mutate, body);
    let answer = without_patch(answer);
    prop_assert_eq!(expected, answer, "{}", String::from_utf8_lossy(body));
    Ok(is_recalled)
}

fn agree_on(pod: &Value) -> Result<bool, TestCaseError> {
    agree(review(pod).to_string().as_bytes())
}

/// Runs a property that says how many decisions were recalled in a case, and returns how many were in
/// all: without any it would say nothing.
fn recalled<S: Strategy>(
    strategy: &S,
    property: impl Fn(S::Value) -> Result<usize, TestCaseError>,
) -> usize {
    let count = Cell::new(0);
    let config = ProptestConfig {
        cases: crate::sampling::cases(300),
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let ran = TestRunner::new(config).run(strategy, |value| {
        count.set(count.get() + property(value)?);
        Ok(())
    });
    if let Err(failure) = ran {
        panic!("{failure}");
    }
    count.get()
}

#[test]
fn bytes_that_are_nearly_the_same_are_answered_as_what_they_are() {
    let strategy = (pod(), vec(slip(), 8));
    let recalled = recalled(&strategy, |(pod, slips)| {
        let pod = with_made_up(&pod, "kube-api-access-bcdfg");
        let body = review(&pod).to_string().into_bytes();
        agree(&body)?;
        let mut recalled = usize::from(agree(&body)?);
        for pair in slips.chunks(2) {
            let mut other = body.clone();
            for slip in pair {
                slip.make(&mut other);
                recalled += usize::from(agree(&other)?);
            }
        }
        Ok(recalled)
    });
    assert!(recalled > 100, "{recalled}");
}

#[test]
fn what_is_kept_is_what_would_be_decided() {
    let names = vec("kube-api-access-[bcdfgh24]{5}", 2);
    let edits = vec((any::<Index>(), any_json()), 1..3);
    let recalled = recalled(&(pod(), names, edits), |(pod, names, edits)| {
        let mut recalled = 0;
        for name in names.iter().chain([&names[0]]) {
            recalled += usize::from(agree_on(&with_made_up(&pod, name))?);
        }
        let mut edited = pod.clone();
        for (at, value) in edits {
            let mut found = Vec::new();
            places(&edited, "", &mut found);
            if let Some(place) = edited.pointer_mut(&found[at.index(found.len())]) {
                *place = value;
            }
            agree_on(&with_made_up(&edited, &names[0]))?;
            agree_on(&with_made_up(&edited, &names[1]))?;
            recalled += usize::from(agree_on(&with_made_up(&pod, &names[1]))?);
        }
        Ok(recalled)
    });
    assert!(recalled > 300, "{recalled}");
}
