//! API-server defaults that templates want otherwise, renamed containers, and what a condition drops.

use serde_json::{Value, json};

use super::{decide_by, serving};
use crate::inject::settings::ForeignHelpers;
use crate::inject::{Decision, Engine, Reason, uninject};
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
fn what_was_added_to_a_container_is_known_again_under_its_new_name() {
    let env = json!([{"name": "MODE", "value": "a"}]);
    let engine = engine_of(&[("t", json!({"app": {"env": env}}))]);
    let mut injected = pod("t", &json!({}));
    apply(&decide_by(&engine, &injected), &mut injected);
    injected["spec"]["containers"][0]["name"] = "renamed".into();
    let mut input = pod("t", &json!({}));
    input["spec"]["containers"][0]["name"] = "renamed".into();
    assert_eq!(uninjected(&engine, injected.clone()), input);
    // Applied again, the status names the container that there is.
    let mut again = injected;
    apply(&decide_by(&engine, &again), &mut again);
    let status = again["metadata"]["annotations"]["pillion.dev/status.t"].as_str();
    assert!(
        status.unwrap().contains(r#""edited":{"renamed""#),
        "{status:?}"
    );
    assert_eq!(uninjected(&engine, again), input);
}

#[test]
fn what_two_containers_hold_alike_is_neither_ones() {
    let env = json!([{"name": "MODE", "value": "a"}]);
    let engine = engine_of(&[("t", json!({"app": {"env": env}}))]);
    let mut injected = pod("t", &json!({}));
    apply(&decide_by(&engine, &injected), &mut injected);
    let mut one = injected["spec"]["containers"][0].clone();
    one["name"] = "one".into();
    let mut two = one.clone();
    two["name"] = "two".into();
    injected["spec"]["containers"] = json!([one, two]);
    let left = uninjected(&engine, injected);
    assert_eq!(left["spec"]["containers"], json!([one, two]));
}

#[test]
fn a_field_of_the_pod_that_a_condition_drops_goes() {
    let engine = engine_of(&[(
        "t",
        json!({
            "parameters": {"mode": {"type": "string", "default": "a"}},
            "pod": {"nodeSelector": {"$when": "params.mode == 'b'", "pool": "b"}},
            "app": {"env": [{"name": "MODE", "value": "${params.mode}"}]},
        }),
    )]);
    let mut injected = pod("t", &json!({}));
    injected["metadata"]["annotations"]["t.pillion.dev/mode"] = "b".into();
    apply(&decide_by(&engine, &injected), &mut injected);
    assert_eq!(injected["spec"]["nodeSelector"], json!({"pool": "b"}));
    injected["metadata"]["annotations"]["t.pillion.dev/mode"] = "a".into();
    apply(&decide_by(&engine, &injected), &mut injected);
    let mut fresh = pod("t", &json!({}));
    fresh["metadata"]["annotations"]["t.pillion.dev/mode"] = "a".into();
    apply(&decide_by(&engine, &fresh), &mut fresh);
    assert_eq!(injected, fresh);
    // What somebody changed since stays, and so does a field that the template never sets.
    let engine_without =
        engine_of(&[("t", json!({"app": {"env": [{"name": "X", "value": "1"}]}}))]);
    let mut of_another = pod("t", &json!({}));
    of_another["metadata"]["annotations"]["t.pillion.dev/mode"] = "b".into();
    apply(&decide_by(&engine, &of_another), &mut of_another);
    of_another["metadata"]["annotations"]
        .as_object_mut()
        .unwrap()
        .remove("t.pillion.dev/mode");
    apply(&decide_by(&engine_without, &of_another), &mut of_another);
    assert_eq!(of_another["spec"]["nodeSelector"], json!({"pool": "b"}));
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
