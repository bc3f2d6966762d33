//! What each kind of workload, and each kind of review, is told.

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::inject::{Engine, Namespace, Settings};
use crate::template::{Catalog, Source};
use misplaced::MISPLACED;

mod misplaced;
mod namespace;

const TEMPLATES: &str = r#"
apiVersion: pillion.dev/v1alpha1
kind: ClusterInjectionTemplate
metadata: {name: clock}
spec:
  parameters: {zone: {type: string, enum: [UTC, CET], default: UTC}}
  sidecars: [{name: clock, image: "registry.example.com/clock:1"}]
  app: {env: [{name: ZONE, value: "${params.zone}"}]}
---
apiVersion: pillion.dev/v1alpha1
kind: ClusterInjectionTemplate
metadata: {name: old}
spec:
  lifecycle: Classic
  order: -1
  sidecars: [{name: old, image: "registry.example.com/old:1"}]
---
apiVersion: pillion.dev/v1alpha1
kind: ClusterInjectionTemplate
metadata: {name: trial}
spec:
  mode: Shadow
  metadata: {labels: {example.com/trial: "yes"}}
---
apiVersion: pillion.dev/v1alpha1
kind: ClusterInjectionTemplate
metadata: {name: reader}
spec:
  parameters: {unused: {type: string}}
  metadata:
    annotations:
      example.com/owner: "${pod.metadata.ownerReferences.map(o, o.apiVersion + ' ' + o.kind + ' ' + o[?'name'].orValue('?')).join(' ')}"
      example.com/name: "${pod.metadata.generateName} ${pod.metadata.namespace}"
      example.com/volumes: "${pod.spec.?volumes.orValue([]).map(v, v.name + (has(v.persistentVolumeClaim) ? '=' + v.persistentVolumeClaim.claimName : '')).join(' ')}"
"#;

fn engine() -> Engine {
    let text = TEMPLATES.to_owned();
    let path = "templates.yaml".to_owned();
    let (catalog, errors) = Catalog::load(&[Source { path, text }], None);
    assert!(errors.is_empty(), "{errors:?}");
    let mut settings = Settings::default();
    for word in ["enabled", "disabled"] {
        let labels = [(crate::kubernetes::keys::INJECTION, word)];
        let annotations = [(INJECT, "clock")];
        let owned = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
        let namespace = Namespace {
            labels: labels.map(owned).into(),
            annotations: annotations.map(owned).into(),
            ..Namespace::default()
        };
        settings.namespaces.insert(word, namespace);
    }
    Engine::new(Arc::new(catalog), Arc::new(settings))
}

/// A pod template with these annotations.
fn template(annotations: &Value) -> Value {
    json!({
        "metadata": {"labels": {"app": "web"}, "annotations": annotations},
        "spec": {"containers": [{"name": "app", "image": "app"}]},
    })
}

fn asks(names: &str) -> Value {
    template(&json!({INJECT: names}))
}

/// A workload of a kind with this pod template.
fn workload(kind: &str, template: &Value) -> Value {
    let spec = json!({"template": template});
    let spec = match kind {
        "CronJob" => json!({"schedule": "@daily", "jobTemplate": {"spec": spec}}),
        _ => spec,
    };
    json!({"kind": kind, "metadata": {"name": "web"}, "spec": spec})
}

/// A CREATE of a workload, with fields of the request replaced.
fn review(kind: &str, object: &Value, changes: &Value) -> Value {
    let group = match kind {
        "Job" | "CronJob" => "batch",
        "ReplicationController" | "Pod" => "",
        _ => "apps",
    };
    let mut request = json!({
        "uid": "u-1",
        "kind": {"group": group, "version": "v1", "kind": kind},
        "namespace": "shop",
        "name": "web",
        "operation": "CREATE",
        "object": object,
        "oldObject": null,
        "dryRun": false,
    });
    for (key, value) in changes.as_object().unwrap() {
        request[key] = value.clone();
    }
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request})
}

/// The warnings of an answer, which is always allowed and never changes anything, and the decision.
fn advised(review: &Value) -> (Vec<String>, Decision) {
    let answer = engine().advise(review.to_string().as_bytes());
    let Answer::Review {
        body,
        pod,
        decision,
        ..
    } = answer
    else {
        panic!("expected a review: {answer:?}");
    };
    let kind = review["request"]["kind"]["kind"]
        .as_str()
        .unwrap_or_default();
    assert_eq!(pod, format!("{kind}/web"));
    let answer: Value = serde_json::from_slice(&body).unwrap();
    let response = &answer["response"];
    assert_eq!(response["uid"], "u-1");
    assert_eq!(response["allowed"], true, "{response}");
    for absent in ["patch", "patchType", "status"] {
        assert!(response.get(absent).is_none(), "{response}");
    }
    let warnings = response["warnings"].as_array().cloned().unwrap_or_default();
    let audit = response["auditAnnotations"]["verdict"].as_str();
    let expected = format!("{} ({})", decision.verdict(), decision.reason);
    let expected = (!warnings.is_empty()).then_some(expected.as_str());
    assert_eq!(audit, expected, "what is judged is audited");
    let texts = warnings
        .iter()
        .map(|text| text.as_str().unwrap().to_owned());
    (texts.collect(), Arc::unwrap_or_clone(decision))
}

