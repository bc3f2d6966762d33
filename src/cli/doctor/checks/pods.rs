//! Pods that asked and are bare: they were created while nobody listened.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::facts::Facts;
use super::{Check, Line, examples, found, text};
use crate::cluster::ObjectPage;
use crate::inject::Namespace;
use crate::inject::selection::{SelectionInput, listed};
use crate::inject::status::Status;
use crate::kubernetes::keys::{CONTAINERS, DOMAIN, FILE_PREFIX, INJECT, MIRROR, STATUS_PREFIX};
use crate::review::pod::Dictionary;

/// What Pillion writes itself.
const WRITTEN: [&str; 2] = [STATUS_PREFIX, FILE_PREFIX];

pub(super) fn pods(facts: &Facts) -> Vec<Line> {
    let check = Check::Pods;
    let none = || check.ok("there are no pods");
    let read = found(check, "the namespaces", &facts.namespaces, none)
        .and_then(|namespaces| Ok((namespaces, found(check, "the pods", &facts.all_pods, none)?)));
    let (namespaces, pods) = match read {
        Ok(read) => read,
        Err(line) => return vec![line],
    };
    let bare = all_bare(facts, namespaces, pods);
    let of = if pods.more {
        " (of those that were read; there are more)"
    } else {
        ""
    };
    let mut lines: Vec<_> = odd_line(pods, of).into_iter().collect();
    if !bare.is_empty() {
        lines.push(check.warning(
            format!(
                "{} pods ask for templates of which they carry no status{of}: {}",
                bare.len(),
                examples(&bare)
            ),
            "create them anew (kubectl rollout restart), once everything else here is ok; \
             `pillion explain pod/NAME` says why one is bare",
        ));
    }
    if lines.is_empty() {
        lines.push(check.ok(format!("no pod asked and is bare{of}")));
    }
    lines
}

fn odd_line(pods: &ObjectPage, of: &str) -> Option<Line> {
    let odd: Vec<_> = pods.items.iter().filter_map(odd).collect();
    (!odd.is_empty()).then(|| {
        Check::Pods.warning(
            format!(
                "{} pods have an unknown pillion.dev label or annotation{of}: {}",
                odd.len(),
                examples(&odd)
            ),
            format!(
                "correct the pod template: labels of a pod are {INJECT}, annotations {INJECT} and \
                 {CONTAINERS}"
            ),
        )
    })
}

/// Every bare pod outside the namespaces that are left out.
fn all_bare(facts: &Facts, namespaces: &ObjectPage, pods: &ObjectPage) -> Vec<String> {
    let namespaces: BTreeMap<_, _> = namespaces
        .items
        .iter()
        .map(|one| (text(one, "/metadata/name"), Namespace::of_object(one)))
        .collect();
    pods.items
        .iter()
        .filter_map(|pod| {
            let name = text(pod, "/metadata/namespace");
            let is_left_out = facts.excluded.iter().any(|one| one == name);
            bare(pod, namespaces.get(name).filter(|_| !is_left_out)?)
        })
        .collect()
}

fn texts(object: &Value, pointer: &str) -> BTreeMap<String, String> {
    let map = object.pointer(pointer).and_then(Value::as_object);
    let pairs = map.into_iter().flatten();
    pairs
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}

/// The same texts as a review has them.
fn borrowed(texts: &BTreeMap<String, String>) -> Dictionary<'_> {
    let texts = texts.iter();
    texts
        .map(|(key, value)| (key.as_str().into(), value.as_str().into()))
        .collect()
}

/// The pod and the first key of `pillion.dev/` that means nothing on it.
fn odd(pod: &Value) -> Option<String> {
    let (labels, annotations) = (
        texts(pod, "/metadata/labels"),
        texts(pod, "/metadata/annotations"),
    );
    let labels = labels.keys().filter(|key| *key != INJECT);
    let annotations = annotations.keys().filter(|key| !is_known(key));
    let key = labels
        .chain(annotations)
        .find(|key| key.starts_with(DOMAIN))?;
    let (space, name) = (
        text(pod, "/metadata/namespace"),
        text(pod, "/metadata/name"),
    );
    Some(format!("{space}/{name} ({key})"))
}

/// Whether an annotation of `pillion.dev/` means something on a pod.
fn is_known(key: &str) -> bool {
    matches!(key, INJECT | CONTAINERS) || WRITTEN.iter().any(|start| key.starts_with(start))
}

/// The pod and what it lacks, where it asks for anything that it does not carry the status of.
fn bare(pod: &Value, namespace: &Namespace) -> Option<String> {
    let annotations = texts(pod, "/metadata/annotations");
    if annotations.contains_key(MIRROR) {
        return None;
    }
    let (space, name) = (
        text(pod, "/metadata/namespace"),
        text(pod, "/metadata/name"),
    );
    let asked = listed(SelectionInput {
        namespace: space,
        namespace_object: namespace,
        labels: &borrowed(&texts(pod, "/metadata/labels")),
        annotations: &borrowed(&annotations),
        from_node: false,
    });
    let lacking: Vec<_> = asked
        .into_iter()
        .filter(|template| !annotations.contains_key(&Status::key(template)))
        .collect();
    (!lacking.is_empty()).then(|| format!("{space}/{name} ({})", lacking.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_that_mean_nothing_are_told() {
        let table = [
            (
                json!({"pillion.dev/inject": "true"}),
                json!({"pillion.dev/status.a": "{}", "pillion.dev/file.a.b": "", "a.pillion.dev/x": "y"}),
                None,
            ),
            (
                json!({"pillion.dev/injection": "enabled"}),
                json!({}),
                Some("shop/web (pillion.dev/injection)"),
            ),
            (
                json!({}),
                json!({"pillion.dev/injects": "a"}),
                Some("shop/web (pillion.dev/injects)"),
            ),
        ];
        for (labels, annotations, expected) in table {
            let pod = json!({"metadata": {"namespace": "shop", "name": "web", "labels": labels, "annotations": annotations}});
            assert_eq!(odd(&pod).as_deref(), expected, "{pod}");
        }
    }

    #[test]
    fn who_asked_and_has_no_status_is_bare() {
        let enabled = Namespace::of_object(&json!({"metadata": {
            "labels": {"pillion.dev/injection": "enabled"},
            "annotations": {"pillion.dev/inject": "a"},
        }}));
        let plain = Namespace::default();
        let table = [
            (&plain, json!({}), json!({}), None),
            (
                &plain,
                json!({}),
                json!({"pillion.dev/inject": "a"}),
                Some("shop/web (a)"),
            ),
            (
                &plain,
                json!({"pillion.dev/inject": "false"}),
                json!({"pillion.dev/inject": "a"}),
                None,
            ),
            (&enabled, json!({}), json!({}), Some("shop/web (a)")),
            (
                &enabled,
                json!({}),
                json!({"pillion.dev/inject": "-a"}),
                None,
            ),
            (
                &enabled,
                json!({}),
                json!({"pillion.dev/status.a": "{}"}),
                None,
            ),
            (
                &enabled,
                json!({}),
                json!({"pillion.dev/inject": "b", "pillion.dev/status.a": "{}"}),
                Some("shop/web (b)"),
            ),
            (
                &enabled,
                json!({}),
                json!({"kubernetes.io/config.mirror": "x"}),
                None,
            ),
        ];
        for (namespace, labels, annotations, expected) in table {
            let pod = json!({"metadata": {"namespace": "shop", "name": "web", "labels": labels, "annotations": annotations}});
            assert_eq!(bare(&pod, namespace).as_deref(), expected, "{pod}");
        }
    }
}
