//! The pod that is created on trial: where, and which template it asks for.

use serde_json::{Value, json};

use super::KnownNames;
use crate::cluster::{ObjectPage, Read};
use crate::kubernetes::keys::{INJECT, INJECTION, MANDATORY, STATUS_PREFIX};
use crate::kubernetes::object::list_at;
use crate::template::built_in;

/// Where a pod is tried when no namespace is enabled.
const FALLBACK: &str = "default";

/// A pod, and what is expected of it.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::cli::doctor) struct Probe {
    pub(in crate::cli::doctor) namespace: String,
    /// The template that it asks for.
    pub(in crate::cli::doctor) template: String,
    pub(in crate::cli::doctor) pod: Value,
}

impl Probe {
    /// The annotation that says what became of it.
    pub(in crate::cli::doctor) fn status_key(&self) -> String {
        format!("{STATUS_PREFIX}{}", self.template)
    }
}

/// The pod to try; `None` where no template is known that needs no parameter.
pub(super) fn choose(
    names: &KnownNames,
    excluded: &[String],
    namespaces: &Read<ObjectPage>,
    templates: &[Read<ObjectPage>],
) -> Option<Probe> {
    let namespace = names
        .probe_namespace
        .clone()
        .or_else(|| enabled(excluded, namespaces))
        .unwrap_or_else(|| FALLBACK.to_owned());
    let template = of_cluster(templates).or_else(of_program)?;
    let pod = pod(&template);
    Some(Probe {
        namespace,
        template,
        pod,
    })
}

/// An enabled namespace, rather one without a list of its own.
fn enabled(excluded: &[String], namespaces: &Read<ObjectPage>) -> Option<String> {
    let Read::Found(listed) = namespaces else {
        return None;
    };
    let candidates = listed.items.iter().filter_map(|namespace| {
        let name = namespace.pointer("/metadata/name")?.as_str()?;
        let labels = namespace.pointer("/metadata/labels")?;
        let is_enabled = labels
            .get(INJECTION)
            .is_some_and(|value| value == "enabled");
        let is_other = excluded.iter().any(|one| one == name);
        let ends = namespace.pointer("/metadata/deletionTimestamp").is_some();
        let mandatory = labels.get(MANDATORY).is_some();
        let lists = namespace
            .pointer("/metadata/annotations")
            .is_some_and(|annotations| annotations.get(INJECT).is_some());
        (is_enabled && !is_other && !ends).then_some(((mandatory, lists), name))
    });
    let best = candidates.min_by_key(|(rank, _)| *rank);
    best.map(|(_, name)| name.to_owned())
}

/// A template of the cluster that is served and can be asked for by its name alone.
fn of_cluster(templates: &[Read<ObjectPage>]) -> Option<String> {
    let Some(Read::Found(listed)) = templates.first() else {
        return None;
    };
    let plain = listed.items.iter().find(|template| {
        is_true(template, "Compiled")
            && is_true(template, "Served")
            && asks_for_nothing(template)
            && is_plain(template)
    });
    plain?
        .pointer("/metadata/name")?
        .as_str()
        .map(str::to_owned)
}

/// A template of the built-in catalog that can be asked for by its name alone.
fn of_program() -> Option<String> {
    let sources = built_in::sources();
    let documents = sources.iter().filter_map(|source| {
        let document: Value = serde_saphyr::from_str(&source.text).ok()?;
        (asks_for_nothing(&document) && is_plain(&document)).then_some(document)
    });
    let mut names = documents.filter_map(|document| {
        document
            .pointer("/metadata/name")?
            .as_str()
            .map(str::to_owned)
    });
    names.next()
}

fn is_true(template: &Value, kind: &str) -> bool {
    list_at(template, "/status/conditions")
        .iter()
        .any(|one| one["type"] == kind && one["status"] == "True")
}

fn asks_for_nothing(template: &Value) -> bool {
    template
        .pointer("/spec/parameters")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .all(|(_, parameter)| parameter["required"] != true)
}

/// Whether nothing in the template looks at the pod before it applies.
fn is_plain(template: &Value) -> bool {
    ["/spec/matchConditions", "/spec/validations", "/spec/mode"]
        .into_iter()
        .all(|pointer| match template.pointer(pointer) {
            None | Some(Value::Null) => true,
            Some(Value::Array(list)) => list.is_empty(),
            Some(value) => value == "Enforce",
        })
}

/// A pod that passes the restricted Pod Security level, so that only injection is tried.
fn pod(template: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "pillion-doctor-probe",
            "labels": {"app.kubernetes.io/name": "pillion-doctor-probe"},
            "annotations": {INJECT: template},
        },
        "spec": {
            "automountServiceAccountToken": false,
            "securityContext": {
                "runAsNonRoot": true,
                "runAsUser": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [{
                "name": "app",
                "image": "registry.k8s.io/pause:3.10",
                "resources": {
                    "requests": {"cpu": "1m", "memory": "8Mi"},
                    "limits": {"cpu": "10m", "memory": "16Mi"},
                },
                "securityContext": {
                    "allowPrivilegeEscalation": false,
                    "capabilities": {"drop": ["ALL"]},
                },
            }],
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(items: &Value) -> Read<ObjectPage> {
        Read::Found(ObjectPage {
            items: items.as_array().unwrap().clone(),
            more: false,
        })
    }

    #[test]
    fn the_catalog_has_a_template_that_needs_nothing() {
        assert!(of_program().is_some());
    }

    #[test]
    fn an_enabled_namespace_is_chosen_before_default() {
        let names = KnownNames {
            namespace: "pillion-system".to_owned(),
            ..KnownNames::default()
        };
        let excluded = ["kube-system".to_owned()];
        let namespace = |name: &str, labels: Value, annotations: Value| json!({"metadata": {"name": name, "labels": labels, "annotations": annotations}});
        let enabled = json!({"pillion.dev/injection": "enabled"});
        let namespaces = listed(&json!([
            namespace("kube-system", enabled.clone(), json!({})),
            namespace("plain", json!({}), json!({})),
            namespace(
                "listing",
                enabled.clone(),
                json!({"pillion.dev/inject": "a"})
            ),
            namespace("shop", enabled, json!({})),
        ]));
        let probe = choose(&names, &excluded, &namespaces, &[]).unwrap();
        assert_eq!(probe.namespace, "shop");
        let probe = choose(&names, &excluded, &listed(&json!([])), &[]).unwrap();
        assert_eq!(probe.namespace, "default");
        let probe = choose(&names, &excluded, &Read::Unknown("no".to_owned()), &[]).unwrap();
        assert_eq!(probe.namespace, "default");
    }

    #[test]
    fn a_template_of_the_cluster_is_asked_for_when_it_is_served() {
        let template = |name: &str, served: &str, spec: Value| {
            json!({"metadata": {"name": name}, "spec": spec,
                "status": {"conditions": [{"type": "Compiled", "status": served}, {"type": "Served", "status": "True"}]}})
        };
        let needs = json!({"parameters": {"host": {"required": true}}});
        let shadow = json!({"mode": "Shadow"});
        let templates = [listed(&json!([
            template("broken", "False", json!({})),
            template("needs", "True", needs),
            template("looks", "True", shadow),
            template("plain", "True", json!({"matchConditions": []})),
        ]))];
        assert_eq!(of_cluster(&templates).as_deref(), Some("plain"));
    }
}
