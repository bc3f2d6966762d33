//! Decisions of a closure on whole manifests; the real engine is tested by the corpus.

use std::cell::RefCell;

use serde_json::{Value, json};

use super::*;
use crate::cli::report::Report;
use crate::cli::streams::without;
use crate::cli::transform::transform;
use crate::inject::patch::Operation;
use crate::inject::{Patch, Reason};

struct Closure<F>(F);

impl<F: Fn(&RequestContext, Value) -> Decision> Decider for Closure<F> {
    fn decide(&self, subject: &RequestContext, pod: &str) -> Decision {
        (self.0)(subject, serde_json::from_str(pod).unwrap())
    }
}

fn manifest(text: &str) -> Manifest {
    let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let read = without(|streams| Manifest::read(&[file.path().to_owned()], streams));
    read.unwrap().remove(0)
}

fn run(text: &str, decide: impl Fn(&RequestContext, Value) -> Decision) -> (Manifest, Report) {
    let mut manifests = [manifest(text)];
    let decider = Closure(decide);
    let injection = Injection {
        decider: &decider,
        annotations: BTreeMap::from([("pillion.dev/inject".to_owned(), "logs".to_owned())]),
        only_built_in: false,
    };
    let report = transform(&mut manifests, "fallback", &injection).unwrap();
    let [manifest] = manifests;
    (manifest, report)
}

/// Labels every pod, relying on the pod's `metadata` being there.
fn label(_: &RequestContext, _: Value) -> Decision {
    let mut decision = Decision::plain(Reason::Applied, "labelled");
    decision.patch = Patch(vec![Operation::Add {
        path: "/metadata/labels".to_owned(),
        value: json!({"on": "yes"}).into(),
    }]);
    decision
}

#[test]
fn the_pod_template_is_patched_in_its_place() {
    let text = "# keep\napiVersion: batch/v1\nkind: CronJob\nmetadata: {name: nightly}\nspec:\n  \
        jobTemplate:\n    spec:\n      template:\n        spec: {}\n---\na: 1\n";
    let (manifest, report) = run(text, label);
    assert_eq!(
        manifest.render().unwrap(),
        "# keep\napiVersion: batch/v1\nkind: CronJob\nmetadata:\n  name: nightly\nspec:\n  \
         jobTemplate:\n    spec:\n      template:\n        spec: {}\n        metadata:\n          \
         labels:\n            \"on\": \"yes\"\n---\na: 1\n"
    );
    let place = "/spec/jobTemplate/spec/template/metadata";
    assert_eq!(
        report.entries[0].treated.patch,
        Some(json!([
            {"op": "add", "path": place, "value": {}},
            {"op": "add", "path": format!("{place}/labels"), "value": {"on": "yes"}},
        ]))
    );
    assert_eq!(report.notes.len(), 1);
}

#[test]
fn a_container_of_knative_s_is_named_where_its_pod_is_patched() {
    let text = "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata:\n  name: web\nspec:\n  \
        template:\n    metadata: {}\n    spec:\n      containers:\n      - image: web:1\n";
    let seen = RefCell::new(Vec::new());
    let (manifest, report) = run(text, |subject, pod| {
        let name = &pod["spec"]["containers"][0]["name"];
        seen.borrow_mut().push(name.clone());
        label(subject, pod)
    });
    assert_eq!(*seen.borrow(), ["user-container"]);
    let written = manifest.render().unwrap();
    assert!(
        written.contains("- name: user-container\n        image: web:1\n"),
        "{written}"
    );
    let patch = report.entries[0].treated.patch.as_ref().unwrap();
    let place = "/spec/template/spec/containers/0/name";
    let mut operations = patch.as_array().unwrap().iter();
    let named = operations.find(|operation| operation["path"] == place);
    assert_eq!(named.unwrap()["value"], "user-container");
    let (manifest, _) = run(text, |_, _| {
        Decision::plain(Reason::NotRequested, "nothing")
    });
    assert_eq!(manifest.render().unwrap(), text);
}

