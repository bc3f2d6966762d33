//! What came of a case, beside what should have.
//!
//! Pods are compared as data: the order of a map's keys says nothing, that of a list's elements
//! does. Status annotations are left out, since they repeat the pod and the template's revision.

use serde_json::{Map, Value, json};

use super::expectation::{Expectation, Pointer, sorted};
use crate::cli::report::TransformResult;
use crate::finding::Code;
use crate::inject::Verdict;
use crate::kubernetes::keys;

/// What came of a case.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CaseResult {
    pub(super) verdict: Verdict,
    /// The code of its reason.
    pub(super) reason: &'static str,
    /// The message, where the verdict [tells one](tells).
    pub(super) message: Option<String>,
    /// Codes of the findings, sorted, each once.
    pub(super) findings: Vec<Code>,
    /// The pod as it was given, and as it is then; both without what says nothing.
    pub(super) given: Map<String, Value>,
    pub(super) pod: Map<String, Value>,
}

/// One thing that is not as expected.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Difference {
    /// Which part of the expectation, or which place of the pod.
    pub(super) what: String,
    /// What should be; `null`: nothing.
    pub(super) expected: Value,
    pub(super) found: Value,
}

/// Whether a case holds the message of a verdict: what an injection added stands in the pod.
pub(super) fn tells(verdict: Verdict) -> bool {
    matches!(
        verdict,
        Verdict::Denied | Verdict::Skipped | Verdict::Shadowed
    )
}

/// The codes of the findings that people are told, sorted, each once.
pub(super) fn codes(treated: &TransformResult) -> Vec<Code> {
    let of_templates = treated.outcomes.iter().map(|outcome| &outcome.findings);
    let findings = of_templates.chain([&treated.findings]).flatten();
    let told = findings.filter(|judged| judged.is_told());
    sorted(told.map(|judged| judged.finding.code))
}

/// The codes as words.
pub(super) fn words(codes: &[Code]) -> Value {
    codes.iter().map(|code| code.as_str()).collect()
}

/// A pod, or a pod template, as cases hold it.
pub(super) fn essence(pod: Option<&Value>) -> Map<String, Value> {
    let mut essence = Map::new();
    for part in ["metadata", "spec"] {
        let Some(own) = pod.and_then(|pod| pod.get(part)) else {
            continue;
        };
        let mut own = own.clone();
        if let Some(Value::Object(annotations)) = own.get_mut("annotations") {
            annotations.retain(|key, _| !key.starts_with(keys::STATUS_PREFIX));
            if annotations.is_empty() {
                own.as_object_mut()
                    .map(|own| own.shift_remove("annotations"));
            }
        }
        essence.insert(part.to_owned(), own);
    }
    if essence
        .get("metadata")
        .is_some_and(|own| own == &json!({}) || own.is_null())
    {
        essence.shift_remove("metadata");
    }
    essence
}

/// What is not as expected.
pub(super) fn compare(expected: &Expectation, found: &CaseResult) -> Vec<Difference> {
    let mut differences = Vec::new();
    let mut check = |what: &str, expected: Value, found: Value| {
        if expected != found {
            differences.push(Difference {
                what: what.to_owned(),
                expected,
                found,
            });
        }
    };
    let verdict = Verdict::from(expected.verdict);
    check(
        "verdict",
        verdict.as_str().into(),
        found.verdict.as_str().into(),
    );
    check(
        "reason",
        expected.reason.0.as_str().into(),
        found.reason.into(),
    );
    check("message", json!(expected.message), json!(found.message));
    check("findings", words(&expected.codes()), words(&found.findings));
    if verdict == Verdict::Denied || found.verdict == Verdict::Denied {
        return differences;
    }
    let pod = Value::Object(found.pod.clone());
    match &expected.paths {
        Some(paths) => {
            for (Pointer(pointer), expected) in paths {
                let found = pod.pointer(pointer).cloned().unwrap_or_default();
                check(pointer, expected.clone(), found);
            }
        }
        None => {
            let whole = expected.pod.as_ref().unwrap_or(&found.given);
            check("pod", Value::Object(whole.clone()), pod);
        }
    }
    differences
}

/// The expectation that holds for what came of it, telling as much of the pod as `before` did.
pub(super) fn expectation(found: &CaseResult, before: Option<&Expectation>) -> Value {
    let mut document = Map::new();
    document.insert("verdict".to_owned(), found.verdict.as_str().into());
    document.insert("reason".to_owned(), found.reason.into());
    if let Some(message) = &found.message {
        document.insert("message".to_owned(), message.as_str().into());
    }
    document.insert("findings".to_owned(), words(&found.findings));
    if found.verdict == Verdict::Denied {
        return Value::Object(document);
    }
    let pod = Value::Object(found.pod.clone());
    let paths = before.and_then(|before| before.paths.as_ref());
    let told_whole = before.is_some_and(|before| before.pod.is_some());
    if let Some(paths) = paths {
        let places: Map<_, _> = paths
            .keys()
            .map(|Pointer(pointer)| {
                let value = pod.pointer(pointer).cloned().unwrap_or_default();
                (pointer.clone(), value)
            })
            .collect();
        document.insert("paths".to_owned(), Value::Object(places));
    } else if told_whole || found.verdict == Verdict::Injected || found.pod != found.given {
        document.insert("pod".to_owned(), pod);
    }
    Value::Object(document)
}

