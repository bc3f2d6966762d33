//! Labels and annotations of a Namespace that mean nothing, or not what was meant.
//!
//! A wrong value on a Namespace is seen when a pod comes, by somebody else than who wrote it. So it is
//! told to who writes it: as advice at `kubectl apply`, by `inject` of a file with the Namespace, and by
//! `doctor` for a whole cluster.

use std::collections::{BTreeMap, BTreeSet};

use super::misplaced_keys::is_ours;
use super::parameters;
use super::selection::List;
use super::selection::missing::{self, ListOwner};
use super::settings::{Namespace, Settings};
use super::verdict::Reason;
use crate::finding::Policies;
use crate::kubernetes::keys::{
    CONTAINERS, DOMAIN, FINDINGS, INJECT, INJECTION, MANDATORY, PARAMETER_INFIX,
};
use crate::template::{Catalog, CatalogLookup, UnknownContent};
use crate::wording::shown;

/// Something that means nothing, or not what was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamespaceProblem {
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

/// What is told at most of one Namespace: no API server passes on more warnings than a few.
const MOST_PROBLEMS: usize = 10;

/// How many of the templates that annotations name are looked at. A Namespace of 256 KiB, which any of its
/// admins may write, would name a hundred thousand, and each is compared with the catalog.
const MOST_TEMPLATES: usize = 64;

/// What is known of templates that are not in the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnknownTemplates {
    /// There are none.
    Absent,
    /// They may come yet, as a namespace's own templates do after it, or be elsewhere: a name is wrong only
    /// where one that is known is near.
    MayExist,
}

/// What of a Namespace means nothing, the first few.
pub(crate) fn problems(
    (catalog, settings): (&Catalog, &Settings),
    name: &str,
    namespace: &Namespace,
    unknown: UnknownTemplates,
) -> Vec<NamespaceProblem> {
    let is_excluded = settings.excluded_namespaces.contains(name);
    let mut found = of_keys(namespace, is_excluded);
    if found.len() < MOST_PROBLEMS {
        found.extend(of_templates(catalog, name, namespace, unknown));
    }
    found.truncate(MOST_PROBLEMS);
    found
}

/// What the keys mean by themselves, whatever templates there are.
pub(crate) fn of_keys(namespace: &Namespace, is_excluded: bool) -> Vec<NamespaceProblem> {
    let labels = ours(&namespace.labels).filter_map(|(key, value)| of_label(key, value));
    let annotations =
        ours(&namespace.annotations).filter_map(|(key, value)| of_annotation(key, value));
    let mut found: Vec<_> = labels.chain(annotations).take(MOST_PROBLEMS).collect();
    let is_enabled = namespace.injection() == Some("enabled");
    if is_excluded && (is_enabled || namespace.labels.contains_key(MANDATORY)) {
        found.push(NamespaceProblem::new(
            "it is labelled, but its pods are never touched".to_owned(),
            "take the label away",
        ));
    }
    found
}

/// Those of some labels or annotations to which Pillion gives a meaning somewhere.
pub(super) fn ours(keys: &BTreeMap<String, String>) -> impl Iterator<Item = (&str, &str)> {
    let keys = keys.iter().filter(|(key, _)| is_ours(key));
    keys.map(|(key, value)| (key.as_str(), value.as_str()))
}

/// What the annotations mean beside the templates that pods of the namespace can have.
fn of_templates(
    catalog: &Catalog,
    name: &str,
    namespace: &Namespace,
    unknown: UnknownTemplates,
) -> Vec<NamespaceProblem> {
    let list = namespace.annotations.get(INJECT).map(String::as_str);
    let listed = List::read(list).kept();
    let of_parameters: BTreeSet<&str> = namespace
        .annotations
        .keys()
        .filter_map(|key| Some(key.split_once(PARAMETER_INFIX)?.0))
        .take(MOST_TEMPLATES)
        .collect();
    let only_parameters = of_parameters.iter().filter(|name| !listed.contains(*name));
    let is_told = |template: &str| {
        unknown == UnknownTemplates::Absent || missing::has_near_name(catalog, name, template)
    };
    let of_list = listed.iter().take(MOST_TEMPLATES).filter_map(|template| {
        // What an earlier revision takes is not known.
        if matches!(
            catalog.unknown(name, template),
            Some(UnknownContent::Earlier(_))
        ) {
            return None;
        }
        let found = missing::find(catalog, name, template, ListOwner::Namespace);
        let refusal = found.err()?;
        let is_told = refusal.reason != Reason::TemplateNotFound || is_told(template);
        is_told.then(|| NamespaceProblem::new(refusal.message, ""))
    });
    let with_parameters = listed.iter().take(MOST_TEMPLATES).chain(only_parameters);
    let of_parameters = with_parameters.filter_map(|template| match catalog.find(name, template) {
        CatalogLookup::Template(template) => {
            let refusal = parameters::problem_of_namespace(template, &namespace.annotations);
            Some(NamespaceProblem::new(refusal?.message, ""))
        }
        CatalogLookup::Nothing if !listed.contains(template) && is_told(template) => {
            Some(for_no_template(catalog, name, template))
        }
        CatalogLookup::Nothing | CatalogLookup::Broken(_) => None,
    });
    of_list.chain(of_parameters).take(MOST_PROBLEMS).collect()
}

