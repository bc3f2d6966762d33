//! Statuses that somebody wrote, and pods that come again and again: the pod stays valid, nothing but
//! the writer's own is lost, and the user's part is what it was.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use pillion::inject::settings::ForeignHelpers;
use pillion::inject::{Decision, Engine, Namespace, RequestContext, Settings, Verdict, uninject};
use pillion::kubernetes::element_digest::element_digest;
use pillion::kubernetes::schema::FieldType;
use pillion::review::{Document, Pod};
use pillion::template::{Catalog, CatalogLookup, Source};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::empty::without_empty;
use crate::properties::engines::patched;

/// Three revisions of two templates; the third has another helper, volume and edit.
fn engine(revision: usize) -> Engine {
    let [image, helper, variable] = [
        ["helper:1", "helper", "HELPER"],
        ["helper:2", "helper", "HELPER"],
        ["helper:3", "helper-next", "NEXT"],
    ][revision];
    let template = format!(
        "apiVersion: pillion.dev/v1alpha1\nkind: ClusterInjectionTemplate\nmetadata: {{name: opt}}\nspec:\n  \
         parameters: {{mode: {{type: string, default: a}}}}\n  \
         volumes: [{{name: {helper}, emptyDir: {{sizeLimit: {revision}Mi}}}}]\n  \
         sidecars: [{{name: {helper}, image: \"{image}\", args: [\"${{params.mode}}\"], \
         volumeMounts: [{{name: {helper}, mountPath: /v}}]}}]\n  \
         app: {{env: [{{name: {variable}, value: \"${{params.mode}}\"}}]}}\n  \
         metadata: {{labels: {{helped: \"r{revision}\"}}}}\n  \
         pod: {{terminationGracePeriodSeconds: 6{revision}}}\n---\n\
         apiVersion: pillion.dev/v1alpha1\nkind: ClusterInjectionTemplate\nmetadata: {{name: must}}\nspec:\n  \
         requirement: Mandatory\n  \
         sidecars: [{{name: must, image: \"must:{revision}\", command: [/must]}}]\n"
    );
    let source = Source {
        path: "t.yaml".to_owned(),
        text: template,
    };
    let (catalog, errors) = Catalog::load(&[source], None);
    assert!(errors.is_empty(), "{errors:?}");
    let mut settings = Settings::default();
    let bank = Namespace {
        labels: [("pillion.dev/mandatory".to_owned(), String::new())].into(),
        ..Namespace::default()
    };
    settings.namespaces.insert("bank", bank);
    Engine::new(Arc::new(catalog), Arc::new(settings))
}

static ENGINES: LazyLock<[Engine; 3]> = LazyLock::new(|| [engine(0), engine(1), engine(2)]);

fn decide(engine: &Engine, pod: &Value) -> Decision {
    let context = RequestContext {
        namespace: "bank".to_owned(),
        is_admission: true,
        ..RequestContext::default()
    };
    let text = pod.to_string();
    let document = Document::read(&text).unwrap();
    engine.decide(&context, &Pod::read(document.root()).unwrap(), None)
}

fn pod() -> Value {
    json!({"metadata": {"annotations": {"pillion.dev/inject": "opt"}}, "spec": {
        "terminationGracePeriodSeconds": 30,
        "initContainers": [{"name": "first", "image": "first:1"}, {"name": "istio-init", "image": "istio/proxyv2:1"}],
        "containers": [
            {"name": "web", "image": "web:1", "env": [{"name": "OWN", "value": "1"}],
                "securityContext": {"runAsUser": 7},
                "volumeMounts": [{"name": "data", "mountPath": "/data"}]},
            {"name": "istio-proxy", "image": "istio/proxyv2:1", "env": [{"name": "PROXY", "value": "1"}]},
            {"name": "api", "image": "api:1"}],
        "volumes": [{"name": "data", "emptyDir": {}}]}})
}

fn items<'v>(pod: &'v Value, list: &str) -> impl Iterator<Item = &'v Value> {
    pod["spec"][list].as_array().into_iter().flatten()
}

fn named<'v>(pod: &'v Value, name: &str) -> Option<&'v Value> {
    let mut containers = items(pod, "containers").chain(items(pod, "initContainers"));
    containers.find(|container| container["name"] == name)
}

/// What a forged status says of one element, and whether its digest is right, wrong or missing.
fn claim() -> impl Strategy<Value = (usize, u8)> {
    (0..CLAIMS.len(), 0..3_u8)
}

