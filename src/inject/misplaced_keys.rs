//! Labels and annotations of ours that do nothing where they are: on a workload instead of its pod
//! template, misspelt, or of a template that does not apply.
//!
//! They are nobody's error, as anybody may annotate anything; but whoever wrote them meant
//! something, and so they are told.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::evaluation::PLACEHOLDER;
use super::selection::List;
use crate::kubernetes::keys::{
    CONTAINERS, DOMAIN, FILE_PREFIX, FINDINGS, INJECT, INJECTION, MANDATORY, PARAMETER_INFIX,
    STATUS_PREFIX,
};
use crate::wording::did_you_mean;

/// The annotations that a pod may have, besides those that Pillion writes.
const ANNOTATIONS: [&str; 2] = [INJECT, CONTAINERS];

/// The metadata of a pod and of what it was found in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeysOfObject<'a> {
    /// The kind of the object.
    pub(crate) kind: &'a str,
    /// The object, of which only `metadata` is read.
    pub(crate) object: &'a Value,
    /// Where it has its pod; empty for a pod itself.
    pub(crate) pointer: &'a str,
    /// The pod, of which only `metadata` is read.
    pub(crate) pod: &'a Value,
}

/// What to tell about the keys of an object and its pod. `applied` are the templates that were selected
/// for the pod; `None` where the selection itself was refused. `served` are those that the pod's
/// namespace can ask for, as far as they are known.
pub(crate) fn misplaced_keys(
    keys_of: KeysOfObject<'_>,
    applied: Option<&BTreeSet<&str>>,
    served: &[&str],
) -> Vec<String> {
    let mut told = Vec::new();
    let pod = keys_of.pod;
    if !keys_of.pointer.is_empty() {
        of_workload(keys_of, &mut told);
    }
    told.extend(keys(pod, "/metadata/labels").filter_map(of_label));
    let list = pod
        .pointer("/metadata/annotations")
        .and_then(|annotations| annotations.get(INJECT)?.as_str());
    // Who asks for the template and does not get it hears of that elsewhere.
    let List { wanted, removed } = List::read(list);
    let asked = wanted.into_iter().chain(removed);
    let known: Option<BTreeSet<&str>> =
        applied.map(|applied| applied.iter().copied().chain(asked).collect());
    for key in keys(pod, "/metadata/annotations") {
        told.extend(of_annotation(key, known.as_ref(), served));
    }
    told
}

/// What to tell about a pod that asks for nothing and still has what a template added, or waits for one
/// to fill it in.
pub(crate) fn unasked(pod: &Value) -> Vec<String> {
    let statuses = keys(pod, "/metadata/annotations").filter_map(|key| {
        let template = key.strip_prefix(STATUS_PREFIX)?;
        Some(format!(
            "the annotation `{key}` says that the template `{template}` was applied, and nothing asks \
             for it any more: what it added stays; `pillion uninject` takes it out"
        ))
    });
    let lists = ["containers", "initContainers"].into_iter();
    let containers = lists
        .filter_map(|list| pod.get("spec")?.get(list)?.as_array())
        .flatten();
    let text = |container: &Value, field: &str| {
        let text = container.get(field).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let placeholders = containers
        .filter(|container| text(container, "image") == PLACEHOLDER)
        .map(|container| {
            format!(
                "the container `{}` has the image `{PLACEHOLDER}`, which no template fills in, as the pod \
                 asks for none",
                text(container, "name")
            )
        });
    statuses.chain(placeholders).collect()
}

fn of_workload(keys_of: KeysOfObject<'_>, told: &mut Vec<String>) {
    let KeysOfObject {
        kind,
        object,
        pointer,
        ..
    } = keys_of;
    let place = pointer.trim_start_matches('/').replace('/', ".");
    let belongs = |key: &str, list: &str| match of_namespace(key) {
        Some(there) => format!("on the namespace, as {there}"),
        None => format!("into {place}.metadata.{list}"),
    };
    let labels = keys(object, "/metadata/labels");
    let labels = labels.filter(|key| *key == INJECT || of_namespace(key).is_some());
    told.extend(labels.map(|key| {
        let place = belongs(key, "labels");
        format!("the label `{key}` of the {kind} does nothing: it belongs {place}")
    }));
    let annotations = keys(object, "/metadata/annotations");
    told.extend(annotations.filter(|key| is_ours(key)).map(|key| {
        let place = belongs(key, "annotations");
        format!("the annotation `{key}` of the {kind} does nothing: it belongs {place}")
    }));
}

fn of_label(key: &str) -> Option<String> {
    if let Some(told) = on_namespace("label", key) {
        return Some(told);
    }
    if key == CONTAINERS || key.contains(PARAMETER_INFIX) {
        return Some(format!(
            "the label `{key}` of the pod does nothing: it belongs into its annotations"
        ));
    }
    (key.starts_with(DOMAIN) && key != INJECT).then(|| {
        let hint = did_you_mean(key, [INJECT]);
        format!("the label `{key}` of the pod means nothing{hint}")
    })
}

/// What is said of a pod's key that is for namespaces.
fn on_namespace(kind: &str, key: &str) -> Option<String> {
    let place = of_namespace(key)?;
    Some(format!(
        "the {kind} `{key}` of the pod does nothing: it belongs on the namespace, as {place}"
    ))
}

/// What a key that is for namespaces is there.
fn of_namespace(key: &str) -> Option<&'static str> {
    match key {
        FINDINGS => Some("an annotation"),
        INJECTION | MANDATORY => Some("a label"),
        _ => None,
    }
}