#[test]
fn the_engine_sees_the_pod_and_whose_it_is() {
    let seen = RefCell::new(Vec::new());
    let text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\n\
        spec: {template: {metadata: {labels: {a: b}}, spec: {x: 0644}, later: 1}}\n---\n\
        apiVersion: v1\nkind: Pod\nmetadata: {name: bare}\nspec: {}\n";
    run(text, |subject, pod| {
        assert_eq!(subject.annotations["pillion.dev/inject"], "logs");
        seen.borrow_mut().push((subject.namespace.clone(), pod));
        Decision::plain(Reason::NotRequested, "nothing asked")
    });
    let expected = [
        (
            "shop".to_owned(),
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"labels": {"a": "b"}},
                "spec": {"x": 420}, "later": 1}),
        ),
        (
            "fallback".to_owned(),
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bare"}, "spec": {}}),
        ),
    ];
    assert_eq!(seen.into_inner(), expected);
}

#[test]
fn objects_without_a_pod_are_left_alone() {
    let text = "kind: Service\napiVersion: v1\nspec:   {}\n---\nkind: Job\napiVersion: batch/v1\n";
    let (manifest, report) = run(text, |_, _| {
        Decision::plain(Reason::Conflict, "never asked")
    });
    assert_eq!(manifest.render().unwrap(), text);
    let codes: Vec<_> = report
        .entries
        .iter()
        .map(|entry| entry.treated.code)
        .collect();
    assert_eq!(codes, ["NotAPod", "NotAPod"]);
}

#[test]
fn a_refusal_is_a_refusal_of_all() {
    let text = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: \
        {name: a}, spec: {}}\n- {apiVersion: v1, kind: Pod, metadata: {name: b}, spec: {}}\n";
    let (_, report) = run(text, |subject, pod| {
        if pod["metadata"]["name"] == "b" {
            Decision::plain(Reason::ParameterMissing, "host is required")
        } else {
            label(subject, pod)
        }
    });
    assert!(report.is_refused());
}

#[test]
fn an_impossible_patch_is_our_fault() {
    let mut manifests = [manifest("apiVersion: v1\nkind: Pod\nspec: {}\n")];
    let decider = Closure(|_: &RequestContext, _| {
        let mut decision = label(&RequestContext::default(), Value::Null);
        decision.patch = decision.patch.below("/missing");
        decision
    });
    let injection = Injection {
        decider: &decider,
        annotations: BTreeMap::new(),
        only_built_in: false,
    };
    let error = transform(&mut manifests, "x", &injection).unwrap_err();
    assert!(error.to_string().contains("Pod/x:"), "{error}");
}

#[test]
fn namespaces_of_the_input_are_known_unless_given() {
    let namespace = |name: &str, value: &str| {
        format!(
            "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {name}\n  \
             labels: {{team: {value}}}\n  annotations: {{n: 1, t: x}}\n---\n"
        )
    };
    let mut settings = Settings::default();
    let given = Namespace {
        labels: BTreeMap::from([("team".to_owned(), "given".to_owned())]),
        is_listed: true,
        ..Namespace::default()
    };
    settings.namespaces.insert("shop", given);
    let limits = "apiVersion: v1\nkind: LimitRange\nmetadata: {name: sizes, namespace: bank}\n---\n\
                  apiVersion: v1\nkind: LimitRange\nmetadata: {name: sizes, namespace: shop}\n---\n\
                  apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: budget}\n---\n\
                  apiVersion: v1\nkind: LimitRange\nmetadata: {name: sizes, namespace: bank}\n---\n";
    let text = limits.to_owned() + &namespace("shop", "input") + &namespace("bank", "input");
    add_namespaces(&mut settings, &mut [manifest(&text)], "of-context");
    assert_eq!(settings.namespaces.get("shop").labels["team"], "given");
    let bank = settings.namespaces.get("bank");
    assert_eq!(bank.labels["team"], "input");
    assert_eq!(bank.annotations.len(), 1);
    assert_eq!(bank.limit_ranges.len(), 1, "the same object twice");
    assert_eq!(settings.namespaces.get("shop").limit_ranges.len(), 1);
    assert_eq!(settings.namespaces.get("of-context").quotas.len(), 1);
}