fn for_no_template(catalog: &Catalog, namespace: &str, template: &str) -> NamespaceProblem {
    let hint = missing::hint(catalog, namespace, template);
    let template = shown(template);
    let message =
        format!("an annotation is for the template `{template}`, which does not exist{hint}");
    NamespaceProblem::new(message, "")
}

fn of_label(key: &str, value: &str) -> Option<NamespaceProblem> {
    match key {
        INJECTION if !matches!(value, "enabled" | "disabled") => Some(NamespaceProblem::new(
            format!("the label {key} is `{}`, which means nothing", shown(value)),
            "set it to `enabled` or `disabled`",
        )),
        MANDATORY if value == "false" => Some(NamespaceProblem::new(
            format!("the label {key} counts whatever its value, `false` too"),
            "take the label away, or leave its value empty",
        )),
        INJECTION | MANDATORY => None,
        INJECT => Some(NamespaceProblem::new(
            format!("the label {key} is for pods, and means nothing on a namespace"),
            format!(
                "label the namespace {INJECTION}=enabled, and list templates in the annotation {INJECT}"
            ),
        )),
        _ if !key.starts_with(DOMAIN) => Some(NamespaceProblem::new(
            format!("{} is a label here, which means nothing", shown(key)),
            "set it as an annotation",
        )),
        _ => Some(unknown("label", key, &[INJECTION, MANDATORY])),
    }
}

fn of_annotation(key: &str, value: &str) -> Option<NamespaceProblem> {
    match key {
        FINDINGS => of_policies(value),
        INJECTION | MANDATORY => Some(NamespaceProblem::new(
            format!("{key} is an annotation here, which means nothing"),
            format!("set the label {key} instead"),
        )),
        INJECT => None,
        CONTAINERS => Some(NamespaceProblem::new(
            format!("the annotation {key} is for pods, and means nothing on a namespace"),
            "annotate the pods",
        )),
        // Of a parameter, which is looked at beside its template.
        _ if !key.starts_with(DOMAIN) => None,
        _ => Some(unknown("annotation", key, &[INJECT, FINDINGS])),
    }
}

fn of_policies(text: &str) -> Option<NamespaceProblem> {
    let (_, errors) = Policies::parse(text);
    let error = errors.first()?;
    Some(NamespaceProblem::new(
        format!("the annotation {FINDINGS} of the namespace: {error}"),
        "write entries such as PortConflict=Warn, with commas between",
    ))
}

fn unknown(what: &str, key: &str, known: &[&str]) -> NamespaceProblem {
    NamespaceProblem::new(
        format!("the {what} {} means nothing", shown(key)),
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
                false,
                json!({}),
                json!({"pillion.dev/containers": "web"}),
                "is for pods",
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
        let table = [
            (json!({"pillion.dev/inject": "pgbouncr,-pgbouncr"}), ""),
            (
                json!({"pillion.dev/inject": "own", "own.pillion.dev/a": "b"}),
                "there is no template `own`",
            ),
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
            let told = told(&annotations, UnknownTemplates::Absent);
            let what = format!("{annotations}: {told:?}");
            assert_eq!(told.len(), usize::from(!expected.is_empty()), "{what}");
            assert!(told.iter().all(|one| one.contains(expected)), "{what}");
        }
    }

    fn told(annotations: &Value, unknown: UnknownTemplates) -> Vec<String> {
        let (catalog, settings) = (Catalog::built_in(), Settings::default());
        let namespace = namespace(&json!({}), annotations);
        let found = problems((&catalog, &settings), "shop", &namespace, unknown);
        found.iter().map(NamespaceProblem::sentence).collect()
    }

    #[test]
    fn a_template_that_may_come_yet_is_not_missed() {
        let own = json!({"pillion.dev/inject": "own", "own.pillion.dev/a": "b"});
        assert!(told(&own, UnknownTemplates::MayExist).is_empty());
        let near = json!({"pillion.dev/inject": "pgbouncr", "wait-fro.pillion.dev/a": "b"});
        assert_eq!(told(&near, UnknownTemplates::MayExist).len(), 2);
    }

    #[test]
    fn a_namespace_that_names_very_many_costs_little() {
        let list: Vec<_> = (0..40_000).map(|index| format!("q{index}")).collect();
        let mut annotations = json!({"pillion.dev/inject": list.join(",")});
        for index in 0..2_000 {
            annotations[format!("q{index}.pillion.dev/a")] = json!("b");
            annotations[format!("pillion.dev/q{index}")] = json!("b");
        }
        let told = told(&annotations, UnknownTemplates::Absent);
        assert_eq!(told.len(), MOST_PROBLEMS);
    }
}
