//! The engines that the properties are tried on: all templates of the corpus' cases that edit
//! much, together with the catalog's.

use std::sync::Arc;

use pillion::inject::{Decision, Engine, RequestContext, Settings};
use pillion::review::{Document, Pod};
use pillion::template::{Catalog, Source};
use serde_json::Value;

/// The templates, by name.
pub(crate) const TEMPLATES: [(&str, &str); 10] = [
    (
        "pgbouncer",
        include_str!("../../templates/pgbouncer/template.yaml"),
    ),
    (
        "log-shipper",
        include_str!("../../templates/log-shipper/template.yaml"),
    ),
    (
        "wait-for",
        include_str!("../../templates/wait-for/template.yaml"),
    ),
    (
        "edits",
        include_str!("../corpus/app-edits/templates/edits.yaml"),
    ),
    (
        "fields",
        include_str!("../corpus/pod-fields/templates/fields.yaml"),
    ),
    ("tail", include_str!("../corpus/adopt/templates/tail.yaml")),
    (
        "helper",
        include_str!("../corpus/override-defaults/templates/helper.yaml"),
    ),
    ("last", include_str!("../corpus/order/templates/d.yaml")),
    (
        "migrate",
        include_str!("../corpus/sketch-migrate/templates/migrate.yaml"),
    ),
    (
        "trial",
        include_str!("../corpus/shadow/templates/trial.yaml"),
    ),
];

/// Further templates, whose parameters are hostile.
const HOSTILE: [&str; 2] = [
    include_str!("../corpus/hostile/templates/echo.yaml"),
    include_str!("../corpus/files/templates/config.yaml"),
];

/// An engine for this minor version of Kubernetes.
pub(crate) fn engine(minor: u32) -> Engine {
    let texts = TEMPLATES.iter().map(|(_, text)| *text).chain(HOSTILE);
    let sources: Vec<_> = texts
        .enumerate()
        .map(|(index, text)| Source {
            path: format!("{index}.yaml"),
            text: text.to_owned(),
        })
        .collect();
    let (catalog, errors) = Catalog::load(&sources, None);
    assert!(errors.is_empty(), "{errors:?}");
    let settings = Settings {
        kubernetes_minor: minor,
        ..Settings::default()
    };
    Engine::new(Arc::new(catalog), Arc::new(settings))
}

/// Decides about a pod in the namespace `shop`.
pub(crate) fn decide(engine: &Engine, pod: &Value) -> Decision {
    let subject = RequestContext {
        namespace: "shop".to_owned(),
        ..RequestContext::default()
    };
    let text = pod.to_string();
    let document = Document::read(&text).unwrap();
    engine.decide(&subject, &Pod::read(document.root()).unwrap(), None)
}

/// The pod with the decision's patch, applied by the library.
pub(crate) fn patched(pod: &Value, decision: &Decision) -> Value {
    let patch: json_patch::Patch = serde_json::from_str(&decision.patch.to_json()).unwrap();
    let mut pod = pod.clone();
    json_patch::patch(&mut pod, &patch).unwrap_or_else(|error| panic!("{error}\n{patch}\n{pod}"));
    pod
}
