//! API-server defaults that templates want otherwise.

use serde_json::{Value, json};

use super::{decide_by, serving};
use crate::inject::settings::ForeignHelpers;
use crate::inject::{Decision, Engine, Reason, Verdict, uninject};
use crate::template::CatalogLookup;

/// Templates of these specs, each named by its letter.
fn engine_of(specs: &[(&str, Value)]) -> Engine {
    let documents = specs.iter().map(|(name, spec)| {
        json!({
            "apiVersion": "pillion.dev/v1alpha1",
            "kind": "ClusterInjectionTemplate",
            "metadata": {"name": name},
            "spec": spec,
        })
        .to_string()
    });
    serving(&documents.collect::<Vec<_>>().join("\n---\n"))
}

fn pod(templates: &str, spec: &Value) -> Value {
    let mut pod = json!({
        "metadata": {"annotations": {"pillion.dev/inject": templates}},
        "spec": {"containers": [{"name": "web", "image": "web:1"}]},
    });
    for (field, value) in spec.as_object().unwrap() {
        pod["spec"][field] = value.clone();
    }
    pod
}

fn apply(decision: &Decision, pod: &mut Value) {
    for operation in &decision.patch.0 {
        assert!(operation.apply(pod), "{operation:?}");
    }
}

/// Takes out what the served templates added; nothing may be left of it.
fn uninjected(engine: &Engine, mut pod: Value) -> Value {
    let served = |name: &str| match engine.catalog().find("shop", name) {
        CatalogLookup::Template(template) => Some(template.as_ref()),
        _ => None,
    };
    let taken = uninject::remove(&mut pod, &served, &ForeignHelpers::default()).unwrap();
    assert!(
        taken.left_in_words().is_empty(),
        "{:?}",
        taken.left_in_words()
    );
    pod
}

/// Injects twice and takes it out again: the second time changes nothing, and the input comes back.
fn round_trip(engine: &Engine, input: &Value) -> Value {
    let mut pod = input.clone();
    apply(&decide_by(engine, &pod), &mut pod);
    let again = decide_by(engine, &pod);
    assert_eq!(again.reason, Reason::AlreadyInjected, "{again:#?}");
    assert_eq!(uninjected(engine, pod.clone()), *input);
    pod
}

#[test]
fn templates_that_want_one_field_differently_are_refused_in_either_order_and_by_file_or_webhook() {
    let table = [
        ("terminationGracePeriodSeconds", json!(30), json!(60)),
        ("dnsPolicy", json!("ClusterFirst"), json!("Default")),
        ("enableServiceLinks", json!(true), json!(false)),
    ];
    for (field, default, other) in table {
        let engine = engine_of(&[
            ("a", json!({"pod": {field: default}})),
            ("b", json!({"pod": {field: other}})),
            ("c", json!({"pod": {field: default}, "order": 1})),
        ]);
        for templates in ["a,b", "b,c"] {
            for spec in [json!({}), json!({field: default})] {
                let decision = decide_by(&engine, &pod(templates, &spec));
                assert_eq!(
                    decision.reason,
                    Reason::Conflict,
                    "{field}, {templates}, {spec}"
                );
            }
        }
        // Alone, or alike, they are no contradiction.
        for templates in ["a", "b", "a,c"] {
            for spec in [json!({}), json!({field: default})] {
                let injected = decide_by(&engine, &pod(templates, &spec));
                assert_ne!(
                    injected.reason,
                    Reason::Conflict,
                    "{field}, {templates}, {spec}"
                );
            }
        }
        round_trip(&engine, &pod("b", &json!({field: default})));
    }
}

/// A request beside another template's limit contradicts nothing, whichever is applied first.
#[test]
fn templates_may_have_one_limit_and_one_of_them_a_request() {
    let limit = json!({"app": {"resources": {"limits": {"memory": "1Gi"}}}});
    let both = json!({"app": {"resources": {
        "limits": {"memory": "1Gi"}, "requests": {"memory": "512Mi"}}}});
    for names in [["a", "b"], ["b", "a"]] {
        let engine = engine_of(&[(names[0], limit.clone()), (names[1], both.clone())]);
        let input = pod(
            "a,b",
            &json!({"containers": [{"name": "web", "image": "web:1"}]}),
        );
        let decision = decide_by(&engine, &input);
        assert_eq!(decision.verdict(), Verdict::Injected, "{decision:#?}");
        round_trip(&engine, &input);
    }
}

#[test]
fn a_toleration_takes_the_place_of_the_defaults_that_would_end_it() {
    let default = |key: &str| {
        json!({"key": format!("node.kubernetes.io/{key}"), "operator": "Exists",
            "effect": "NoExecute", "tolerationSeconds": 300})
    };
    let longer = json!({"key": "node.kubernetes.io/not-ready", "operator": "Exists",
        "effect": "NoExecute", "tolerationSeconds": 3600});
    let all = json!({"operator": "Exists"});
    let engine = engine_of(&[
        ("longer", json!({"pod": {"tolerations": [longer]}})),
        ("all", json!({"pod": {"tolerations": [all]}})),
    ]);
    let own = json!({"key": "gpu", "operator": "Exists"});
    let defaults = [own.clone(), default("not-ready"), default("unreachable")];
    let table = [
        ("longer", json!([own, longer, default("unreachable")])),
        ("all", json!([own, all])),
    ];
    for (template, expected) in table {
        let input = pod(template, &json!({"tolerations": defaults}));
        let injected = round_trip(&engine, &input);
        assert_eq!(injected["spec"]["tolerations"], expected, "{template}");
        // A manifest has none of them yet.
        let injected = round_trip(&engine, &pod(template, &json!({"tolerations": [own]})));
        let added = injected["spec"]["tolerations"].as_array().unwrap();
        assert_eq!(added.len(), 2, "{template}: {added:?}");
    }
}

#[test]
fn tolerations_of_templates_do_not_displace_each_other() {
    let default = json!({"key": "node.kubernetes.io/not-ready", "operator": "Exists",
        "effect": "NoExecute", "tolerationSeconds": 300});
    let engine = engine_of(&[
        ("c", json!({"pod": {"tolerations": [default]}})),
        (
            "d",
            json!({"pod": {"tolerations": [{"operator": "Exists"}]}}),
        ),
    ]);
    for spec in [json!({}), json!({"tolerations": [default]})] {
        let decision = decide_by(&engine, &pod("c,d", &spec));
        assert_eq!(decision.reason, Reason::Conflict, "{spec}");
    }
    // The plugin adds no default beside what the user wrote about the same.
    let own = json!([
        {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute",
            "tolerationSeconds": 60},
        {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute",
            "tolerationSeconds": 300},
    ]);
    round_trip(&engine, &pod("d", &json!({"tolerations": own})));
}

#[test]
fn a_pod_without_containers_has_no_app() {
    let engine = engine_of(&[("t", json!({"app": {"env": [{"name": "X", "value": "1"}]}}))]);
    let decision = decide_by(&engine, &pod("t", &json!({"containers": []})));
    assert_eq!(
        decision.reason,
        Reason::NoAppContainer,
        "{}",
        decision.message
    );
}
