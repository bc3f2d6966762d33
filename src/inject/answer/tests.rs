//! What each kind of review is answered, checked as the API server checks an answer
//! (apiserver:pkg/admission/plugin/webhook/request/admissionreview.go, `VerifyAdmissionResponse`).

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::inject::{Engine, Namespaces, Settings};
use crate::template::{Catalog, Source};

fn engine() -> Engine {
    let text = "apiVersion: pillion.dev/v1alpha1\nkind: ClusterInjectionTemplate\n\
                metadata: {name: a}\nspec: {metadata: {labels: {example.com/a: b}}}\n"
        .to_owned();
    let path = "a.yaml".to_owned();
    let (catalog, errors) = Catalog::load(&[Source { path, text }], None);
    assert!(errors.is_empty(), "{errors:?}");
    Engine::new(Arc::new(catalog), Arc::new(Settings::default()))
}

fn pod(annotations: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"generateName": "web-", "annotations": annotations},
        "spec": {"containers": [{"name": "app", "image": "app"}]},
    })
}

/// A CREATE of a pod that asks for the template, with fields replaced.
fn review(changes: &Value) -> Value {
    let mut request = json!({
        "uid": "u-1",
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "namespace": "shop",
        "operation": "CREATE",
        "userInfo": {"username": "somebody", "groups": ["system:authenticated"]},
        "object": pod(&json!({"pillion.dev/inject": "a"})),
        "oldObject": null,
        "dryRun": false,
    });
    for (key, value) in changes.as_object().unwrap() {
        request[key] = value.clone();
    }
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request})
}

/// The response of an answer that the API server would take.
fn response(body: &Value) -> (Value, Decision) {
    let answer = engine().review(body.to_string().as_bytes());
    let Answer::Review { body, decision, .. } = answer else {
        panic!("expected a review: {answer:?}");
    };
    let answer: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(answer["apiVersion"], "admission.k8s.io/v1");
    assert_eq!(answer["kind"], "AdmissionReview");
    let response = answer["response"].clone();
    assert_eq!(
        response["uid"], "u-1",
        "the uid is repeated, in refusals too"
    );
    let patch = response.get("patch");
    assert_eq!(
        patch.is_some(),
        response.get("patchType").is_some(),
        "both or neither"
    );
    assert!(patch.is_none_or(|patch| patch.as_str().is_some_and(|text| !text.is_empty())));
    if patch.is_some() {
        assert_eq!(response["patchType"], "JSONPatch");
        assert_eq!(response["allowed"], true, "a refusal has no patch");
    }
    (response, Arc::unwrap_or_clone(decision))
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is one table")]
fn every_request_has_its_answer() {
    let table = [
        ("a pod that asks", json!({}), "Applied"),
        ("the same in a dry run", json!({"dryRun": true}), "Applied"),
        (
            "a CREATE with an oldObject",
            json!({"oldObject": pod(&json!({}))}),
            "Applied",
        ),
        (
            "an UPDATE",
            json!({"operation": "UPDATE", "oldObject": pod(&json!({}))}),
            "NotACreation",
        ),
        (
            "a DELETE",
            json!({"operation": "DELETE", "object": null, "oldObject": pod(&json!({}))}),
            "NotACreation",
        ),
        (
            "a CONNECT",
            json!({"operation": "CONNECT", "object": null}),
            "NotACreation",
        ),
        ("no operation", json!({"operation": null}), "NotACreation"),
        ("no object", json!({"object": null}), "ReviewInvalid"),
        (
            "another kind",
            json!({"kind": {"group": "apps", "version": "v1", "kind": "Deployment"}}),
            "NotAPod",
        ),
        (
            "another group's Pod",
            json!({"kind": {"group": "example.com", "version": "v1", "kind": "Pod"}}),
            "NotAPod",
        ),
        ("no kind", json!({"kind": null}), "NotAPod"),
        (
            "ephemeral containers",
            json!({"subResource": "ephemeralcontainers"}),
            "NotAPod",
        ),
        (
            "an object that is no pod",
            json!({"object": {"metadata": {"annotations": {"pillion.dev/inject": "a"}}, "spec": 5}}),
            "ReviewInvalid",
        ),
        (
            "an object that is a number",
            json!({"object": 5}),
            "ReviewInvalid",
        ),
        ("no namespace", json!({"namespace": null}), "Applied"),
        (
            "an excluded namespace",
            json!({"namespace": "kube-system"}),
            "NamespaceExcluded",
        ),
        (
            "a pod that asks for nothing",
            json!({"object": pod(&json!({}))}),
            "NotRequested",
        ),
        (
            "a pod that asks for what is not there",
            json!({"object": pod(&json!({"pillion.dev/inject": "nothing"}))}),
            "TemplateNotFound",
        ),
    ];
    for (what, changes, reason) in table {
        let (response, decision) = response(&review(&changes));
        assert_eq!(
            decision.reason.code(),
            reason,
            "{what}: {}",
            decision.message
        );
        let denied = decision.verdict() == Verdict::Denied;
        assert_eq!(response["allowed"], !denied, "{what}");
        assert_eq!(
            response.get("patch").is_some(),
            reason == "Applied",
            "{what}"
        );
        if denied {
            let status = &response["status"];
            assert!(
                matches!(status["code"].as_u64(), Some(403 | 422)),
                "{what}: {status}"
            );
            assert_eq!(status["reason"], reason, "{what}");
            let message = status["message"].as_str().unwrap();
            assert!(
                message.starts_with(&format!("{reason}: ")),
                "{what}: {message}"
            );
        } else {
            assert!(response.get("status").is_none(), "{what}: {response}");
        }
        let audit = response["auditAnnotations"]["verdict"].as_str().unwrap();
        assert_eq!(
            audit,
            format!("{} ({reason})", decision.verdict()),
            "{what}"
        );
    }
}

#[test]
fn what_is_no_review_is_no_answer() {
    let table = [
        ("", "failed to read the body as an AdmissionReview"),
        ("not json", "failed to read the body as an AdmissionReview"),
        ("[]", "expected kind AdmissionReview"),
        (
            r#"{"kind":"Pod","apiVersion":"v1"}"#,
            "expected kind AdmissionReview, found Pod",
        ),
        (
            r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1","request":{"uid":"u"}}"#,
            "admissionReviewVersions",
        ),
        (
            r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}"#,
            "no request",
        ),
        (
            r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":null}"#,
            "no request",
        ),
        (
            r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":""}}"#,
            "no uid",
        ),
        (
            r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{}}"#,
            "uid",
        ),
    ];
    for (body, expected) in table {
        match engine().review(body.as_bytes()) {
            Answer::BadRequest(message) => assert!(message.contains(expected), "{body}: {message}"),
            other => panic!("{body}: {other:?}"),
        }
    }
}

