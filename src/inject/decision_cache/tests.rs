//! What counts as the same pod, and what does not.

use serde_json::{Value, json};

use super::*;
use crate::template::Source;

const TEMPLATES: &str = r#"
apiVersion: pillion.dev/v1alpha1
kind: ClusterInjectionTemplate
metadata: {name: plain}
spec:
  sidecars: [{name: helper, image: "helper:1"}]
---
apiVersion: pillion.dev/v1alpha1
kind: ClusterInjectionTemplate
metadata: {name: copies}
spec:
  volumes: [{name: token, adopt: {mountPath: /var/run/secrets/kubernetes.io/serviceaccount}}]
  sidecars:
    - {name: copy, image: "copy:1", volumeMounts: [{name: token, mountPath: /token}]}
"#;

fn catalog() -> Arc<Catalog> {
    let source = Source {
        path: "t.yaml".to_owned(),
        text: TEMPLATES.to_owned(),
    };
    let (catalog, errors) = Catalog::load(&[source], None);
    assert!(errors.is_empty(), "{errors:?}");
    Arc::new(catalog)
}

fn engine() -> CachedEngine {
    with_room(1024 * 1024)
}

fn with_room(bytes: usize) -> CachedEngine {
    CachedEngine::new(Engine::new(catalog(), Arc::default()), bytes)
}

/// A review of a pod whose ServiceAccount's volume has this name.
fn review(template: &str, volume: &str) -> Value {
    let mount = json!({"name": volume, "readOnly": true,
        "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"});
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "first", "operation": "CREATE", "namespace": "shop",
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "userInfo": {"username": "controller", "groups": ["system:authenticated"]},
        "object": {
            "metadata": {"generateName": "web-", "labels": {"app": "web"},
                "annotations": {"pillion.dev/inject": template},
                "managedFields": [{"manager": "m", "time": "2026-11-20T09:12:44Z"}]},
            "spec": {"containers": [{"name": "web", "image": "web:1", "volumeMounts": [mount]}],
                "volumes": [{"name": volume, "projected": {"sources": [
                    {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}},
                    {"configMap": {"name": "kube-root-ca.crt"}}, {"downwardAPI": {}}]}}]}}}})
}

/// The response, and whether it is an earlier one's.
fn ask(engine: &CachedEngine, review: &Value) -> (Value, bool) {
    let body = review.to_string();
    let (answer, is_recalled) = engine.answer(Endpoint::Mutate, body.as_bytes());
    let [response, expected] =
        [answer, engine.engine().review(body.as_bytes())].map(|answer| match answer {
            Answer::Review { body, .. } => serde_json::from_slice::<Value>(&body).unwrap(),
            other => panic!("{other:?}"),
        });
    assert_eq!(response, expected, "as one that keeps nothing answers");
    (response, is_recalled)
}

#[test]
fn a_copy_is_answered_as_the_first_with_its_own_uid() {
    let engine = engine();
    let mut one = review("plain", "kube-api-access-bcdfg");
    assert!(!ask(&engine, &one).1);
    one["request"]["uid"] = json!("second");
    let metadata = &mut one["request"]["object"]["metadata"];
    metadata["managedFields"][0]["time"] = json!("2026-11-20T09:12:46Z");
    let (response, is_recalled) = ask(&engine, &one);
    assert!(is_recalled);
    assert_eq!(response["response"]["uid"], "second");
    let (_, is_recalled) = ask(&engine, &review("plain", "kube-api-access-v7x2z"));
    assert!(
        is_recalled,
        "the token's volume has another name in each pod"
    );
}