/// The same value with its maps' keys in the order of `like`, as far as that has them, so that a
/// comparison of the two as text shows what differs and not how it is ordered.
pub(super) fn arranged(value: &Value, like: &Value) -> Value {
    match (value, like) {
        (Value::Object(fields), Value::Object(order)) => {
            let known = order.keys().filter_map(|key| fields.get_key_value(key));
            let others = fields.iter().filter(|(key, _)| !order.contains_key(*key));
            let fields = known.chain(others).map(|(key, field)| {
                let like = order.get(key).unwrap_or(&Value::Null);
                (key.clone(), arranged(field, like))
            });
            Value::Object(fields.collect())
        }
        (Value::Array(items), Value::Array(order)) => items
            .iter()
            .enumerate()
            .map(|(index, item)| {
                let name = item.get("name");
                let same_name = order
                    .iter()
                    .find(|like| name.is_some() && like.get("name") == name);
                let like = same_name.or_else(|| order.get(index));
                arranged(item, like.unwrap_or(&Value::Null))
            })
            .collect(),
        (value, _) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(text: &str) -> Expectation {
        serde_saphyr::from_str(text).unwrap()
    }

    fn found() -> CaseResult {
        let given = json!({"metadata": {"name": "a"}, "spec": {"x": [1]}});
        let pod =
            json!({"metadata": {"name": "a", "annotations": {"a/b": "c"}}, "spec": {"x": [1, 2]}});
        CaseResult {
            verdict: Verdict::Injected,
            reason: "Applied",
            message: None,
            findings: Vec::new(),
            given: essence(Some(&given)),
            pod: essence(Some(&pod)),
        }
    }

    fn whats(expectation: &str, found: &CaseResult) -> Vec<String> {
        let differences = compare(&expected(expectation), found);
        differences.into_iter().map(|one| one.what).collect()
    }

    #[test]
    fn every_part_of_an_expectation_is_compared() {
        let same = "verdict: Injected\nreason: Applied\n";
        let pod = "pod: {spec: {x: [1, 2]}, metadata: {annotations: {a/b: c}, name: a}}\n";
        let table: &[(&str, &[&str])] = &[
            (pod, &[]),
            ("pod: {metadata: {name: a}, spec: {x: [1, 2]}}", &["pod"]),
            (
                "pod: {metadata: {annotations: {a/b: c}, name: a}, spec: {x: [2, 1]}}",
                &["pod"],
            ),
            (
                "paths: {/spec/x/1: 2, /metadata/annotations/a~1b: c, /spec/y: null}",
                &[],
            ),
            (
                "paths: {/spec/x/1: 1, /spec/y: 1}",
                &["/spec/x/1", "/spec/y"],
            ),
            ("paths: {/spec/x: null}", &["/spec/x"]),
            (
                "paths: {}\nmessage: m\nfindings: [FieldKept]",
                &["message", "findings"],
            ),
        ];
        for (text, expected) in table {
            assert_eq!(whats(&[same, text].concat(), &found()), *expected, "{text}");
        }
        assert_eq!(
            whats("verdict: Skipped\nreason: Conflict\npaths: {}", &found()),
            ["verdict", "reason"]
        );
    }

    #[test]
    fn where_nothing_is_said_of_the_pod_it_stays_as_it_was() {
        let mut found = found();
        (found.verdict, found.reason) = (Verdict::Unchanged, "NotRequested");
        let text = "verdict: Unchanged\nreason: NotRequested\n";
        assert_eq!(whats(text, &found), ["pod"]);
        found.pod = found.given.clone();
        assert_eq!(whats(text, &found), [""; 0]);
    }

    #[test]
    fn a_refusal_has_no_pod_to_compare() {
        let mut found = found();
        found.verdict = Verdict::Denied;
        found.message = Some("no".to_owned());
        let text = "verdict: Injected\nreason: Applied\npod: {}\n";
        assert_eq!(whats(text, &found), ["verdict", "message"]);
        let written =
            json!({"verdict": "Denied", "reason": "Applied", "message": "no", "findings": []});
        assert_eq!(expectation(&found, None), written);
    }

    #[test]
    fn what_is_written_holds_and_keeps_its_form() {
        let found = found();
        for before in [
            None,
            Some(expected("verdict: Denied\nreason: Conflict\n")),
            Some(expected("verdict: Injected\nreason: Conflict\npod: {}\n")),
            Some(expected(
                "verdict: Injected\nreason: Conflict\npaths: {/spec/x/0: 7, /a: 1}\n",
            )),
        ] {
            let written = expectation(&found, before.as_ref());
            let after: Expectation = serde_json::from_value(written.clone()).unwrap();
            assert_eq!(compare(&after, &found), [], "{written}");
            let had_paths = before.is_some_and(|before| before.paths.is_some());
            assert_eq!(written.get("paths").is_some(), had_paths);
        }
    }

    #[test]
    fn statuses_say_nothing() {
        let pod = json!({"apiVersion": "v1", "metadata": {"annotations": {"pillion.dev/status.a": "{}"}},
            "spec": {}, "status": {}});
        assert_eq!(Value::Object(essence(Some(&pod))), json!({"spec": {}}));
    }

    #[test]
    fn the_order_of_keys_is_that_of_the_expectation() {
        let like = json!({"b": 1, "a": [{"name": "y", "z": 1}, {"x": 1, "name": "x"}]});
        let value = json!({"c": 2, "a": [{"name": "x", "x": 3}, {"z": 4, "name": "y"}], "b": 5});
        let expected = r#"{"b":5,"a":[{"x":3,"name":"x"},{"name":"y","z":4}],"c":2}"#;
        assert_eq!(arranged(&value, &like).to_string(), expected);
    }
}