#[test]
fn what_the_server_logs_comes_with_the_answer() {
    let body = review(&json!({"dryRun": true})).to_string();
    let answer = engine().review(body.as_bytes());
    let Answer::Review {
        uid,
        namespace,
        pod,
        dry_run,
        ..
    } = answer
    else {
        panic!("expected a review: {answer:?}");
    };
    assert_eq!(
        (uid.as_str(), namespace.as_str(), pod.as_str(), dry_run),
        ("u-1", "shop", "web-", true)
    );
}

#[test]
fn a_pod_of_a_namespace_that_is_not_known_yet_waits() {
    let settings = Settings {
        namespaces: Namespaces::watched(std::collections::BTreeMap::new()),
        ..Settings::default()
    };
    let engine = Engine::new(Arc::new(Catalog::default()), Arc::new(settings));
    let waits = |request: Value| match engine.review(review(&request).to_string().as_bytes()) {
        Answer::NamespaceUnknown {
            namespace,
            otherwise,
        } => {
            assert_eq!((namespace.as_str(), otherwise), ("shop", None));
            true
        }
        Answer::Review { .. } => false,
        Answer::BadRequest(message) => panic!("{message}"),
    };
    assert!(waits(json!({})));
    let status = json!({"metadata": {"annotations": {"pillion.dev/status.a": "{}"}}, "spec": {}});
    assert!(waits(json!({"object": status})));
    // What does not depend on the namespace is decided at once.
    assert!(!waits(json!({"namespace": "kube-system"})));
    assert!(!waits(json!({"operation": "UPDATE"})));
    let mirror =
        json!({"metadata": {"annotations": {"kubernetes.io/config.mirror": "x"}}, "spec": {}});
    assert!(
        waits(json!({"object": mirror})),
        "anybody can write the annotation"
    );
    let node = json!({"username": "system:node:a", "groups": ["system:nodes"]});
    assert!(!waits(json!({"object": mirror, "userInfo": node})));
}