#[test]
fn what_may_be_decided_upon_makes_another_pod() {
    let engine = engine();
    let one = review("plain", "kube-api-access-bcdfg");
    ask(&engine, &one);
    let changes = [
        ("/request/namespace", json!("bank")),
        ("/request/userInfo/username", json!("somebody")),
        ("/request/userInfo/groups", json!(["system:nodes"])),
        ("/request/object/metadata/generateName", json!("api-")),
        ("/request/object/metadata/labels", json!({"app": "api"})),
        (
            "/request/object/metadata/annotations",
            json!({"pillion.dev/inject": "plain", "x": "y"}),
        ),
        ("/request/object/spec/containers/0/image", json!("web:2")),
        (
            "/request/object/spec/volumes/0/projected/sources/0/serviceAccountToken/expirationSeconds",
            json!(600),
        ),
    ];
    for (pointer, value) in changes {
        let mut other = one.clone();
        *other.pointer_mut(pointer).unwrap() = value;
        assert!(!ask(&engine, &other).1, "{pointer}");
        assert!(ask(&engine, &other).1, "{pointer}, again");
    }
}

#[test]
fn a_patch_that_speaks_of_the_made_up_name_speaks_of_each_pods_own() {
    for template in ["plain", "copies"] {
        let engine = engine();
        for (name, expected) in [("bcdfg", false), ("bcdfg", true), ("h2j4k", true)] {
            let name = format!("kube-api-access-{name}");
            let (response, is_recalled) = ask(&engine, &review(template, &name));
            assert_eq!(is_recalled, expected, "{template}, {name}");
            let patch = response["response"]["patch"].as_str().unwrap();
            let patch = String::from_utf8(STANDARD.decode(patch).unwrap()).unwrap();
            assert!(patch.contains(&name), "{patch}");
        }
    }
}

#[test]
fn a_sentence_that_speaks_of_the_made_up_name_is_not_kept() {
    let engine = engine();
    let mut one = review("plain", "kube-api-access-bcdfg");
    one["request"]["object"]["metadata"]["annotations"]["pillion.dev/containers"] = json!("web");
    let spec = &mut one["request"]["object"]["spec"];
    spec["containers"][0]["name"] = json!("kube-api-access-bcdfg");
    let (response, is_recalled) = ask(&engine, &one);
    assert!(!is_recalled);
    assert!(response["response"]["status"]["message"].is_string());
    assert!(!ask(&engine, &one).1);
}

#[test]
fn a_made_up_name_that_stands_elsewhere_is_not_left_out() {
    let engine = engine();
    let mut one = review("plain", "kube-api-access-bcdfg");
    one["request"]["object"]["metadata"]["annotations"]["note"] = json!("kube-api-access-bcdfg");
    assert!(!ask(&engine, &one).1);
    assert!(!ask(&engine, &one).1);
}

#[test]
fn a_made_up_name_is_left_out_only_where_the_api_server_writes_it() {
    let names = ["kube-api-access-bcdfg", "kube-api-access-hjklm"];
    let places = [
        "/request/object/spec/serviceAccountName",
        "/request/object/spec/containers/0/name",
        "/request/object/spec/containers/0/image",
        "/request/object/spec/containers/0/env/0/value",
        "/request/object/spec/volumes/0/name",
        "/request/object/spec/containers/0/volumeMounts/0/name",
        "/request/object/spec/containers/0/volumeMounts/1/name",
    ];
    for place in places {
        for has_token in [false, true] {
            let engine = engine();
            for name in names {
                let mut one = review("plain", name);
                let spec = &mut one["request"]["object"]["spec"];
                spec["containers"][0]["env"] = json!([{"name": "A", "value": "b"}]);
                spec["serviceAccountName"] = json!("default");
                if !has_token {
                    spec["containers"][0]["volumeMounts"][0]["name"] = json!("other");
                    spec["volumes"] = json!([{"name": "other", "emptyDir": {}}]);
                }
                let mounts = &mut spec["containers"][0]["volumeMounts"];
                let mounts = mounts.as_array_mut().unwrap();
                mounts.push(json!({"name": "x", "mountPath": "/x"}));
                let is_the_mount = has_token && place.ends_with("volumeMounts/0/name");
                let is_the_volume = has_token && place.ends_with("volumes/0/name");
                *one.pointer_mut(place).unwrap() = json!(name);
                let expected = (is_the_mount || is_the_volume) && name == names[1];
                assert_eq!(ask(&engine, &one).1, expected, "{place}, token {has_token}");
            }
        }
    }
}

