//! Where the blanks of a form are, and where they may be.

use serde_json::{Value, json};

use super::*;
use crate::review::request::{document, read};

const REVIEW: &str = include_str!("../../../../benches/engine/review.json");

fn key(body: &str) -> Option<Box<[u8]>> {
    CacheKey::of(body.as_bytes()).map(CacheKey::into_key)
}

/// Whether a review would be kept under its form.
fn is_kept(body: &str) -> bool {
    let document = document(body.as_bytes()).unwrap();
    let request = read(&document).unwrap();
    CacheKey::of(body.as_bytes())
        .is_some_and(|form| form.is_blank_where_unread(body.as_bytes(), &request))
}

fn changed(pointer: &str, value: Value) -> String {
    let mut review: Value = serde_json::from_str(REVIEW).unwrap();
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    match review.pointer_mut(&format!("/request{parent}")).unwrap() {
        Value::Array(items) => items[field.parse::<usize>().unwrap()] = value,
        object => object[field] = value,
    }
    review.to_string()
}

#[test]
fn what_the_api_server_makes_up_is_blank() {
    let body = REVIEW
        .replace("0b2e7f6a-5a57-4c0f-8f1e-3d0d6c1c5a10", "another")
        .replace("2026-11-20T09:12:44Z", "2031-01-02T03:04:05Z")
        .replace("kube-api-access-x7k2p", "kube-api-access-bcdfg");
    assert_ne!(body, REVIEW);
    assert_eq!(key(&body), key(REVIEW));
    assert!(is_kept(REVIEW) && is_kept(&body));
    let form = CacheKey::of(body.as_bytes()).unwrap();
    assert_eq!(form.uid(body.as_bytes()), Some("another"));
    assert_eq!(form.token(body.as_bytes()), Some("kube-api-access-bcdfg"));
}

#[test]
fn whatever_else_differs_makes_another_form() {
    let changes = [
        ("\"dryRun\":false", "\"dryRun\":true"),
        ("\"CREATE\"", "\"UPDATE\""),
        ("orders:1.4.2", "orders:1.4.3"),
        // The owner's uid is told in events.
        ("4e5b8a6e-6a0c", "4e5b8a6e-6a0d"),
        ("2026-11-20T09:12:44Z", "2026-11-20T09:12:44.5Z"),
        ("2026-11-20T09:12:44Z", "2026-11-20T09:12\\\"44Z"),
        ("kube-api-access-x7k2p", "kube-api-access-x7k2a"),
        ("3d0d6c1c5a10\"", "3d0d6c1c5a1\\u0030\""),
        ("3d0d6c1c5a10\"", "3d0d6c1c5a10\\\"\""),
    ];
    for (from, to) in changes {
        let body = REVIEW.replace(from, to);
        assert_ne!(body, REVIEW);
        assert_ne!(key(&body), key(REVIEW), "{from} {to}");
    }
    let renamed = REVIEW.replacen("kube-api-access-x7k2p", "kube-api-access-bcdfg", 1);
    assert_ne!(key(&renamed), key(REVIEW), "two names for what had one");
}

#[test]
fn a_byte_that_stands_for_a_blank_is_none() {
    let uid = Some("0b2e7f6a-5a57-4c0f-8f1e-3d0d6c1c5a10");
    let (before, behind) = REVIEW.split_once("2026-11-20T09:12:44Z").unwrap();
    let body = [before.as_bytes(), &[BLANK], behind.as_bytes()].concat();
    let one = CacheKey::of(REVIEW.as_bytes()).unwrap();
    let other = CacheKey::of(&body).unwrap();
    assert_eq!((one.uid(REVIEW.as_bytes()), other.uid(&body)), (uid, uid));
    assert_ne!(one.key(), other.key());
}

