//! What follows from a finding, whoever chose the policy.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::finding::Policies;
use crate::inject::{Decision, Engine, Namespace, RequestContext, Settings, Verdict};
use crate::kubernetes::keys::FINDINGS;
use crate::review::{Document, Pod};
use crate::template::{Catalog, Source};

/// `one` and `two` both want an environment variable that the pod has.
fn templates(of_one: &str, of_two: &str) -> String {
    let template = |name: &str, more: &str| {
        format!(
            "apiVersion: pillion.dev/v1alpha1\nkind: ClusterInjectionTemplate\n\
             metadata: {{name: {name}}}\nspec:\n  {more}\n  app:\n    env:\n      \
             - {{name: OWN, value: {name}}}\n      - {{name: {name}, value: x}}\n"
        )
    };
    format!(
        "{}---\n{}",
        template("one", of_one),
        template("two", of_two)
    )
}

fn pod() -> Value {
    json!({
        "metadata": {"annotations": {"pillion.dev/inject": "one,two"}},
        "spec": {"containers": [
            {"name": "web", "image": "web:1", "env": [{"name": "OWN", "value": "theirs"}]},
        ]},
    })
}

struct Case<'c> {
    of_one: &'c str,
    of_two: &'c str,
    installation: &'c str,
    namespace: &'c str,
}

const PLAIN: Case<'static> = Case {
    of_one: "mode: Enforce",
    of_two: "mode: Enforce",
    installation: "",
    namespace: "",
};

fn decide(case: &Case<'_>, pod: &Value) -> Decision {
    let source = Source {
        path: "templates.yaml".to_owned(),
        text: templates(case.of_one, case.of_two),
    };
    let (catalog, errors) = Catalog::load(&[source], None);
    assert!(errors.is_empty(), "{errors:?}");
    let mut settings = Settings {
        findings: Policies::parse(case.installation).0,
        ..Settings::default()
    };
    let mut namespace = Namespace::default();
    namespace
        .labels
        .insert("pillion.dev/mandatory".to_owned(), String::new());
    if !case.namespace.is_empty() {
        let chosen = (FINDINGS.to_owned(), case.namespace.to_owned());
        namespace.annotations = BTreeMap::from([chosen]);
    }
    settings.namespaces.insert("shop", namespace);
    let subject = RequestContext {
        namespace: "shop".to_owned(),
        ..RequestContext::default()
    };
    let engine = Engine::new(Arc::new(catalog), Arc::new(settings));
    let text = pod.to_string();
    let document = Document::read(&text).unwrap();
    engine.decide(&subject, &Pod::read(document.root()).unwrap(), None)
}

/// The verdict and reason of the pod, then of each template.
fn ends(decision: &Decision) -> Vec<String> {
    let reasons = decision.outcomes.iter().map(|outcome| outcome.reason);
    let all = std::iter::once(decision.reason).chain(reasons);
    all.map(|reason| format!("{} {reason}", reason.verdict()))
        .collect()
}

#[test]
fn the_namespace_wins_over_the_template_and_that_over_the_installation() {
    let table = [
        ("", "", "", "Warn"),
        ("FieldKept=Ignore", "", "", "Ignore"),
        ("FieldKept=Ignore", "Warn", "", "Warn"),
        ("FieldKept=Deny", "Ignore", "FieldKept=Warn", "Warn"),
    ];
    for (installation, template, namespace, expected) in table {
        let of_one = match template {
            "" => "mode: Enforce".to_owned(),
            policy => format!("findings: {{FieldKept: {policy}}}"),
        };
        let decision = decide(
            &Case {
                of_one: &of_one,
                installation,
                namespace,
                ..PLAIN
            },
            &pod(),
        );
        let of_one = &decision.outcomes[0].findings;
        assert_eq!(of_one.len(), 1, "{decision:#?}");
        assert_eq!(
            of_one[0].policy.as_str(),
            expected,
            "{installation} {template}"
        );
        let told = decision.warnings();
        let of_one = "one: FieldKept: container `web` keeps its own env OWN; the container does not hear of the helper by these variables";
        assert_eq!(
            told.contains(&of_one.to_owned()),
            expected == "Warn",
            "{told:?}"
        );
    }
}

