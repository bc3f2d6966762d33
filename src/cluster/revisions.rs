//! The last good revision of each template, as a ControllerRevision in Pillion's own namespace.
//!
//! A replica that starts while a template is broken has nothing else to serve of it. The object is
//! named by the template, its revision and its identity: its data never change, and a template that
//! was deleted and made again has nothing of the former one.

use std::sync::Arc;

use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::model::{ServedRevision, TemplateReport};
use super::weight::weight;
use crate::kubernetes::keys::{TEMPLATE_KIND, TEMPLATE_NAME, TEMPLATE_NAMESPACE, TEMPLATE_UID};
use crate::kubernetes::object::digest;

/// The kinds of templates, as the label has them.
const KINDS: [&str; 2] = ["ClusterInjectionTemplate", "InjectionTemplate"];

/// A revision that was kept.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct KeptRevision {
    /// The namespace of the template, empty for one of the whole cluster, and its name.
    pub(super) of: (String, String),
    /// The `metadata.uid` of the template.
    pub(super) uid: String,
    /// The generation of the template that it was.
    pub(super) generation: i64,
    /// The template's spec as JSON; most are never read again.
    pub(super) spec: Arc<str>,
    /// What it takes of the memory when it is compiled, but for its patterns.
    pub(super) weight: usize,
}

impl KeptRevision {
    /// Reads an object; `None` where it is none of ours.
    pub(super) fn read(object: &DynamicObject) -> Option<Self> {
        let labels = object.metadata.labels.as_ref()?;
        let annotations = object.metadata.annotations.as_ref()?;
        let [cluster, namespaced] = KINDS;
        let namespace = match labels.get(TEMPLATE_KIND)?.as_str() {
            kind if kind == cluster => String::new(),
            kind if kind == namespaced => labels.get(TEMPLATE_NAMESPACE)?.clone(),
            _ => return None,
        };
        let spec = object.data.pointer("/data/spec")?;
        Some(Self {
            of: (namespace, labels.get(TEMPLATE_NAME)?.clone()),
            uid: annotations.get(TEMPLATE_UID)?.clone(),
            generation: object.data.get("revision").and_then(Value::as_i64)?,
            spec: spec.to_string().into(),
            weight: weight(spec),
        })
    }
}

/// The name of the object that keeps a good revision of a template. Names of templates and
/// namespaces have no dots, so that no two templates come to one name; it is at most 150 long.
pub(super) fn name(report: &TemplateReport, good: &ServedRevision) -> String {
    let place = if report.namespace.is_empty() {
        "cluster".to_owned()
    } else {
        format!("namespace.{}", report.namespace)
    };
    let uid = digest(&json!(report.uid));
    let revision = &good.template.revision;
    format!("{place}.{}.{revision}.{uid}", report.name)
}

/// The object that keeps a good revision of a template.
pub(super) fn object(report: &TemplateReport, good: &ServedRevision) -> Value {
    let [cluster, namespaced] = KINDS;
    let is_cluster = report.namespace.is_empty();
    let mut labels = json!({
        "app.kubernetes.io/managed-by": "pillion",
        TEMPLATE_KIND: if is_cluster { cluster } else { namespaced },
        TEMPLATE_NAME: report.name,
    });
    if let (false, Some(labels)) = (is_cluster, labels.as_object_mut()) {
        let namespace = report.namespace.clone();
        labels.insert(TEMPLATE_NAMESPACE.to_owned(), namespace.into());
    }
    let spec: Value = serde_json::from_str(&good.spec).unwrap_or_default();
    json!({
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": name(report, good),
            "labels": labels,
            "annotations": {TEMPLATE_UID: report.uid},
        },
        "revision": good.generation,
        "data": {"spec": spec},
    })
}