#[test]
fn a_blank_where_something_is_read_is_not_kept() {
    let time = json!("2026-11-20T09:12:44Z");
    let token = json!("kube-api-access-x7k2p");
    let mount = |path: &str| json!({"name": token, "readOnly": true, "mountPath": path});
    let path = "/var/run/secrets/kubernetes.io/serviceaccount";
    let table = [
        ("/object/spec/containers/0/time", time.clone()),
        ("/object/metadata/labels/time", time.clone()),
        ("/options/time", time),
        ("/object/metadata/labels/x", token.clone()),
        ("/object/spec/hostname", token.clone()),
        (
            "/object/spec/containers/0/volumeMounts/1/subPath",
            token.clone(),
        ),
        ("/object/spec/containers/0/volumeMounts/1", mount("/other")),
        // What only looks like a mount.
        ("/object/spec/overhead", mount(path)),
        ("/options/mount", mount(path)),
        (
            "/object/spec/volumes/0/name",
            json!("kube-api-access-bcdfg"),
        ),
        ("/object/spec/volumes/1/projected", json!(null)),
    ];
    for (pointer, value) in table {
        assert!(!is_kept(&changed(pointer, value)), "{pointer}");
    }
    assert!(is_kept(&changed("/object/spec/hostname", json!("web"))));
    assert!(is_kept(&changed(
        "/object/metadata/managedFields/0/x",
        mount(path)
    )));
}

#[test]
fn a_container_that_is_written_like_a_mount_is_none() {
    let path = "/var/run/secrets/kubernetes.io/serviceaccount";
    let like = format!(
        r#"{{"name":"kube-api-access-x7k2p","readOnly":true,"mountPath":"{path}","image":"#
    );
    let body = REVIEW.replace(r#"{"name":"orders","image":"#, &like);
    assert_ne!(body, REVIEW);
    assert!(!is_kept(&body));
    let twice = format!(r#""mountPath":"{path}","mountPath":"/x""#);
    let body = REVIEW.replace(&format!(r#""mountPath":"{path}""#), &twice);
    assert_ne!(body, REVIEW);
    assert!(!is_kept(&body));
}

#[test]
fn a_name_that_is_written_otherwise_is_not_overlooked() {
    let hidden = r"\u006bube-api-access-x7k2p";
    for (from, to) in [
        // The volume, which then is no blank while its mounts are.
        (
            r#"{"name":"kube-api-access-x7k2p","projected""#,
            format!(r#"{{"name":"{hidden}","projected""#),
        ),
        // Something else of the same name.
        (
            r#""schedulerName":"default-scheduler""#,
            format!(r#""schedulerName":"{hidden}""#),
        ),
    ] {
        let body = REVIEW.replace(from, &to);
        assert_ne!(body, REVIEW);
        assert!(!is_kept(&body), "{to}");
    }
    let harmless = REVIEW.replace("--port=8080", r"a \u0026\u0026 b \u003e c");
    assert_ne!(harmless, REVIEW);
    assert!(is_kept(&harmless), "as the API server writes it");
}

#[test]
fn a_uid_that_is_not_the_requests_is_no_blank() {
    let pod = r#"{"metadata":{"labels":{"uid":"x"}},"spec":{"containers":[]}}"#;
    let body = |first: &str, last: &str| {
        format!(
            r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{{{first}"object":{pod}{last}}}}}"#
        )
    };
    assert!(is_kept(&body(r#""uid":"u","#, "")));
    assert!(!is_kept(&body("", r#","uid":"u""#)));
    let escaped = body(r#""\u0075id":"u","#, "");
    assert!(!is_kept(&escaped), "the first that is found is the label");
}

#[test]
fn what_is_no_review_has_no_form() {
    for body in ["", "{}", "\"uid\":\"", "\"uid\":\"\"", "\"uid\":\"a\\\"b\""] {
        assert_eq!(key(body), None, "{body}");
    }
    let overlapping = r#"{"uid":"kube-api-access-bcdfg"}"#;
    assert_eq!(key(overlapping), None, "two blanks in one place");
}