#[test]
fn a_skipped_template_leaves_nothing_and_the_others_apply() {
    let decision = decide(
        &Case {
            of_one: "findings: {FieldKept: Skip}",
            ..PLAIN
        },
        &pod(),
    );
    assert_eq!(
        ends(&decision),
        ["Injected Applied", "Skipped FieldKept", "Injected Applied"]
    );
    let patch = serde_json::to_string(&decision.patch).unwrap();
    assert!(
        !patch.contains(r#""name":"one""#) && patch.contains(r#""name":"two""#),
        "{patch}"
    );
    assert_eq!(
        decision.warnings(),
        [
            "one: FieldKept: container `web` keeps its own env OWN; the container does not hear of the helper by these variables",
            "two: FieldKept: container `web` keeps its own env OWN; the container does not hear of the helper by these variables"
        ]
    );
}

#[test]
fn a_denied_pod_names_every_template_and_gets_nothing() {
    let case = Case {
        of_two: "findings: {FieldKept: Deny}",
        ..PLAIN
    };
    let decision = decide(&case, &pod());
    assert_eq!(
        ends(&decision),
        [
            "Denied FieldKept",
            "Unchanged PodRefused",
            "Denied FieldKept"
        ]
    );
    assert_eq!(
        decision.message,
        "two: container `web` keeps its own env OWN; the container does not hear of the helper by these variables"
    );
    assert!(decision.patch.is_empty());
    assert_eq!(
        decision.warnings(),
        [
            "one: FieldKept: container `web` keeps its own env OWN; the container does not hear of the helper by these variables"
        ]
    );
}

#[test]
fn a_mandatory_template_is_never_skipped() {
    let case = Case {
        of_one: "requirement: Mandatory",
        namespace: "FieldKept=Skip",
        ..PLAIN
    };
    let mut pod = pod();
    pod["metadata"]["annotations"]["pillion.dev/inject"] = "one".into();
    let decision = decide(&case, &pod);
    assert_eq!(ends(&decision), ["Denied FieldKept", "Denied FieldKept"]);
}

#[test]
fn a_bad_entry_of_the_namespace_is_told_and_stops_nobody() {
    let case = Case {
        namespace: "FieldKpt=Deny,FieldKept=Ignore",
        ..PLAIN
    };
    let decision = decide(&case, &pod());
    assert_eq!(decision.verdict(), Verdict::Injected);
    assert_eq!(
        decision.warnings(),
        [
            "PolicyInvalid: the annotation pillion.dev/findings of the namespace: there is no \
          finding `FieldKpt`; did you mean `FieldKept`?"
        ]
    );
    assert_eq!(
        decision.logged_findings(),
        ["PolicyInvalid: the annotation pillion.dev/findings of the namespace has a bad entry"]
    );
}

#[test]
fn a_shadow_says_what_would_follow_and_refuses_nothing() {
    let case = Case {
        of_one: "mode: Shadow\n  findings: {FieldKept: Deny}",
        of_two: "mode: Shadow\n  findings: {FieldKept: Skip}",
        ..PLAIN
    };
    let decision = decide(&case, &pod());
    assert_eq!(
        ends(&decision),
        [
            "Shadowed ShadowMode",
            "Shadowed ShadowMode",
            "Shadowed ShadowMode"
        ]
    );
    let messages: Vec<_> = decision
        .outcomes
        .iter()
        .map(|o| o.message.as_str())
        .collect();
    assert_eq!(
        messages,
        [
            "nothing is applied in shadow mode; would add in container `web` env one; the pod \
             would be refused (FieldKept)",
            "nothing is applied in shadow mode; would add in container `web` env two; the \
             template would be skipped (FieldKept)",
        ]
    );
    let patch = serde_json::to_string(&decision.patch).unwrap();
    assert!(!patch.contains("/spec"), "{patch}");
}
