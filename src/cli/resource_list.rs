//! The results that a KRM function adds to its `ResourceList`.
//!
//! kustomize and kpt show them to the person who runs the function; the field names are those of
//! the KRM Functions Specification, `config.kubernetes.io/v1`, section `results`.

use serde_json::{Map, Value, json};

use super::manifest::kinds::{self, Scope};
use super::report::{Entry, RunResult};
use crate::finding::Policy;
use crate::inject::{EnforcedFinding, TemplateOutcome, Verdict};

/// Annotations by which a function's caller says which file an object stands in: the current one
/// and the one before it.
const PATH_ANNOTATIONS: [&str; 2] = [
    "internal.config.kubernetes.io/path",
    "config.kubernetes.io/path",
];

/// The tag of a result that is Pillion's own, so that another run replaces it.
const TAG: (&str, &str) = ("pillion.dev/result", "true");

/// Adds what is to be told about the objects of a `ResourceList`, instead of what an earlier run told
/// about the same objects. Returns whether anything changed.
pub(crate) fn add_results(document: &mut Value, scope: Scope<'_>, entries: &[Entry]) -> bool {
    if !kinds::is_resource_list(document) {
        return false;
    }
    let paths = paths(document, scope);
    let told: Vec<Value> = entries
        .iter()
        .enumerate()
        .flat_map(|(index, entry)| results(entry, paths.get(index).and_then(Option::as_deref)))
        .collect();
    let Some(list) = document.as_object_mut() else {
        return false;
    };
    let before = list
        .get("results")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    let mut results: Vec<_> = before
        .iter()
        .filter(|result| !is_ours(result) || !told.iter().any(|new| is_alike(result, new)))
        .cloned()
        .collect();
    results.extend(told.iter().cloned());
    if results.len() == before.len() && results.iter().all(|result| before.contains(result)) {
        return false;
    }
    list.insert("results".to_owned(), Value::Array(results));
    true
}

fn is_ours(result: &Value) -> bool {
    let tag = result.get("tags").and_then(|tags| tags.get(TAG.0));
    tag.is_some_and(|value| value == TAG.1)
}

/// Whether two results are about one object.
fn is_alike(one: &Value, other: &Value) -> bool {
    one.get("resourceRef") == other.get("resourceRef")
}

/// The file of each object, in the order in which objects are visited.
fn paths(document: &mut Value, scope: Scope<'_>) -> Vec<Option<String>> {
    let mut paths = Vec::new();
    kinds::each_object(document, scope, |_, object| {
        let annotations = object.pointer("/metadata/annotations");
        let path = PATH_ANNOTATIONS
            .iter()
            .find_map(|key| annotations?.get(key)?.as_str())
            .map(str::to_owned);
        paths.push(path);
    });
    paths
}

fn results(entry: &Entry, path: Option<&str>) -> Vec<Value> {
    let treated = &entry.treated;
    let severity = match treated.ending {
        RunResult::Decided(Verdict::Unchanged) => return Vec::new(),
        RunResult::Decided(verdict) => severity(verdict),
        RunResult::Removed => "info",
        RunResult::RemovedInPart => "warning",
    };
    let word = treated.ending.as_str();
    let summary = format!("{word} ({}): {}", treated.code, treated.message);
    let mut told = vec![result(entry, path, severity, &summary)];
    for outcome in &treated.outcomes {
        told.extend(outcome_results(entry, path, outcome));
    }
    told.extend(finding_results(entry, path, &treated.findings));
    told
}

fn outcome_results(entry: &Entry, path: Option<&str>, outcome: &TemplateOutcome) -> Vec<Value> {
    let verdict = outcome.reason.verdict();
    let own = (verdict != Verdict::Injected).then(|| {
        let sentence = format!(
            "{}: {verdict} ({}): {}",
            outcome.template, outcome.reason, outcome.message
        );
        result(entry, path, severity(verdict), &sentence)
    });
    let findings = finding_results(entry, path, &outcome.findings);
    own.into_iter().chain(findings).collect()
}

fn finding_results(entry: &Entry, path: Option<&str>, findings: &[EnforcedFinding]) -> Vec<Value> {
    findings
        .iter()
        .filter(|judged| judged.is_told())
        .map(|judged| {
            let finding = &judged.finding;
            let severity = match judged.policy {
                Policy::Deny => "error",
                _ => "warning",
            };
            result(entry, path, severity, &finding.attributed(finding))
        })
        .collect()
}

fn severity(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Denied => "error",
        Verdict::Skipped | Verdict::Shadowed => "warning",
        Verdict::Injected | Verdict::Unchanged => "info",
    }
}