#[test]
fn other_facts_about_the_namespace_ask_anew_and_other_namespaces_do_not() {
    let with = |names: [(&str, &str); 2]| {
        let mut namespaces = Namespaces::default();
        for (name, level) in names {
            let labels = [("pod-security.kubernetes.io/enforce", level)];
            let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
            let namespace = Namespace {
                labels: labels.into(),
                ..Namespace::default()
            };
            namespaces.insert(name, namespace);
        }
        namespaces
    };
    let settings = |namespaces| {
        Arc::new(Settings {
            namespaces,
            ..Settings::default()
        })
    };
    let one = review("plain", "kube-api-access-bcdfg");
    let before = with([("shop", "baseline"), ("bank", "baseline")]);
    let engine = Engine::new(catalog(), settings(before.clone()));
    let engine = CachedEngine::new(engine, 1024 * 1024);
    ask(&engine, &one);
    let mut after = before;
    after.insert("bank", Namespace::default());
    let engine = engine.followed_by(Arc::clone(engine.engine().catalog()), settings(after));
    assert!(ask(&engine, &one).1, "another namespace changed");
    let after = settings(with([("shop", "restricted"), ("bank", "baseline")]));
    let engine = engine.followed_by(Arc::clone(engine.engine().catalog()), after);
    assert!(!ask(&engine, &one).1, "its own namespace changed");
    assert!(ask(&engine, &one).1);
    let engine = engine.followed_by(catalog(), Arc::clone(engine.engine().settings()));
    assert!(!ask(&engine, &one).1, "templates changed");
}

#[test]
fn what_is_kept_has_no_patch_and_weighs_what_it_holds() {
    let engine = engine();
    let mut one = review("plain", "kube-api-access-bcdfg");
    one["request"]["object"]["metadata"]["name"] = json!("n".repeat(5000));
    let body = one.to_string();
    let mut decisions =
        [(); 2].map(
            |()| match engine.answer(Endpoint::Mutate, body.as_bytes()).0 {
                Answer::Review { decision, body, .. } => (decision, body.len()),
                other => panic!("{other:?}"),
            },
        );
    let [(fresh, _), (recalled, response)] = &mut decisions;
    assert!(!fresh.patch.is_empty() && recalled.patch.is_empty());
    let weight = usize::try_from(engine.cache.as_ref().unwrap().cache.weight()).unwrap();
    // The name is in the review, in the log's name of the pod, and in what an event regards.
    assert!(weight > body.len() + *response + 2 * 5000, "{weight}");
}

#[test]
fn a_key_that_asks_is_found_however_it_is_written() {
    let plain = review("plain", "kube-api-access-bcdfg").to_string();
    let written = [
        "pillion.dev/inject",
        r"\u0070illion.dev/inject",
        r"pillion.dev\/inject",
    ];
    for key in written {
        let body = plain.replace("pillion.dev/inject", key);
        match engine().engine().review(body.as_bytes()) {
            Answer::Review { decision, .. } => assert_eq!(decision.reason.code(), "Applied"),
            other => panic!("{other:?}"),
        }
    }
}

/// A namespace that asks for a template for all of its pods.
fn asking() -> Namespace {
    let one = |key: &str, value: &str| [(key.to_owned(), value.to_owned())].into();
    Namespace {
        labels: one("pillion.dev/injection", "enabled"),
        annotations: one("pillion.dev/inject", "plain"),
        ..Namespace::default()
    }
}