fn told(kind: &str, template: &Value) -> Vec<String> {
    advised(&review(kind, &workload(kind, template), &json!({}))).0
}

const KINDS: [&str; 7] = [
    "Deployment",
    "ReplicaSet",
    "StatefulSet",
    "DaemonSet",
    "ReplicationController",
    "Job",
    "CronJob",
];

#[test]
fn every_kind_is_judged_by_its_pod_template() {
    for kind in KINDS {
        let added = format!(
            "pillion: pods of this {kind} will be Injected (Applied): clock: added init containers \
             clock; in container `app` env ZONE"
        );
        assert_eq!(told(kind, &asks("clock")), [added]);
        assert_eq!(told(kind, &template(&json!({}))), [""; 0], "{kind}");
    }
    // A Job's pods must end, whatever the template says of restarting; others run on.
    for kind in KINDS {
        let verdict = match kind {
            "Job" | "CronJob" => "Skipped (PodMustEnd)",
            _ => "Injected (Applied)",
        };
        let expected = format!("pillion: pods of this {kind} will be {verdict}: old: ");
        let told = told(kind, &asks("old"));
        assert!(
            told.len() == 1 && told[0].starts_with(&expected),
            "{told:?}"
        );
    }
}

#[test]
fn what_matters_most_is_told_first() {
    let mut kept = asks("clock");
    kept["spec"]["containers"][0]["env"] = json!([{"name": "ZONE", "value": "PST"}]);
    let lines = |names: &str, kind| {
        let mut template = kept.clone();
        template["metadata"]["annotations"][INJECT] = json!(names);
        told(kind, &template)
            .into_iter()
            .map(|line| line.split(' ').take(9).collect::<Vec<_>>().join(" "))
            .collect::<Vec<_>>()
    };
    // A template that is not applied, a finding of another, what is added.
    let told = lines("clock,old,trial", "Job");
    assert_eq!(told.len(), 4, "{told:#?}");
    assert!(told[0].starts_with("pillion: old: PodMustEnd: the pod must end"));
    assert!(told[1].starts_with("pillion: trial: ShadowMode: nothing is applied"));
    assert!(told[2].starts_with("pillion: clock: "), "{told:#?}");
    assert_eq!(
        told[3],
        "pillion: pods of this Job will be Injected (Applied):"
    );
    // Each template's part has a line of its own, so that none is cut off with another's.
    let told = self::told("Deployment", &asks("clock,reader"));
    assert_eq!(told.len(), 2, "{told:#?}");
    for (line, template) in told.iter().zip(["clock", "reader"]) {
        let start = format!(
            "pillion: pods of this Deployment will be Injected (Applied): {template}: added "
        );
        assert!(line.starts_with(&start), "{told:#?}");
    }
    // The verdict comes first where nothing is added, and its templates are told once.
    let told = lines("old,trial", "Job");
    assert_eq!(
        told[0],
        "pillion: pods of this Job will be Shadowed (ShadowMode):"
    );
    assert!(
        told[1].starts_with("pillion: old: PodMustEnd: "),
        "{told:#?}"
    );
    assert_eq!(told.len(), 2, "{told:#?}");
    assert_eq!(
        lines("trial", "Deployment"),
        ["pillion: pods of this Deployment will be Shadowed (ShadowMode):"]
    );
}

#[test]
fn every_refusal_has_a_line_of_its_own() {
    let annotations = json!({
        INJECT: "clock,reader,old",
        "clock.pillion.dev/zone": "PST",
        "reader.pillion.dev/no": "1",
    });
    let told = told("Job", &template(&annotations));
    let expected = [
        "pillion: pods of this Job will be Denied (ParameterInvalid): clock: annotation \
         clock.pillion.dev/zone of the pod: `PST`: expected one of: UTC, CET",
        "pillion: pods of this Job will be Denied (ParameterUnknown): reader: annotation \
         reader.pillion.dev/no of the pod: ",
        "pillion: old: PodMustEnd: ",
    ];
    assert_eq!(told.len(), 3, "{told:#?}");
    for (line, start) in told.iter().zip(expected) {
        assert!(line.starts_with(start), "{told:#?}");
    }
    // A refusal that is of no template.
    let told = self::told("Deployment", &asks("clok"));
    let start = "pillion: pods of this Deployment will be Denied (TemplateNotFound): annotation \
                 pillion.dev/inject of the pod: there is no template `clok`; did you mean `clock`?";
    assert_eq!(told, [start]);
}

