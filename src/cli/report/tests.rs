//! The wording of reports.

use super::*;
use crate::cli::manifest::kinds::Identity;
use crate::cli::report::{Note, TransformResult};
use crate::cli::terminal::Paint;
use crate::finding::{Code, Finding, Policy};
use crate::inject::Reason;

fn entry(file: &str, name: &str, treated: TransformResult) -> Entry {
    Entry {
        file: file.to_owned(),
        document: 2,
        identity: Identity {
            api_version: "v1".to_owned(),
            kind: "Pod".to_owned(),
            namespace: "shop".to_owned(),
            name: name.to_owned(),
            pod: Some(String::new()),
            other_pods: Vec::new(),
            place: String::new(),
        },
        treated,
    }
}

fn judged(policy: Policy, message: &str) -> EnforcedFinding {
    EnforcedFinding {
        finding: Finding::new(Code::FieldKept, "spec.containers[0].env", message),
        policy,
    }
}

fn injected() -> TransformResult {
    TransformResult {
        outcomes: vec![TemplateOutcome {
            template: "proxy".to_owned(),
            revision: "3f2a".to_owned(),
            reason: Reason::Applied,
            message: "added 1 container".to_owned(),
            logged: String::new(),
            findings: vec![
                judged(Policy::Warn, "kept env\nPORT"),
                judged(Policy::Ignore, "nobody minds"),
            ],
        }],
        hints: vec!["look there".to_owned()],
        ..TransformResult::plain(Reason::Applied, "added proxy")
    }
}

fn plain() -> Paint {
    Paint::for_stream(&tempfile::tempfile().unwrap())
}

#[test]
fn every_object_is_told_with_its_templates_and_findings() {
    let report = Report {
        entries: vec![entry("-", "web", injected())],
        notes: Vec::new(),
    };
    assert_eq!(
        text(&report, plain()),
        "Pod/shop/web: Injected (Applied): proxy 3f2a: added 1 container\n  \
         warning: FieldKept: kept env\\nPORT\n  hint: look there\n1 injected\n"
    );
}

#[test]
fn several_templates_are_told_below_their_object_and_no_sentence_twice() {
    let mut treated = injected();
    let mut other = treated.outcomes[0].clone();
    other.template = "logs".to_owned();
    other.findings.clear();
    treated.outcomes.push(other);
    treated.message = "proxy: added 1 container; logs: added 1 container".to_owned();
    let told = |treated: &TransformResult| {
        let report = Report {
            entries: vec![entry("-", "web", treated.clone())],
            notes: Vec::new(),
        };
        text(&report, plain())
    };
    assert_eq!(
        told(&treated),
        "Pod/shop/web: Injected (Applied)\n  \
         Injected (Applied): proxy 3f2a: added 1 container\n    \
         warning: FieldKept: kept env\\nPORT\n  \
         Injected (Applied): logs 3f2a: added 1 container\n  hint: look there\n1 injected\n"
    );
    let mut again = TransformResult {
        outcomes: treated.outcomes,
        ..TransformResult::plain(Reason::AlreadyInjected, "nothing is left to add")
    };
    assert_eq!(
        told(&again),
        "Pod/shop/web: Unchanged (AlreadyInjected): nothing is left to add\n1 unchanged\n"
    );
    // What somebody changed since is news.
    again.outcomes[0].findings[0].finding.code = Code::ChangedByOther;
    assert_eq!(
        told(&again),
        "Pod/shop/web: Unchanged (AlreadyInjected): nothing is left to add\n  \
         warning: ChangedByOther: kept env\\nPORT\n1 unchanged\n"
    );
}

#[test]
fn the_remedy_stands_once_below_refusals_by_a_code() {
    let mut treated = TransformResult::plain(Reason::Finding(Code::PortConflict), "refused");
    let refusal = |message: &str| EnforcedFinding {
        finding: Finding::new(Code::PortConflict, "spec", message),
        policy: Policy::Deny,
    };
    treated.findings = vec![refusal("one"), refusal("two"), judged(Policy::Warn, "kept")];
    let report = Report {
        entries: vec![entry("-", "web", treated)],
        notes: Vec::new(),
    };
    let text = text(&report, plain());
    let help = Code::PortConflict.help();
    let expected = format!(
        "  refused: PortConflict: one\n  remedy: {help}\n  refused: PortConflict: two\n  \
         warning: FieldKept: kept\n"
    );
    assert!(text.contains(&expected), "{text}");
}

#[test]
fn files_are_named_where_there_are_several_and_a_refusal_is_clear() {
    let refused = TransformResult::plain(Reason::ParameterMissing, "host is required");
    let report = Report {
        entries: vec![
            entry("a.yaml", "web\u{1b}[2J", refused),
            entry(
                "b.yaml",
                "db",
                TransformResult::plain(Reason::NotRequested, "nothing asked"),
            ),
        ],
        notes: vec![Note {
            file: "b.yaml".to_owned(),
            document: 3,
        }],
    };
    assert_eq!(
        text(&report, plain()),
        "a.yaml: Pod/shop/web\\u{1b}[2J: Denied (ParameterMissing): host is required\n\
         b.yaml: Pod/shop/db: Unchanged (NotRequested): nothing asked\n\
         b.yaml: document 3: not a Kubernetes object, left as it is\n\
         1 denied, 1 unchanged; nothing was written\n"
    );
}

#[test]
fn json_holds_everything() {
    let finding = |policy: &str, message: &str| {
        json!({
            "code": "FieldKept", "severity": "Info", "policy": policy, "message": message,
            "path": "spec.containers[0].env", "help": Code::FieldKept.help(),
        })
    };
    let report = Report {
        entries: vec![entry("a.yaml", "web", injected())],
        notes: Vec::new(),
    };
    assert_eq!(
        json(&report),
        json!({
            "objects": [{
                "file": "a.yaml", "document": 2, "apiVersion": "v1", "kind": "Pod",
                "namespace": "shop", "name": "web", "verdict": "Injected", "reason": "Applied",
                "message": "added proxy",
                "templates": [{
                    "template": "proxy", "revision": "3f2a", "verdict": "Injected",
                    "reason": "Applied", "message": "added 1 container",
                    "findings": [finding("Warn", "kept env\nPORT"), finding("Ignore", "nobody minds")],
                }],
                "findings": [],
                "hints": ["look there"],
            }],
            "notes": [],
            "counts": {"Denied": 0, "Injected": 1, "Removed": 0, "RemovedInPart": 0, "Shadowed": 0, "Skipped": 0,
                "Unchanged": 0},
        })
    );
}