fn of_annotation(key: &str, known: Option<&BTreeSet<&str>>, served: &[&str]) -> Option<String> {
    if let Some(told) = on_namespace("annotation", key) {
        return Some(told);
    }
    if key.starts_with(DOMAIN) {
        let is_written = key.starts_with(STATUS_PREFIX) || key.starts_with(FILE_PREFIX);
        let is_known = is_written || ANNOTATIONS.contains(&key);
        return (!is_known).then(|| {
            let hint = did_you_mean(key, ANNOTATIONS);
            format!("the annotation `{key}` of the pod means nothing{hint}")
        });
    }
    let (template, _) = key.split_once(PARAMETER_INFIX)?;
    if known?.contains(template) {
        return None;
    }
    let is_served = served.is_empty() || served.contains(&template);
    Some(if is_served {
        format!(
            "the annotation `{key}` is for the template `{template}`, which is not selected for the \
             pod: ask for it with the annotation `{INJECT}: {template}`"
        )
    } else {
        let hint = did_you_mean(template, served.iter().copied());
        format!(
            "the annotation `{key}` is for the template `{template}`, which is not known here{hint}"
        )
    })
}

/// Whether the key of an annotation has a meaning for Pillion somewhere.
pub(crate) fn is_ours(key: &str) -> bool {
    key.starts_with(DOMAIN) || key.contains(PARAMETER_INFIX)
}