#[test]
fn the_pod_is_the_one_that_the_controller_would_make() {
    let table = [
        ("Deployment", "apps/v1 ReplicaSet ?"),
        ("ReplicaSet", "apps/v1 ReplicaSet web"),
        ("StatefulSet", "apps/v1 StatefulSet web"),
        ("DaemonSet", "apps/v1 DaemonSet web"),
        ("ReplicationController", "v1 ReplicationController web"),
        ("Job", "batch/v1 Job web"),
        ("CronJob", "batch/v1 Job ?"),
    ];
    let patched = |kind: &str, object: &Value| {
        let (_, decision) = advised(&review(kind, object, &json!({})));
        assert_eq!(decision.reason, Reason::Applied, "{}", decision.message);
        decision.patch.to_json()
    };
    for (kind, owner) in table {
        let mut template = asks("reader");
        // What is no annotation and no label of the template does not reach the pod.
        template["metadata"]["generateName"] = json!("other-");
        template["metadata"]["name"] = json!("other");
        let patch = patched(kind, &workload(kind, &template));
        assert!(patch.contains(&format!("\"{owner}\"")), "{kind}: {patch}");
        assert!(patch.contains("\"web- shop\""), "{kind}: {patch}");
    }
    let mut template = asks("reader");
    template["spec"]["volumes"] = json!([
        {"name": "data", "emptyDir": {}}, {"name": "logs", "emptyDir": {}},
    ]);
    let claims = json!([{"metadata": {"name": "data"}, "spec": {}}]);
    for (kind, volumes) in [
        ("StatefulSet", "data=data-web-0 logs"),
        ("Deployment", "data logs"),
    ] {
        let mut object = workload(kind, &template);
        object["spec"]["volumeClaimTemplates"] = claims.clone();
        let patch = patched(kind, &object);
        assert!(patch.contains(&format!("\"{volumes}\"")), "{kind}: {patch}");
    }
}

#[test]
fn statuses_and_mirror_marks_in_a_template_are_no_authority() {
    let with = |key: &str, value: &str| {
        let annotations = json!({INJECT: "clock", key: value});
        told("Deployment", &template(&annotations))
    };
    let added = told("Deployment", &asks("clock"));
    let forged = r#"{"verdict":"Injected","reason":"Applied","initContainers":["clock"]}"#;
    assert_eq!(with("pillion.dev/status.clock", forged), added);
    assert_eq!(with("kubernetes.io/config.mirror", "abc"), added);
}

#[test]
fn an_update_is_judged_where_the_pod_template_changes() {
    let before = workload("Deployment", &asks("clock"));
    let update = |object: &Value, old: &Value| {
        let changes = json!({"operation": "UPDATE", "oldObject": old});
        advised(&review("Deployment", object, &changes))
    };
    let silent = |object: &Value| {
        let (told, decision) = update(object, &before);
        told.is_empty() && decision.reason == Reason::PodTemplateUnchanged
    };
    assert!(silent(&before));
    let mut scaled = before.clone();
    scaled["spec"]["replicas"] = json!(7);
    scaled["status"] = json!({"replicas": 3});
    scaled["metadata"]["annotations"] = json!({"example.com/owner": "us"});
    assert!(silent(&scaled), "nothing of it reaches the pods");
    scaled["metadata"]["annotations"] = json!({INJECT: "old"});
    let (told, _) = update(&scaled, &before);
    assert_eq!(told.last().unwrap(), MISPLACED, "somebody meant it to");
    let later = json!({"operation": "UPDATE", "oldObject": scaled});
    assert!(advised(&review("Deployment", &scaled, &later)).0.is_empty());
    let mut reordered = before.clone();
    let spec = reordered["spec"]["template"].as_object_mut().unwrap();
    let metadata = spec.shift_remove("metadata").unwrap();
    spec.insert("metadata".to_owned(), metadata);
    assert_ne!(reordered.to_string(), before.to_string());
    assert!(silent(&reordered));

    let mut image = before.clone();
    image["spec"]["template"]["spec"]["containers"][0]["image"] = json!("app:2");
    assert_eq!(update(&image, &before).0.len(), 1);
    assert_eq!(
        update(&workload("Deployment", &asks("old")), &before)
            .0
            .len(),
        1
    );
    for old in [json!(null), json!(5), json!({"spec": {}})] {
        assert_eq!(update(&before, &old).0.len(), 1, "{old}");
    }
    let mut claims = workload("StatefulSet", &asks("clock"));
    let old = claims.clone();
    claims["spec"]["volumeClaimTemplates"] = json!([{"metadata": {"name": "data"}}]);
    let changes = json!({"operation": "UPDATE", "oldObject": old});
    assert_eq!(
        advised(&review("StatefulSet", &claims, &changes)).0.len(),
        1
    );
}

