//! A pod that cannot ask for anything is not read as a whole, and is answered as if it were: whatever
//! its namespace says, whoever asks and whichever templates there are.

use std::sync::{Arc, LazyLock};

use pillion::inject::{Answer, Engine, Namespace, Namespaces, Settings};
use pillion::template::{Catalog, Source};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::properties::answers::review;
use crate::properties::engines::TEMPLATES;
use crate::properties::pods::pod;

/// What may stand behind the other templates.
const LAST: [&str; 4] = [
    "",
    // Mandatory; then one that applies by its selector.
    "{requirement: Mandatory, sidecars: [{name: must, image: 'must:1'}]}",
    "{selector: {podSelector: {matchLabels: {app: web}}}, sidecars: [{name: may, image: 'may:1'}]}",
    // Mandatory and broken.
    "{requirement: Mandatory, sidecars: [{name: '${'}]}",
];

/// Namespaces by name, each with its labels and annotations. Another one is not known.
fn namespaces() -> Namespaces {
    let texts = |texts: &[(&str, &str)]| {
        let owned = texts.iter();
        owned
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    };
    let mut namespaces = Namespaces::watched(std::collections::BTreeMap::new());
    for (name, labels) in [
        ("plain", [].as_slice()),
        ("disabled", &[("pillion.dev/injection", "disabled")]),
        ("enabled", &[("pillion.dev/injection", "enabled")]),
        ("mandatory", &[("pillion.dev/mandatory", "true")]),
        ("kube-system", &[]),
    ] {
        let namespace = Namespace {
            labels: texts(labels),
            is_listed: true,
            ..Namespace::default()
        };
        namespaces.insert(name, namespace);
    }
    namespaces
}

/// For each catalog an engine, and the same beside a namespace that asks for templates for all of its
/// pods: as one may be of that namespace, pods are read.
static ENGINES: LazyLock<Vec<[Engine; 2]>> = LazyLock::new(|| LAST.map(engines).into());

fn engines(last: &str) -> [Engine; 2] {
    let mut sources = vec![Source {
        path: "pgbouncer.yaml".to_owned(),
        text: TEMPLATES[0].1.to_owned(),
    }];
    if !last.is_empty() {
        let kind = "apiVersion: pillion.dev/v1alpha1\nkind: ClusterInjectionTemplate";
        let text = format!("{kind}\nmetadata: {{name: last}}\nspec: {last}\n");
        sources.push(Source {
            path: "last.yaml".to_owned(),
            text,
        });
    }
    let (catalog, _) = Catalog::load(&sources, None);
    let catalog = Arc::new(catalog);
    [false, true].map(|reads| {
        let mut namespaces = namespaces();
        if reads {
            let one = |key: &str, value: &str| [(key.to_owned(), value.to_owned())].into();
            let asking = Namespace {
                labels: one("pillion.dev/injection", "enabled"),
                annotations: one("pillion.dev/inject", "pgbouncer"),
                ..Namespace::default()
            };
            namespaces.insert("asks-for-all", asking);
        }
        let settings = Settings {
            namespaces,
            ..Settings::default()
        };
        Engine::new(Arc::clone(&catalog), settings.into())
    })
}

/// Takes what asks out of a pod, all of it or not.
fn bare(pod: &mut Value, is_bare: bool) {
    let Some(Value::Object(metadata)) = pod.pointer_mut("/metadata").filter(|_| is_bare) else {
        return;
    };
    for field in ["labels", "annotations"] {
        if let Some(Value::Object(texts)) = metadata.get_mut(field) {
            texts.retain(|key, _| !key.contains("pillion.dev/"));
        }
    }
    metadata.insert(
        "ownerReferences".to_owned(),
        json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-7c", "uid": "u",
            "controller": true}]),
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: crate::sampling::cases(600), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_not_read_makes_no_difference(
        mut pod in pod(),
        is_bare in prop::bool::weighted(0.8),
        catalog in 0..LAST.len(),
        namespace in prop::sample::select(
            vec!["plain", "disabled", "enabled", "mandatory", "kube-system", "unknown"]),
        is_node in any::<bool>(),
        is_mirror in any::<bool>(),
    ) {
        bare(&mut pod, is_bare);
        if let Some(annotations) = pod.pointer_mut("/metadata/annotations").filter(|_| is_mirror) {
            annotations["kubernetes.io/config.mirror"] = json!("x");
        }
        let mut review = review(&pod);
        review["request"]["namespace"] = json!(namespace);
        let group = if is_node { "system:nodes" } else { "system:authenticated" };
        review["request"]["userInfo"] = json!({"username": "u", "groups": [group]});
        let body = review.to_string();
        let [short, whole] = &ENGINES[catalog];
        let (one, other) = (short.review(body.as_bytes()), whole.review(body.as_bytes()));
        prop_assert_eq!(one, other);
    }
}

/// The property would say nothing if the templates were not as they are meant to be.
#[test]
fn the_catalogs_are_as_they_are_meant() {
    let verdicts = ENGINES.iter().map(|[engine, _]| {
        let pod = json!({"metadata": {"labels": {"app": "web"}, "generateName": "web-"},
            "spec": {"containers": [{"name": "web", "image": "web:1"}]}});
        ["enabled", "mandatory"].map(|namespace| {
            let mut review = review(&pod);
            review["request"]["namespace"] = json!(namespace);
            match engine.review(review.to_string().as_bytes()) {
                Answer::Review { decision, .. } => decision.reason.code(),
                other => panic!("{other:?}"),
            }
        })
    });
    let expected = [
        ["NotRequested", "NotRequested"],
        ["NotRequested", "Applied"],
        ["Applied", "NotRequested"],
        ["NotRequested", "TemplateBroken"],
    ];
    assert_eq!(verdicts.collect::<Vec<_>>(), expected);
}
