//! `pillion explain` says of every pod what the server does with it, and nothing else.

use std::fs;
use std::sync::Arc;

use pillion::explain::{Explanation, Question, Registration};
use pillion::inject::{Answer, Decision, Engine, Reason, Verdict};
use pillion::kubernetes::webhook_configuration::WebhookConfiguration;
use serde_json::{Value, json};

use crate::corpus::case::{self, Case};
use crate::corpus::defaulting::received;
use crate::corpus::pods::Found;
use crate::corpus::reviews;
use crate::corpus::ways::pods_of;

fn shipped() -> Registration {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/deploy/kustomize/base/mutating-webhook.yaml"
    );
    let document = case::yaml(&fs::read_to_string(path).unwrap());
    Registration {
        from: "shipped".to_owned(),
        configurations: Ok(vec![WebhookConfiguration::read(&document).unwrap()]),
    }
}

fn decision(engine: &Engine, review: &[u8]) -> Decision {
    match engine.review(review) {
        Answer::Review { decision, .. } => Arc::unwrap_or_clone(decision),
        other => panic!("{other:?}"),
    }
}

/// The explanation's outcome is the server's, template by template.
fn same(what: &str, told: &Explanation, decided: &Decision) {
    assert_eq!(told.reason, Some(decided.reason), "{what}");
    assert_eq!(told.verdict, Some(decided.verdict()), "{what}");
    assert_eq!(told.message, decided.message, "{what}");
    assert_eq!(told.patch, decided.patch, "{what}");
    let of_templates: Vec<_> = told
        .templates
        .iter()
        .map(|template| (template.name.as_str(), template.reason, &template.message))
        .collect();
    let outcomes: Vec<_> = decided
        .outcomes
        .iter()
        .map(|outcome| {
            let code = outcome.reason.code();
            (outcome.template.as_str(), code, &outcome.message)
        })
        .collect();
    assert_eq!(of_templates, outcomes, "{what}");
    for (template, outcome) in told.templates.iter().zip(&decided.outcomes) {
        let codes: Vec<_> = template.findings.iter().map(|one| one.code).collect();
        let judged = outcome.findings.iter();
        let judged: Vec<_> = judged.map(|one| one.finding.code.as_str()).collect();
        assert_eq!(codes, judged, "{what}");
        assert!(!template.asked_for_by.is_empty(), "{what}");
    }
}

/// Who is not injected is told why, and what is added has its line.
fn complete(what: &str, told: &Explanation) {
    let is_injected =
        told.verdict == Some(Verdict::Injected) || told.reason == Some(Reason::AlreadyInjected);
    assert_eq!(told.stopped_by.is_none(), is_injected, "{what}: {told:#?}");
    for template in &told.templates {
        for field in &template.fields {
            assert!(field.line.is_some(), "{what}: {}: {field:?}", template.name);
        }
        let adds = template.reason == "Applied" && told.reason == Some(Reason::Applied);
        assert!(!adds || !template.fields.is_empty(), "{what}");
    }
}

fn explain(case: &Case, engine: &Engine, review: &[u8]) -> Explanation {
    let explained = engine.explain(&Question::Review(review), &shipped(), &case.sources());
    explained.unwrap()
}

#[test]
fn explanations_agree_with_the_server() {
    let mut lines = 0;
    for case in case::all() {
        let engine = case.engine();
        for found in pods_of(&case, &case.input()) {
            let what = format!("{}: {}", case.name, found.object);
            let defaulted = received(&found.pod);
            for pod in [&found.pod, &defaulted] {
                let review = reviews::of(pod, &found.namespace);
                let told = explain(&case, &engine, &review);
                let decided = decision(&engine, &review);
                same(&what, &told, &decided);
                complete(&what, &told);
                lines += told
                    .templates
                    .iter()
                    .map(|one| one.fields.len())
                    .sum::<usize>();

                // The second call: the pod carries statuses, and the engine tries several ways.
                let injected = received(&told.patched(pod));
                let review = reviews::of(&injected, &found.namespace);
                let again = explain(&case, &engine, &review);
                same(&what, &again, &decision(&engine, &review));
            }
        }
    }
    assert!(lines > 500 || std::env::var_os("CASE").is_some(), "{lines}");
}

#[test]
fn the_command_says_what_the_review_says() {
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/explain.schema.json");
    let schema: Value = serde_json::from_str(&fs::read_to_string(schema).unwrap()).unwrap();
    let mut schemas = boon::Schemas::new();
    let mut compiler = boon::Compiler::new();
    compiler
        .add_resource("explain.schema.json", schema)
        .unwrap();
    let schema = compiler
        .compile("explain.schema.json", &mut schemas)
        .unwrap();
    let mut count = 0;
    for case in case::all() {
        for found in pods_of(&case, &case.input()) {
            let what = format!("{}: {}", case.name, found.object);
            let list = printed(&case, &found);
            let valid = schemas.validate(&list, schema);
            assert!(valid.is_ok(), "{what}: {:#}", valid.unwrap_err());
            let told = &list["items"][0];
            let answered = reviews::ask(&case.engine(), &found);
            let denied = told["verdict"] == "Denied";
            assert_eq!(answered.is_allowed(), !denied, "{what}");
            let patch: json_patch::Patch = serde_json::from_value(told["patch"].clone()).unwrap();
            let mut patched = found.pod.clone();
            json_patch::patch(&mut patched, &patch).unwrap();
            assert_eq!(patched, answered.pod, "{what}");
            count += 1;
        }
    }
    assert!(count > 40 || std::env::var_os("CASE").is_some(), "{count}");
    // A schema that takes everything proves nothing.
    for broken in [
        json!({}),
        json!({"apiVersion": "x", "kind": "ExplanationList", "items": [{}], "notes": []}),
    ] {
        assert!(schemas.validate(&broken, schema).is_err(), "{broken}");
    }
}

/// What `pillion explain -o json` prints about the review of this pod.
fn printed(case: &Case, found: &Found) -> Value {
    let review = reviews::of(&found.pod, &found.namespace);
    let output = case.explain(&review);
    let told = String::from_utf8_lossy(&output.stderr);
    let list: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{}: {error}: {told}", case.name));
    let item = &list["items"][0];
    let is_called = item["gates"]["call"] != "NotCalled";
    let refused = item["verdict"] == "Denied" && is_called;
    assert_eq!(output.status.code(), Some(i32::from(refused)), "{told}");
    list
}