#[test]
fn the_rest_is_allowed_in_silence_and_logged() {
    let good = workload("Deployment", &asks("clock"));
    let owned = |controller: bool| {
        let mut object = good.clone();
        let owner = json!({"kind": "Deployment", "name": "web", "controller": controller});
        object["metadata"]["ownerReferences"] = json!([owner]);
        object
    };
    let of = |object: &Value, changes: Value| review("Deployment", object, &changes);
    let kind =
        |group: &str, kind: &str| json!({"kind": {"group": group, "version": "v1", "kind": kind}});
    let mut no_spec = good.clone();
    no_spec["spec"]["template"]["spec"] = json!(null);
    let mut odd = good.clone();
    odd["spec"]["template"]["spec"]["containers"] = json!("many");
    let mut label = good.clone();
    label["spec"]["template"]["metadata"]["labels"] = json!({INJECT: "false"});
    let plain = workload("Deployment", &template(&json!({})));
    let table = [
        (
            of(&good, json!({"operation": "DELETE", "object": null})),
            "NotACreation",
        ),
        (of(&good, json!({"operation": "CONNECT"})), "NotACreation"),
        (of(&good, json!({"operation": null})), "NotACreation"),
        (of(&good, json!({"subResource": "scale"})), "NotAPod"),
        (of(&good, json!({"subResource": "status"})), "NotAPod"),
        (of(&good, kind("apps", "Pod")), "NotAPod"),
        (of(&good, kind("", "Pod")), "NotAPod"),
        (of(&good, kind("", "PodTemplate")), "NotAPod"),
        (of(&good, kind("example.org", "Deployment")), "NotAPod"),
        (of(&json!(null), json!({})), "ReviewInvalid"),
        (of(&json!(5), json!({})), "ReviewInvalid"),
        (
            of(&json!({"metadata": {"name": "web"}}), json!({})),
            "ReviewInvalid",
        ),
        (
            of(
                &json!({"metadata": [], "spec": {"template": {}}}),
                json!({}),
            ),
            "ReviewInvalid",
        ),
        (of(&no_spec, json!({})), "ReviewInvalid"),
        (of(&odd, json!({})), "ReviewInvalid"),
        (of(&owned(true), json!({})), "MadeByController"),
        (of(&plain, json!({})), "NotRequested"),
        (of(&label, json!({})), "OptedOut"),
        (
            of(&good, json!({"namespace": "kube-system"})),
            "NamespaceExcluded",
        ),
        (
            of(&plain, json!({"namespace": "disabled"})),
            "NamespaceDisabled",
        ),
    ];
    for (review, reason) in table {
        let mut review = review;
        // The name is taken from the object, else from the request.
        review["request"]["name"] = json!("web");
        let answer = engine().advise(review.to_string().as_bytes());
        let Answer::Review { body, decision, .. } = answer else {
            panic!("{review}: {answer:?}");
        };
        assert_eq!(decision.reason.code(), reason, "{review}");
        let expected = Response::allowed("u-1").to_json();
        assert_eq!(
            String::from_utf8(body),
            String::from_utf8(expected),
            "{review}"
        );
    }
    let told = advised(&of(&owned(false), json!({}))).0;
    assert_eq!(
        told.len(),
        1,
        "an owner that is no controller does not matter"
    );
}

#[test]
fn namespaces_decide_as_they_do_for_pods() {
    let plain = workload("Deployment", &template(&json!({})));
    let there = |object: &Value, namespace: &str| {
        advised(&review(
            "Deployment",
            object,
            &json!({"namespace": namespace}),
        ))
        .0
    };
    let told = there(&plain, "enabled");
    assert!(told[0].contains("Injected (Applied): clock: "), "{told:?}");
    // Who asks in vain is told.
    let asking = workload("Deployment", &asks("clock"));
    assert_eq!(
        there(&asking, "disabled"),
        [
            "pillion: pods of this Deployment will be Unchanged (NamespaceDisabled): the \
             namespace's label pillion.dev/injection is `disabled`"
        ]
    );
}

#[test]
fn what_is_no_review_is_no_answer() {
    for body in [
        "",
        "[]",
        r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}"#,
    ] {
        let answer = engine().advise(body.as_bytes());
        assert!(
            matches!(answer, Answer::BadRequest(_)),
            "{body}: {answer:?}"
        );
    }
}
