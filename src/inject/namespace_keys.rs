//! Labels and annotations of a Namespace that mean nothing, or not what was meant.
//!
//! A wrong value on a Namespace is seen when a pod comes, by somebody else than who wrote it. So it is
//! told to who writes it: as advice at `kubectl apply`, by `inject` of a file with the Namespace, and by
//! `doctor` for a whole cluster.

use std::collections::BTreeSet;

use super::parameters;
use super::selection::{self, List};
use super::settings::Namespace;
use crate::finding::Policies;
use crate::kubernetes::keys::{DOMAIN, FINDINGS, INJECT, INJECTION, MANDATORY, PARAMETER_INFIX};
use crate::template::Catalog;
use crate::template::catalog::CatalogLookup;
use crate::wording::did_you_mean;

/// Something that means nothing, or not what was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamespaceProblem {
    /// What it is.
    pub(crate) message: String,
    /// What would be right.
    pub(crate) remedy: String,
}

impl NamespaceProblem {
    fn new(message: String, remedy: impl Into<String>) -> Self {
        Self {
            message,
            remedy: remedy.into(),
        }
    }

    /// The whole in one sentence.
    pub(crate) fn sentence(&self) -> String {
        if self.remedy.is_empty() {
            self.message.clone()
        } else {
            format!("{}: {}", self.message, self.remedy)
        }
    }
}

/// What the keys mean by themselves, whatever templates there are.
pub(crate) fn of_keys(namespace: &Namespace, is_excluded: bool) -> Vec<NamespaceProblem> {
    let mut found = Vec::new();
    for (key, value) in ours(namespace.labels.iter()) {
        found.extend(of_label(key, value));
    }
    for (key, value) in ours(namespace.annotations.iter()) {
        match key.as_str() {
            INJECT => {}
            FINDINGS => found.extend(of_policies(value)),
            INJECTION | MANDATORY => found.push(NamespaceProblem::new(
                format!("{key} is an annotation here, which means nothing"),
                format!("set the label {key} instead"),
            )),
            _ => found.push(unknown("annotation", key, &[INJECT, FINDINGS])),
        }
    }
    let is_enabled = namespace.injection() == Some("enabled");
    if is_excluded && (is_enabled || namespace.labels.contains_key(MANDATORY)) {
        found.push(NamespaceProblem::new(
            "it is labelled, but its pods are never touched".to_owned(),
            "take the label away",
        ));
    }
    found
}

/// What the annotations mean beside the templates that pods of the namespace can have.
pub(crate) fn of_values(
    catalog: &Catalog,
    name: &str,
    namespace: &Namespace,
) -> Vec<NamespaceProblem> {
    let list = namespace.annotations.get(INJECT).map(String::as_str);
    let listed = List::read(list).wanted.into_iter();
    let mut found: Vec<_> = listed
        .filter_map(|template| selection::problem_of_listed(catalog, name, template))
        .map(|message| NamespaceProblem::new(message, String::new()))
        .collect();
    let parameters = namespace.annotations.keys();
    let templates: BTreeSet<&str> = parameters
        .filter_map(|key| Some(key.split_once(PARAMETER_INFIX)?.0))
        .collect();
    for template in templates {
        match catalog.find(name, template) {
            CatalogLookup::Template(template) => {
                let refusal = parameters::problem_of_namespace(template, &namespace.annotations);
                let message = refusal.map(|refusal| refusal.message);
                found.extend(message.map(|message| NamespaceProblem::new(message, String::new())));
            }
            CatalogLookup::Broken(_) => {}
            CatalogLookup::Nothing => {
                let hint = did_you_mean(template, catalog.names(name));
                found.push(NamespaceProblem::new(
                    format!(
                        "an annotation is for the template `{template}`, which does not exist{hint}"
                    ),
                    String::new(),
                ));
            }
        }
    }
    found
}

fn ours<'n>(
    keys: impl Iterator<Item = (&'n String, &'n String)>,
) -> impl Iterator<Item = (&'n String, &'n String)> {
    keys.filter(|(key, _)| key.starts_with(DOMAIN))
}

fn of_label(key: &str, value: &str) -> Option<NamespaceProblem> {
    match key {
        INJECTION if !matches!(value, "enabled" | "disabled") => Some(NamespaceProblem::new(
            format!("the label {key} is `{value}`, which means nothing"),
            "set it to `enabled` or `disabled`",
        )),
        INJECTION | MANDATORY => None,
        INJECT => Some(NamespaceProblem::new(
            format!("the label {key} is for pods, and means nothing on a namespace"),
            format!(
                "label the namespace {INJECTION}=enabled, and list templates in the annotation {INJECT}"
            ),
        )),
        _ => Some(unknown("label", key, &[INJECTION, MANDATORY])),
    }
}

