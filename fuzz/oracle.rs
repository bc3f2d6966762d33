//! What must hold of an answer, whatever was asked. Nothing of the engine is used to tell: patches are
//! applied by the `json-patch` crate, and the API server's rules are written down here once more.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pillion::inject::{Answer, Endpoint, Engine};
use serde_json::{Value, json};

use super::unique::has_unique_keys;
use crate::properties::survival::lost;

/// The most that an answer may have: a patch of 3 MiB in base64, and the rest.
const LARGEST_ANSWER: usize = 5 * 1024 * 1024;

/// A review of a pod of the namespace `shop`.
pub(crate) fn review(pod: &Value) -> Value {
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "0b2e7f6a", "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "namespace": "shop", "operation": "CREATE", "object": pod, "dryRun": false}})
}

/// What came of a review.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) allowed: bool,
    /// The object as the API server has it behind the patch.
    pub(crate) after: Value,
    /// Whether there was a patch.
    pub(crate) is_changed: bool,
}

/// Checks the form of an answer, and applies its patch. `None` where there is no review in the answer, or
/// its object cannot be read here.
pub(crate) fn outcome(answer: &Answer, body: &[u8], endpoint: Endpoint) -> Option<Outcome> {
    let (answer, uid) = match answer {
        Answer::Review { body, uid, .. } => (body, uid),
        Answer::BadRequest(message) => {
            assert!(!message.is_empty());
            return None;
        }
        other @ Answer::NamespaceUnknown { .. } => panic!("no cluster is watched: {other:?}"),
    };
    assert!(answer.len() < LARGEST_ANSWER, "{} bytes", answer.len());
    let answer: Value = serde_json::from_slice(answer).unwrap();
    let response = &answer["response"];
    assert_eq!(answer["apiVersion"], "admission.k8s.io/v1");
    assert_eq!(response["uid"], uid.as_str());
    let allowed = response["allowed"].as_bool().unwrap();
    let patch = response.get("patch");
    assert_eq!(patch.is_some(), response.get("patchType").is_some());
    assert!(allowed || patch.is_none(), "{response}");
    if !allowed {
        assert!(!response["status"]["message"].as_str().unwrap().is_empty());
    }
    if endpoint == Endpoint::Advise {
        assert!(
            allowed && patch.is_none(),
            "advice changes nothing: {response}"
        );
    }
    for warning in response["warnings"].as_array().into_iter().flatten() {
        let warning = warning.as_str().unwrap();
        assert!(
            !warning.is_empty() && !warning.contains(['\n', '\0']),
            "{warning:?}"
        );
    }
    if !has_unique_keys(body) {
        return None;
    }
    let review = serde_json::from_slice::<Value>(body).ok()?;
    let mut after = review["request"]["object"].clone();
    if let Some(patch) = patch {
        let patch = STANDARD.decode(patch.as_str().unwrap()).unwrap();
        let patch: json_patch::Patch = serde_json::from_slice(&patch).unwrap();
        if let Err(error) = json_patch::patch(&mut after, &patch) {
            panic!("{error}\n{patch}\n{after}");
        }
    }
    Some(Outcome {
        allowed,
        after,
        is_changed: patch.is_some(),
    })
}

/// Checks everything that must hold of an engine's answer to a pod. Returns whether the pod was changed.
pub(crate) fn holds(engine: &Engine, pod: &Value) -> bool {
    let ask = |pod: &Value| {
        let body = review(pod).to_string().into_bytes();
        outcome(&engine.review(&body), &body, Endpoint::Mutate).unwrap()
    };
    let first = ask(pod);
    if !first.allowed {
        return false;
    }
    assert_eq!(lost(pod, &first.after, ""), None, "{pod}\n{}", first.after);
    let before = broken_rules(pod);
    let broken: Vec<_> = broken_rules(&first.after)
        .into_iter()
        .filter(|rule| !before.contains(rule))
        .collect();
    assert!(broken.is_empty(), "{broken:?}\n{pod}\n{}", first.after);
    let second = ask(&first.after);
    assert!(
        second.allowed && !second.is_changed,
        "a second call changes the pod\n{pod}\n{}\n{}",
        first.after,
        second.after
    );
    first.is_changed
}

/// The rules of the API server that a pod breaks.
pub(crate) fn broken_rules(pod: &Value) -> BTreeSet<String> {
    let mut broken = BTreeSet::new();
    let spec = &pod["spec"];
    let all = |field: &str| spec[field].as_array().cloned().unwrap_or_default();
    let volumes = all("volumes");
    twice(
        &mut broken,
        "volume",
        volumes.iter().map(|it| it["name"].clone()),
    );
    let containers: Vec<_> = [all("initContainers"), all("containers")].concat();
    if all("containers").is_empty() {
        broken.insert("no container".to_owned());
    }
    twice(
        &mut broken,
        "container",
        containers.iter().map(|it| it["name"].clone()),
    );
    for container in &containers {
        let name = container["name"].as_str().unwrap_or_default();
        if !is_label(name) {
            broken.insert(format!("the name {name:?}"));
        }
        let list = |field: &str| container[field].as_array().cloned().unwrap_or_default();
        let mounts = list("volumeMounts");
        let paths = mounts.iter().map(|it| it["mountPath"].clone());
        twice(&mut broken, &format!("mount of {name}"), paths);
        for mount in &mounts {
            if !volumes.iter().any(|volume| volume["name"] == mount["name"]) {
                broken.insert(format!("{name} mounts {}, which is none", mount["name"]));
            }
        }
        for variable in list("env") {
            if variable["name"].as_str().is_none_or(str::is_empty) {
                broken.insert(format!("a variable of {name} without a name"));
            }
        }
        let names = list("ports").into_iter().map(|it| it["name"].clone());
        twice(
            &mut broken,
            &format!("port of {name}"),
            names.filter(Value::is_string),
        );
    }
    let annotations = pod["metadata"]["annotations"].as_object();
    let length: usize = annotations
        .into_iter()
        .flatten()
        .map(|(key, value)| key.len() + value.as_str().unwrap_or_default().len())
        .sum();
    if length > 256 * 1024 {
        broken.insert("annotations above 256 KiB".to_owned());
    }
    broken
}

fn twice(broken: &mut BTreeSet<String>, what: &str, names: impl Iterator<Item = Value>) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for name in names {
        *seen.entry(name.to_string()).or_default() += 1;
    }
    let twice = seen.into_iter().filter(|(_, count)| *count > 1);
    broken.extend(twice.map(|(name, _)| format!("the {what} {name} twice")));
}

fn is_label(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=63).contains(&name.len())
        && name.chars().all(inner)
        && !name.starts_with('-')
        && !name.ends_with('-')
}