#[test]
fn a_pod_that_nobody_asks_for_is_not_kept() {
    let engine = engine();
    let mut one = review("plain", "kube-api-access-bcdfg");
    one["request"]["object"]["metadata"]["annotations"] = json!({"pillion.dev/note": "x"});
    let (response, _) = ask(&engine, &one);
    assert!(response["response"].get("patch").is_none());
    assert!(!ask(&engine, &one).1);
}

#[test]
fn what_a_namespace_asks_for_is_kept_too() {
    let mut settings = Settings::default();
    settings.namespaces.insert("shop", asking());
    let engine = CachedEngine::new(Engine::new(catalog(), settings.into()), 1024 * 1024);
    let mut one = review("plain", "kube-api-access-bcdfg");
    one["request"]["object"]["metadata"]["annotations"] = json!({});
    let (response, _) = ask(&engine, &one);
    assert!(response["response"].get("patch").is_some());
    assert!(ask(&engine, &one).1);
    one["request"]["namespace"] = json!("bank");
    let (response, _) = ask(&engine, &one);
    assert!(response["response"].get("patch").is_none());
}

#[test]
fn a_dry_run_is_told_as_one() {
    let engine = engine();
    for (dry_run, is_kept) in [(false, false), (true, false), (true, true), (false, true)] {
        let mut one = review("plain", "kube-api-access-bcdfg");
        one["request"]["dryRun"] = json!(dry_run);
        match engine.answer(Endpoint::Mutate, one.to_string().as_bytes()) {
            (Answer::Review { dry_run: told, .. }, is_recalled) => {
                assert_eq!((told, is_recalled), (dry_run, is_kept));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn large_pods_and_little_room_keep_nothing() {
    let engine = engine();
    let mut large = review("plain", "kube-api-access-bcdfg");
    large["request"]["object"]["spec"]["note"] = json!("x".repeat(300_000));
    ask(&engine, &large);
    assert!(!ask(&engine, &large).1);
    let engine = with_room(0);
    let one = review("plain", "kube-api-access-bcdfg");
    ask(&engine, &one);
    assert!(!ask(&engine, &one).1);
}

#[test]
fn many_decisions_stay_within_the_bound() {
    let engine = with_room(64 * 1024);
    for index in 0..200 {
        let mut one = review("plain", "kube-api-access-bcdfg");
        one["request"]["object"]["metadata"]["labels"]["app"] = json!(format!("app-{index}"));
        ask(&engine, &one);
    }
    let recent = engine.cache.as_ref().unwrap();
    assert!(recent.cache.weight() <= 64 * 1024);
    assert!(recent.cache.len() > 2);
}

#[test]
fn what_was_refused_for_want_of_time_is_not_recalled() {
    let source = Source {
        path: "t.yaml".to_owned(),
        text: r#"
apiVersion: pillion.dev/v1alpha1
kind: ClusterInjectionTemplate
metadata: {name: counts}
spec:
  sidecars: [{name: helper, image: "helper:1", args: ["${string(apps.size())}"]}]
"#
        .to_owned(),
    };
    let (catalog, errors) = Catalog::load(&[source], None);
    assert!(errors.is_empty(), "{errors:?}");
    let engine = CachedEngine::new(Engine::new(Arc::new(catalog), Arc::default()), 1024 * 1024);
    let body = review("counts", "kube-api-access-bcdfg").to_string();
    let ask = |is_late: bool| {
        let (answer, is_recalled) =
            engine.answer_until(Endpoint::Mutate, body.as_bytes(), move || is_late);
        let Answer::Review { decision, .. } = answer else {
            panic!("{answer:?}");
        };
        (decision.verdict(), is_recalled)
    };
    assert_eq!(ask(true), (Verdict::Denied, false));
    assert_eq!(ask(false), (Verdict::Injected, false));
    assert_eq!(ask(false), (Verdict::Injected, true));
    assert_eq!(ask(true), (Verdict::Injected, true), "it takes no time");
}