fn of_policies(text: &str) -> Vec<NamespaceProblem> {
    let (_, errors) = Policies::parse(text);
    let problem = |error: &_| {
        let message = format!("the annotation {FINDINGS} of the namespace: {error}");
        NamespaceProblem::new(
            message,
            "write entries such as PortConflict=Warn, with commas between",
        )
    };
    errors.iter().map(problem).collect()
}

fn unknown(what: &str, key: &str, known: &[&str]) -> NamespaceProblem {
    NamespaceProblem::new(
        format!("the {what} {key} means nothing"),
        format!("the {what}s of a namespace are {}", known.join(" and ")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn namespace(labels: &Value, annotations: &Value) -> Namespace {
        Namespace::of_object(&json!({"metadata": {"labels": labels, "annotations": annotations}}))
    }

    #[test]
    fn keys_that_mean_nothing_are_told() {
        let table = [
            (false, json!({}), json!({}), ""),
            (
                false,
                json!({"pillion.dev/injection": "enabled", "pillion.dev/mandatory": ""}),
                json!({"pillion.dev/inject": "a", "pgbouncer.pillion.dev/host": "b", "pillion.dev/findings": "PortConflict=Warn"}),
                "",
            ),
            (
                false,
                json!({"pillion.dev/injection": "enable"}),
                json!({}),
                "is `enable`",
            ),
            (
                false,
                json!({"pillion.dev/inject": "true"}),
                json!({}),
                "is for pods",
            ),
            (
                false,
                json!({"pillion.dev/enabled": "true"}),
                json!({}),
                "means nothing",
            ),
            (
                false,
                json!({}),
                json!({"pillion.dev/injection": "enabled"}),
                "is an annotation",
            ),
            (
                false,
                json!({}),
                json!({"pillion.dev/injects": "a"}),
                "pillion.dev/injects",
            ),
            (
                false,
                json!({}),
                json!({"pillion.dev/findings": "Nothing=Warn"}),
                "Nothing",
            ),
            (
                true,
                json!({"pillion.dev/injection": "enabled"}),
                json!({}),
                "never touched",
            ),
            (
                true,
                json!({"pillion.dev/injection": "disabled"}),
                json!({}),
                "",
            ),
            (
                true,
                json!({"pillion.dev/mandatory": ""}),
                json!({}),
                "never touched",
            ),
        ];
        for (is_excluded, labels, annotations, expected) in table {
            let told: Vec<_> = of_keys(&namespace(&labels, &annotations), is_excluded)
                .iter()
                .map(NamespaceProblem::sentence)
                .collect();
            let what = format!("{labels} {annotations}: {told:?}");
            assert_eq!(told.is_empty(), expected.is_empty(), "{what}");
            assert!(told.iter().all(|one| one.contains(expected)), "{what}");
        }
    }

    #[test]
    fn values_that_no_pod_could_have_are_told() {
        let catalog = Catalog::built_in();
        let table = [
            (
                json!({"pillion.dev/inject": "pgbouncer", "pgbouncer.pillion.dev/host": "db"}),
                "",
            ),
            (
                json!({"pillion.dev/inject": "pgbouncr"}),
                "no template `pgbouncr`; did you mean `pgbouncer`?",
            ),
            (
                json!({"pgbouncr.pillion.dev/host": "db"}),
                "`pgbouncr`, which does not exist",
            ),
            (
                json!({"pgbouncer.pillion.dev/hots": "db"}),
                "no parameter `hots`; did you mean `host`?",
            ),
            (
                json!({"pgbouncer.pillion.dev/port": "many"}),
                "annotation pgbouncer.pillion.dev/port of the namespace: `many`",
            ),
            (
                json!({"pgbouncer.pillion.dev/containers": "a"}),
                "by an annotation of the pod",
            ),
        ];
        for (annotations, expected) in table {
            let told = of_values(&catalog, "shop", &namespace(&json!({}), &annotations));
            let told: Vec<_> = told.iter().map(NamespaceProblem::sentence).collect();
            let what = format!("{annotations}: {told:?}");
            assert_eq!(told.len(), usize::from(!expected.is_empty()), "{what}");
            assert!(told.iter().all(|one| one.contains(expected)), "{what}");
        }
    }
}
