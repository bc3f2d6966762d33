//! Advice on a workload is the decision about its pods: same engine, same words.

use std::sync::Arc;

use pillion::inject::{Answer, Decision, Reason, Verdict};
use serde_json::{Value, json};

use crate::corpus::case;
use crate::corpus::reviews::{self, UID};
use crate::corpus::ways::pods_of;

/// The workload whose controller makes this pod; a Deployment for a pod that nobody owns.
fn workload(pod: &Value) -> (&'static str, &'static str, Value) {
    let metadata = &pod["metadata"];
    let owner = metadata.pointer("/ownerReferences/0/kind");
    let (group, kind) = match owner.and_then(Value::as_str) {
        Some("Job") => ("batch", "Job"),
        Some("StatefulSet") => ("apps", "StatefulSet"),
        Some("DaemonSet") => ("apps", "DaemonSet"),
        _ => ("apps", "Deployment"),
    };
    let mut template = json!({"metadata": {}, "spec": pod["spec"]});
    for field in ["labels", "annotations"] {
        if let Some(texts) = metadata.get(field) {
            template["metadata"][field] = texts.clone();
        }
    }
    let name = metadata["generateName"].as_str().unwrap_or("web-");
    let name = name.trim_end_matches('-');
    let object = json!({"metadata": {"name": name}, "spec": {"template": template}});
    (group, kind, object)
}

fn review(pod: &Value, namespace: &str) -> Vec<u8> {
    let (group, kind, object) = workload(pod);
    let review = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": UID,
            "kind": {"group": group, "version": "v1", "kind": kind},
            "namespace": namespace,
            "operation": "CREATE",
            "object": object,
        },
    });
    serde_json::to_vec(&review).unwrap()
}

fn read(answer: Answer) -> (Value, Decision) {
    match answer {
        Answer::Review { body, decision, .. } => {
            let review: Value = serde_json::from_slice(&body).unwrap();
            (review["response"].clone(), Arc::unwrap_or_clone(decision))
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn advice_is_the_decision_about_the_pods_to_come() {
    let mut told = 0;
    for case in case::all() {
        let engine = case.engine();
        for found in pods_of(&case, &case.input()) {
            let what = format!("{}: {}", case.name, found.object);
            let pod = reviews::of(&found.pod, &found.namespace);
            let (_, of_pod) = read(engine.review(&pod));
            let (response, advice) = read(engine.advise(&review(&found.pod, &found.namespace)));
            assert_eq!(advice, of_pod, "{what}");
            assert_eq!(response["allowed"], true, "{what}");
            assert!(response.get("patch").is_none(), "{what}");

            let warnings = response["warnings"].as_array().cloned().unwrap_or_default();
            let verdict = format!("will be {} ({})", advice.verdict(), advice.reason);
            let says_so = |line: &Value| line.as_str().unwrap().contains(&verdict);
            let is_denied = advice.verdict() == Verdict::Denied;
            let is_told = warnings.iter().any(says_so);
            // Who asks in vain is told; who does not ask hears nothing.
            let is_kept_out = advice.reason == Reason::NamespaceDisabled
                && found.pod["metadata"]["annotations"]["pillion.dev/inject"].is_string();
            let should = is_denied || is_kept_out || !advice.outcomes.is_empty();
            assert_eq!(is_told, should, "{what}");
            assert!(!is_denied || says_so(&warnings[0]), "{what}: {warnings:?}");
            told += usize::from(is_told);
        }
    }
    let is_one_case = std::env::var_os("CASE").is_some();
    assert!(told > 20 || is_one_case, "only {told} pods were advised on");
}