fn result(entry: &Entry, path: Option<&str>, severity: &str, message: &str) -> Value {
    let identity = &entry.identity;
    let mut result = Map::new();
    result.insert("message".to_owned(), message.into());
    result.insert("severity".to_owned(), severity.into());
    let reference = json!({
        "apiVersion": identity.api_version,
        "kind": identity.kind,
        "namespace": identity.namespace,
        "name": identity.name,
    });
    result.insert("resourceRef".to_owned(), reference);
    if let Some(path) = path {
        result.insert("file".to_owned(), json!({ "path": path }));
    }
    let (key, value) = TAG;
    result.insert("tags".to_owned(), json!({ key: value }));
    Value::Object(result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::report::TransformResult;
    use crate::finding::{Code, Finding};
    use crate::inject::Reason;

    fn judged(template: &str, message: &str) -> EnforcedFinding {
        EnforcedFinding {
            finding: Finding::new(Code::FieldKept, "", message).of(Some(template)),
            policy: Policy::Warn,
        }
    }

    fn entry() -> Entry {
        let outcome = |template: &str, reason, findings: &[&str]| TemplateOutcome {
            template: template.to_owned(),
            revision: String::new(),
            reason,
            message: "why".to_owned(),
            logged: String::new(),
            findings: findings
                .iter()
                .map(|message| judged(template, message))
                .collect(),
        };
        Entry {
            file: "-".to_owned(),
            document: 1,
            identity: kinds::Identity {
                api_version: "v1".to_owned(),
                kind: "Pod".to_owned(),
                namespace: "shop".to_owned(),
                name: "web".to_owned(),
                pod: Some(String::new()),
                other_pods: Vec::new(),
                place: String::new(),
            },
            treated: TransformResult {
                outcomes: vec![
                    outcome("proxy", Reason::Applied, &["kept PORT"]),
                    outcome("logs", Reason::ShadowMode, &[]),
                ],
                ..TransformResult::plain(Reason::Applied, "added")
            },
        }
    }

    fn list(results: Option<Value>) -> Value {
        let mut list = json!({
            "apiVersion": "config.kubernetes.io/v1", "kind": "ResourceList",
            "items": [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web",
                "annotations": {"internal.config.kubernetes.io/path": "web.yaml"}}}],
        });
        if let Some(results) = results {
            list["results"] = results;
        }
        list
    }

    #[test]
    fn results_are_appended_with_their_severity() {
        let mut document = list(Some(json!([{"message": "earlier"}])));
        assert!(add_results(&mut document, "".into(), &[entry()]));
        let results = document["results"].as_array().unwrap();
        let told: Vec<_> = results
            .iter()
            .skip(1)
            .map(|result| (result["severity"].as_str(), result["message"].as_str()))
            .collect();
        assert_eq!(
            told,
            [
                (Some("info"), Some("Injected (Applied): added")),
                (Some("warning"), Some("proxy: FieldKept: kept PORT")),
                (Some("warning"), Some("logs: Shadowed (ShadowMode): why")),
            ]
        );
        assert_eq!(results[1]["file"], json!({"path": "web.yaml"}));
        assert_eq!(results[1]["resourceRef"]["namespace"], "shop");
    }

    #[test]
    fn an_earlier_run_s_results_are_replaced() {
        let mut document = list(Some(json!([{"message": "another function's"}])));
        assert!(add_results(&mut document, "".into(), &[entry()]));
        let first = document.clone();
        assert!(!add_results(&mut document, "".into(), &[entry()]));
        assert_eq!(document, first);
        let mut removed = entry();
        removed.treated = TransformResult {
            ending: RunResult::Removed,
            code: "Removed",
            ..TransformResult::plain(Reason::Applied, "took out proxy")
        };
        assert!(add_results(&mut document, "".into(), &[removed]));
        let told = |document: &Value| -> Vec<String> {
            let results = document["results"].as_array().unwrap().iter();
            results
                .map(|result| result["message"].as_str().unwrap().to_owned())
                .collect()
        };
        let removal = "Removed (Removed): took out proxy";
        assert_eq!(told(&document), ["another function's", removal]);
        let mut unchanged = entry();
        unchanged.treated = TransformResult::plain(Reason::NotRequested, "nothing asked");
        assert!(!add_results(&mut document, "".into(), &[unchanged]));
        let mut beside = entry();
        beside.identity.name = "beside".to_owned();
        beside.treated = TransformResult::plain(Reason::Applied, "added");
        assert!(add_results(&mut document, "".into(), &[beside]));
        let injection = "Injected (Applied): added";
        assert_eq!(told(&document), ["another function's", removal, injection]);
    }

    #[test]
    fn nothing_to_tell_changes_nothing() {
        let mut unchanged = entry();
        unchanged.treated = TransformResult::plain(Reason::NotRequested, "nothing asked");
        let mut document = list(None);
        assert!(!add_results(&mut document, "".into(), &[unchanged]));
        assert_eq!(document, list(None));
        let mut other = json!({"apiVersion": "v1", "kind": "List", "items": []});
        assert!(!add_results(&mut other, "".into(), &[entry()]));
    }
}