/// Lists and names that a forged status can claim.
const CLAIMS: [(&str, &str); 21] = [
    ("containers", "web"),
    ("containers", "api"),
    ("containers", "istio-proxy"),
    ("initContainers", "first"),
    ("initContainers", "helper"),
    ("initContainers", "must"),
    ("volumes", "data"),
    ("volumes", "opt-helper"),
    ("edited", "env/OWN"),
    ("edited", "image"),
    ("edited", "name"),
    ("edited", "securityContext/runAsUser"),
    ("pod", "containers"),
    ("replaced", "terminationGracePeriodSeconds"),
    ("initContainers", "istio-init"),
    ("edited in istio-proxy", "env/PROXY"),
    ("edited in istio-proxy", "image"),
    ("auto", "web"),
    ("auto", "istio-proxy"),
    ("annotations", "pillion.dev/inject"),
    ("apps", "istio-proxy"),
];

fn right(pod: &Value, list: &str, name: &str) -> String {
    let (definition, value) = match list {
        "volumes" => (
            "Volume",
            items(pod, "volumes").find(|item| item["name"] == name),
        ),
        "edited" if name == "env/OWN" => ("EnvVar", pod.pointer("/spec/containers/0/env/0")),
        "edited in istio-proxy" if name == "env/PROXY" => {
            ("EnvVar", pod.pointer("/spec/containers/1/env/0"))
        }
        "auto" | "edited in istio-proxy" | "annotations" => {
            let text = match (list, name) {
                ("annotations", _) => "opt",
                ("auto", "web") => "web:1",
                _ => "istio/proxyv2:1",
            };
            let digest = element_digest(&FieldType::Text, &json!(text));
            return format!("{digest:016x}");
        }
        "edited" => {
            let value = pod.pointer(&format!("/spec/containers/0/{name}"));
            let ty = if name.starts_with("security") {
                FieldType::Integer64
            } else {
                FieldType::Text
            };
            let digest = value.map(|value| element_digest(&ty, value));
            return format!("{:016x}", digest.unwrap_or_default());
        }
        "pod" | "replaced" => {
            let digest = element_digest(&FieldType::Integer64, &json!(30));
            return format!("{digest:016x}");
        }
        _ => ("Container", named(pod, name)),
    };
    let digest =
        value.map(|value| element_digest(&FieldType::Object(definition.to_owned()), value));
    format!("{:016x}", digest.unwrap_or_default())
}

fn forged(pod: &Value, revision: &str, claims: &[(usize, u8)]) -> String {
    let mut status = json!({"verdict": "Injected", "reason": "Applied", "revision": revision});
    for (index, digest) in claims {
        let (list, name) = CLAIMS[*index];
        let digest = match digest {
            0 => right(pod, list, name),
            1 => "00000000000000ff".to_owned(),
            _ => String::new(),
        };
        if list == "edited" {
            status["edited"]["web"][name] = json!(digest);
        } else if list == "edited in istio-proxy" {
            status["edited"]["istio-proxy"][name] = json!(digest);
        } else if list == "apps" {
            status["apps"] = json!([name]);
        } else {
            status[list][name] = json!(digest);
        }
    }
    status.to_string()
}