fn keys<'v>(object: &'v Value, pointer: &str) -> impl Iterator<Item = &'v str> {
    let map = object.pointer(pointer).and_then(Value::as_object);
    map.into_iter().flat_map(Map::keys).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_stays_unasked_is_told() {
        let pod = json!({
            "metadata": {"annotations": {"pillion.dev/status.a": "{}", "pillion.dev/file.a-v.x": "y"}},
            "spec": {"containers": [{"name": "web", "image": "web:1"}],
                "initContainers": [{"name": "daprd", "image": "auto"}]},
        });
        assert_eq!(
            unasked(&pod),
            [
                "the annotation `pillion.dev/status.a` says that the template `a` was applied, and nothing \
                 asks for it any more: what it added stays; `pillion uninject` takes it out",
                "the container `daprd` has the image `auto`, which no template fills in, as the pod asks \
                 for none",
            ]
        );
        assert_eq!(unasked(&json!({})), [""; 0]);
    }

    #[test]
    fn keys_of_namespaces_and_annotations_as_labels_are_told_with_where_they_belong() {
        let object = json!({
            "metadata": {
                "labels": {"pillion.dev/injection": "enabled"},
                "annotations": {"pillion.dev/findings": "PortConflict=Warn"},
            },
            "spec": {"template": {"metadata": {
                "labels": {"pillion.dev/mandatory": "", "pillion.dev/containers": "web",
                    "a.pillion.dev/host": "h"},
                "annotations": {"pillion.dev/findings": "PortConflict=Warn",
                    "pillion.dev/injection": "enabled"},
            }}},
        });
        let pointer = "/spec/template";
        let keys_of = KeysOfObject {
            kind: "Deployment",
            object: &object,
            pointer,
            pod: object.pointer(pointer).unwrap(),
        };
        assert_eq!(
            misplaced_keys(keys_of, None, &[]),
            [
                "the label `pillion.dev/injection` of the Deployment does nothing: it belongs on the \
                 namespace, as a label",
                "the annotation `pillion.dev/findings` of the Deployment does nothing: it belongs on the \
                 namespace, as an annotation",
                "the label `pillion.dev/mandatory` of the pod does nothing: it belongs on the namespace, \
                 as a label",
                "the label `pillion.dev/containers` of the pod does nothing: it belongs into its \
                 annotations",
                "the label `a.pillion.dev/host` of the pod does nothing: it belongs into its annotations",
                "the annotation `pillion.dev/findings` of the pod does nothing: it belongs on the \
                 namespace, as an annotation",
                "the annotation `pillion.dev/injection` of the pod does nothing: it belongs on the \
                 namespace, as a label",
            ]
        );
    }

    #[test]
    fn keys_that_do_nothing_are_told_with_what_was_meant() {
        let annotations = json!({
            "pillion.dev/injects": "a",
            "pillion.dev/container": "orders",
            "pillion.dev/inject": "a",
            "pillion.dev/status.a": "{}",
            "a.pillion.dev/host": "h",
            "b.pillion.dev/host": "h",
            "example.com/pillion.dev": "x",
        });
        let object = json!({
            "metadata": {
                "labels": {"pillion.dev/inject": "true", "app": "web"},
                "annotations": {"a.pillion.dev/host": "h", "example.com/a": "b"},
            },
            "spec": {"template": {"metadata": {
                "labels": {"pillion.dev/injected": "true"},
                "annotations": annotations,
            }}},
        });
        let applied = BTreeSet::from(["a"]);
        let pointer = "/spec/template";
        let deployment = KeysOfObject {
            kind: "Deployment",
            object: &object,
            pointer,
            pod: object.pointer(pointer).unwrap(),
        };
        let told = misplaced_keys(deployment, Some(&applied), &[]);
        let misspelt = &misplaced_keys(deployment, Some(&applied), &["a", "bb"])[5];
        assert_eq!(
            misspelt,
            "the annotation `b.pillion.dev/host` is for the template `b`, which is not known here; did \
             you mean `a`?"
        );
        assert_eq!(
            told,
            [
                "the label `pillion.dev/inject` of the Deployment does nothing: it belongs into \
                 spec.template.metadata.labels",
                "the annotation `a.pillion.dev/host` of the Deployment does nothing: it belongs \
                 into spec.template.metadata.annotations",
                "the label `pillion.dev/injected` of the pod means nothing; did you mean \
                 `pillion.dev/inject`?",
                "the annotation `pillion.dev/injects` of the pod means nothing; did you mean \
                 `pillion.dev/inject`?",
                "the annotation `pillion.dev/container` of the pod means nothing; did you mean \
                 `pillion.dev/containers`?",
                "the annotation `b.pillion.dev/host` is for the template `b`, which is not \
                 selected for the pod: ask for it with the annotation `pillion.dev/inject: b`",
            ]
        );
        let pod = json!({"metadata": {"annotations": {"b.pillion.dev/host": "h"}}});
        let alone = KeysOfObject {
            kind: "Pod",
            object: &pod,
            pointer: "",
            pod: &pod,
        };
        assert_eq!(misplaced_keys(alone, None, &[]), [""; 0]);
    }
}