fn revision_of(engine: &Engine, template: &str) -> String {
    match engine.catalog().find("bank", template) {
        CatalogLookup::Template(template) => template.revision.clone(),
        other => panic!("{other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_hostile_status_costs_its_writer_alone(
        claims in proptest::collection::vec(claim(), 0..6),
        template in prop_oneof![Just("opt"), Just("must"), Just("gone")],
        is_served in any::<bool>(),
    ) {
        let engine = &ENGINES[0];
        let mut hostile = pod();
        let revision = match template {
            "gone" => "x".to_owned(),
            template if is_served => revision_of(engine, template),
            _ => "x".to_owned(),
        };
        let status = forged(&hostile, &revision, &claims);
        hostile["metadata"]["annotations"][format!("pillion.dev/status.{template}")] = json!(status);
        let decision = decide(engine, &hostile);
        prop_assert_ne!(decision.verdict(), Verdict::Denied, "{:?}", decision);
        let after = patched(&hostile, &decision);
        // The pod is valid, and other injectors' helpers are theirs.
        prop_assert!(items(&after, "containers").count() > 0);
        for foreign in ["istio-proxy", "istio-init"] {
            prop_assert_eq!(named(&after, foreign), named(&hostile, foreign));
        }
        prop_assert_eq!(&after["metadata"]["annotations"]["pillion.dev/inject"], &json!("opt"));
        let volumes: BTreeSet<_> = items(&after, "volumes").map(|volume| volume["name"].to_string()).collect();
        for container in items(&after, "containers").chain(items(&after, "initContainers")) {
            prop_assert!(container["name"].is_string() && container["image"].is_string(), "{}", container);
            prop_assert_ne!(&container["image"], &json!("auto"));
            for mount in container["volumeMounts"].as_array().into_iter().flatten() {
                prop_assert!(volumes.contains(&mount["name"].to_string()), "{} {}", mount, after);
            }
        }
        if let Some(web) = named(&after, "web") {
            prop_assert_eq!(&web["securityContext"], &json!({"runAsUser": 7}));
        }
        // The mandatory template applies in full.
        let fresh = patched(&pod(), &decide(engine, &pod()));
        prop_assert_eq!(named(&after, "must"), named(&fresh, "must"));
        prop_assert_eq!(&after["spec"]["initContainers"][0]["name"], &json!("must"));
        // What is right now stays so.
        prop_assert!(decide(engine, &after).patch.is_empty(), "{:?}", decide(engine, &after));
    }

    #[test]
    fn whatever_happens_the_users_part_is_what_it_was(
        steps in proptest::collection::vec((0..7_u8, 0..3_usize), 1..8),
    ) {
        let mut now = pod();
        let is_edited = steps.iter().any(|(step, _)| *step >= 5);
        for (step, revision) in steps {
            match step {
                0..=2 => {
                    let decision = decide(&ENGINES[revision], &now);
                    prop_assert_ne!(decision.verdict(), Verdict::Denied, "{:?}\n{}", decision, now);
                    now = patched(&now, &decision);
                }
                3 => {
                    now["metadata"]["annotations"]["opt.pillion.dev/mode"] = json!(["a", "b", "c"][revision]);
                }
                4 => uninjected(&mut now, revision),
                5 => {
                    for name in ["helper", "helper-next"] {
                        edit(&mut now, name, &json!(format!("mirror/{name}:{revision}")));
                    }
                }
                _ => {
                    let env = now.pointer_mut("/spec/containers/0/env").and_then(Value::as_array_mut);
                    for variable in env.into_iter().flatten() {
                        if variable["name"] != "OWN" {
                            variable["value"] = json!("theirs");
                        }
                    }
                }
            }
            // The user's part, with whatever templates put beside it.
            let own = pod();
            for list in ["containers", "initContainers"] {
                for container in items(&own, list) {
                    let found = named(&now, container["name"].as_str().unwrap());
                    let found = found.cloned().unwrap_or_default();
                    for (field, value) in container.as_object().unwrap() {
                        let is_there = match (value, &found[field]) {
                            (Value::Array(own), Value::Array(all)) => own.iter().all(|item| all.contains(item)),
                            (own, now) => own == now,
                        };
                        prop_assert!(is_there, "{} {} {}", container["name"], field, now);
                    }
                }
            }
            prop_assert!(items(&now, "volumes").any(|volume| volume["name"] == "data"));
        }
        // By hand it comes off again, but for what somebody changed, which is told and has its volume.
        for revision in 0..3 {
            uninjected(&mut now, revision);
        }
        let volumes: BTreeSet<_> = items(&now, "volumes").map(|volume| volume["name"].to_string()).collect();
        for container in items(&now, "containers").chain(items(&now, "initContainers")) {
            for mount in container["volumeMounts"].as_array().into_iter().flatten() {
                prop_assert!(volumes.contains(&mount["name"].to_string()), "{}", now);
            }
        }
        // Where nobody else changed anything, nothing is left of ours.
        if !is_edited {
            let annotations = now["metadata"]["annotations"].as_object_mut().unwrap();
            annotations.shift_remove("opt.pillion.dev/mode");
            let mut own = pod();
            for pod in [&mut now, &mut own] {
                without_empty(pod);
            }
            prop_assert_eq!(now, own);
        }
    }
}

fn uninjected(pod: &mut Value, revision: usize) {
    let catalog = ENGINES[revision].catalog();
    let served = |name: &str| match catalog.find("bank", name) {
        CatalogLookup::Template(template) => Some(template.as_ref()),
        _ => None,
    };
    uninject::remove(pod, &served, &ForeignHelpers::default()).unwrap();
}

fn edit(pod: &mut Value, name: &str, image: &Value) {
    let containers = pod
        .pointer_mut("/spec/initContainers")
        .and_then(Value::as_array_mut);
    for container in containers.into_iter().flatten() {
        if container["name"] == name {
            container["image"] = image.clone();
        }
    }
}
