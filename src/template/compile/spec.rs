//! The document as a whole: what a template is called, what it is for, when it applies.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::fragment::CompileScope;
use super::reader::{any_entries, boolean, choice, entries, integer, items, join, label, text};
use super::{Errors, condition, container, metadata, parameter, pod, trust, volume};
use crate::expression::{Expression, Reads};
use crate::finding::{Policies, PolicyError};
use crate::kubernetes::object::digest;
use crate::kubernetes::pod_security_level::PodSecurityLevel;
use crate::kubernetes::schema;
use crate::template::compiled::{Override, Pattern, Placement, Template};
use crate::template::fragment::Fragment;
use crate::template::node::{Node, NodeValue};
use crate::wording::did_you_mean;

/// The API version of templates.
pub(in crate::template) const API_VERSION: &str = "pillion.dev/v1alpha1";
/// A template's name is part of volume names (`<template>-<name>`) and of annotation prefixes.
pub(in crate::template) const LONGEST_NAME: usize = 50;

pub(in crate::template) const SPEC_FIELDS: [&str; 22] = [
    "pattern",
    "description",
    "parameters",
    "mode",
    "requirement",
    "override",
    "shadowable",
    "lifecycle",
    "endingPods",
    "order",
    "selector",
    "matchConditions",
    "validations",
    "variables",
    "sidecars",
    "initContainers",
    "volumes",
    "app",
    "metadata",
    "pod",
    "podSecurityLevel",
    "findings",
];

/// Below this every whole number that JSON's floating point has is exact: 2^53.
const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;

/// Compiles a document; what is wrong is noted in `errors`.
pub(super) fn template(errors: &mut Errors<'_>, document: &Node) -> Option<Template> {
    let empty = Node {
        value: NodeValue::Map(Vec::new()),
        place: document.place,
    };
    let known = ["apiVersion", "kind", "metadata", "spec"];
    entries(errors, document, "", &known);
    if !matches!(document.value, NodeValue::Map(_)) {
        return None;
    }
    let cluster_wide = kind(errors, document)?;
    let metadata = document.get("metadata").unwrap_or(&empty);
    known_metadata(errors, metadata);
    let (name, namespace) = names(errors, metadata, cluster_wide);
    let spec = document.get("spec");
    let Some(spec) = spec.filter(|spec| spec.value != NodeValue::Null) else {
        errors.add(document.place, "spec", "the field `spec` is required");
        return None;
    };
    entries(errors, spec, "spec", &SPEC_FIELDS);
    let name = name?;
    let mut template = settings(errors, spec, name, namespace);
    template.revision = revision(document, GENERATION);
    contents(errors, spec, &mut template);
    trust::check(errors, spec, &template);
    Some(template)
}

/// The generation of what templates are made into. Raise it with every change by which the same
/// template gives the same pod another patch: while a rollout replaces one version of the program
/// by the next, both answer, and where they differ they must say different revisions. The corpus
/// knows which patches belong to which generation.
const GENERATION: u32 = 2;

/// The digest of what makes a template, and of the generation: of its metadata only how it is
/// called, so that a file and the object that the API server stores of it have the same.
fn revision(document: &Node, generation: u32) -> String {
    let mut document = document.to_json();
    if let Some(metadata) = document.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|name, _| name == "name" || name == "namespace");
    }
    whole_numbers(&mut document);
    if generation > 1 {
        document = json!({"generation": generation, "template": document});
    }
    digest(&document)
}

/// The API server stores `5.0` as `5`.
fn whole_numbers(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let whole = number.as_f64().filter(|_| number.is_f64());
            let whole =
                whole.filter(|number| number.fract() == 0.0 && number.abs() < LARGEST_EXACT);
            #[expect(clippy::cast_possible_truncation, reason = "it is whole and in range")]
            if let Some(whole) = whole {
                *number = (whole as i64).into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(whole_numbers),
        Value::Object(fields) => fields.values_mut().for_each(whole_numbers),
        _ => {}
    }
}

/// Whether the template is for the whole cluster.
fn kind(errors: &mut Errors<'_>, document: &Node) -> Option<bool> {
    match document.get("apiVersion") {
        Some(version) if version.text() == Some(API_VERSION) => {}
        Some(version) => {
            let found = version
                .text()
                .map_or_else(|| version.words(), |text| format!("`{text}`"));
            let message = format!("expected `{API_VERSION}`, found {found}");
            errors.add(version.place, "apiVersion", message);
        }
        None => {
            let message = format!("the field is required: `{API_VERSION}`");
            errors.add(document.place, "apiVersion", message);
        }
    }
    let kinds = [
        ("ClusterInjectionTemplate", true),
        ("InjectionTemplate", false),
    ];
    match document.get("kind") {
        Some(node) => choice(errors, node, "kind", &kinds),
        None => {
            errors.add(
                document.place,
                "kind",
                "the field is required: `ClusterInjectionTemplate` or `InjectionTemplate`",
            );
            None
        }
    }
}

/// A template's metadata are those of every object of Kubernetes.
fn known_metadata(errors: &mut Errors<'_>, metadata: &Node) {
    let known = schema::definition("ObjectMeta").into_iter().flatten();
    let known: Vec<&str> = known.map(|(name, _)| name.as_str()).collect();
    entries(errors, metadata, "metadata", &known);
}

fn names(
    errors: &mut Errors<'_>,
    metadata: &Node,
    cluster_wide: bool,
) -> (Option<String>, Option<String>) {
    let name = match metadata.get("name") {
        Some(node) => label(errors, node, "metadata.name", LONGEST_NAME),
        None => {
            errors.add(
                metadata.place,
                "metadata.name",
                "the field `name` is required",
            );
            None
        }
    };
    errors.template = name.clone().unwrap_or_default();
    let namespace = metadata.get("namespace");
    let namespace = match (cluster_wide, namespace) {
        (false, Some(node)) => label(errors, node, "metadata.namespace", 63),
        (true, None) => None,
        (true, Some(node)) => {
            let message = "a ClusterInjectionTemplate has no namespace; for one namespace alone \
                           use an InjectionTemplate";
            errors.add(node.place, "metadata.namespace", message);
            None
        }
        (false, None) => {
            let message = "an InjectionTemplate needs the namespace that it is for";
            errors.add(metadata.place, "metadata.namespace", message);
            None
        }
    };
    (name, namespace)
}

/// The plain fields of the spec.
fn settings(
    errors: &mut Errors<'_>,
    spec: &Node,
    name: String,
    namespace: Option<String>,
) -> Template {
    let only_steps = spec.get("sidecars").is_none() && spec.get("initContainers").is_some();
    let usual = if only_steps {
        Pattern::Init
    } else {
        Pattern::Sidecar
    };
    let mandatory = chosen(
        errors,
        spec,
        "requirement",
        false,
        &[("Optional", false), ("Mandatory", true)],
    );
    if let (true, Some(_), Some(node)) = (mandatory, &namespace, spec.get("requirement")) {
        let message = "only a ClusterInjectionTemplate can be Mandatory";
        errors.add(node.place, "spec.requirement", message);
    }
    let shadowable = shadowable(errors, spec, namespace.is_some(), mandatory);
    Template {
        pattern: chosen(errors, spec, "pattern", usual, &Pattern::NAMES),
        description: optional(errors, spec, "description", text)
            .unwrap_or_default()
            .to_owned(),
        shadow: chosen(
            errors,
            spec,
            "mode",
            false,
            &[("Enforce", false), ("Shadow", true)],
        ),
        mandatory,
        overridable: overridable(errors, spec, mandatory),
        shadowable,
        placement: chosen(
            errors,
            spec,
            "lifecycle",
            Placement::Auto,
            &[
                ("Auto", Placement::Auto),
                ("Native", Placement::Native),
                ("Classic", Placement::Classic),
            ],
        ),
        denies_ending_pods: chosen(
            errors,
            spec,
            "endingPods",
            false,
            &[("Skip", false), ("Deny", true)],
        ),
        order: optional(errors, spec, "order", integer).unwrap_or(0),
        pod_security_level: spec.get("podSecurityLevel").and_then(|node| {
            let names = &PodSecurityLevel::NAMES;
            choice(errors, node, "spec.podSecurityLevel", names)
        }),
        findings: findings(errors, spec),
        selector: spec
            .get("selector")
            .and_then(|node| metadata::selector(errors, node)),
        name,
        namespace,
        revision: String::new(),
        parameters: Vec::new(),
        match_conditions: Vec::new(),
        validations: Vec::new(),
        variables: Vec::new(),
        sidecars: Vec::new(),
        init_containers: Vec::new(),
        volumes: Vec::new(),
        app: None,
        labels: None,
        annotations: None,
        pod: None,
        reads: Reads::default(),
    }
}

/// Whether a namespace's template may take this one's place there.
fn shadowable(errors: &mut Errors<'_>, spec: &Node, namespaced: bool, mandatory: bool) -> bool {
    let shadowable = optional(errors, spec, "shadowable", boolean).unwrap_or(false);
    let problem = if namespaced {
        "only a ClusterInjectionTemplate can be shadowed"
    } else if mandatory {
        "a Mandatory template cannot be shadowed"
    } else {
        return shadowable;
    };
    if let (true, Some(node)) = (shadowable, spec.get("shadowable")) {
        errors.add(node.place, "spec.shadowable", problem);
    }
    false
}

/// What follows from findings: a misspelt code or policy is an error here, and so no choice that
/// silently does not hold.
fn findings(errors: &mut Errors<'_>, spec: &Node) -> Policies {
    let mut policies = Policies::default();
    let Some(node) = spec.get("findings") else {
        return policies;
    };
    for entry in any_entries(errors, node, "spec.findings") {
        let path = join("spec.findings", &entry.key);
        let Some(policy) = text(errors, &entry.value, &path) else {
            continue;
        };
        if let Err(error) = policies.choose(&entry.key, policy) {
            let place = match error {
                PolicyError::Code { .. } => entry.place,
                _ => entry.value.place,
            };
            errors.add(place, &path, error.to_string());
        }
    }
    policies
}

fn chosen<T: Copy>(
    errors: &mut Errors<'_>,
    spec: &Node,
    field: &str,
    default: T,
    choices: &[(&str, T)],
) -> T {
    let node = spec.get(field);
    node.and_then(|node| choice(errors, node, &join("spec", field), choices))
        .unwrap_or(default)
}

fn optional<'n, 's, T>(
    errors: &mut Errors<'s>,
    spec: &'n Node,
    field: &str,
    read: impl FnOnce(&mut Errors<'s>, &'n Node, &str) -> Option<T>,
) -> Option<T> {
    read(errors, spec.get(field)?, &join("spec", field))
}

fn overridable(errors: &mut Errors<'_>, spec: &Node, mandatory: bool) -> Override {
    let Some(node) = spec.get("override") else {
        return if mandatory {
            Override::TemplateObject(BTreeSet::new())
        } else {
            Override::Everything
        };
    };
    let mut fields = BTreeSet::new();
    for (index, item) in items(errors, node, "spec.override").iter().enumerate() {
        let path = format!("spec.override[{index}]");
        let Some(field) = text(errors, item, &path) else {
            continue;
        };
        if schema::field("Container", field).is_none() {
            let known = schema::definition("Container").into_iter().flatten();
            let hint = did_you_mean(field, known.map(|(name, _)| name.as_str()));
            errors.add(
                item.place,
                &path,
                format!("a container has no field `{field}`{hint}"),
            );
        }
        fields.insert(field.to_owned());
    }
    Override::TemplateObject(fields)
}

/// The parts with expressions, in the order in which they can refer to each other.
fn contents(errors: &mut Errors<'_>, spec: &Node, template: &mut Template) {
    let (parameters, mut scope) = parameter::parameters(errors, spec.get("parameters"));
    template.parameters = parameters;
    scope = condition::variables(errors, spec, scope, &mut template.variables);
    let volume_names = volume::names(errors, spec.get("volumes"));
    let meaning = CompileScope {
        scope: &scope,
        volumes: &volume_names,
    };
    template.match_conditions = condition::match_conditions(errors, spec, &scope);
    template.validations = condition::validations(errors, spec, meaning);
    template.volumes = volume::volumes(errors, spec.get("volumes"), &template.name, meaning);
    container::containers(errors, spec, template, meaning);
    let in_app = scope.clone().with_self();
    template.app = spec.get("app").map(|node| {
        container::app(
            errors,
            node,
            CompileScope {
                scope: &in_app,
                volumes: &volume_names,
            },
        )
    });
    (template.labels, template.annotations) = metadata::metadata(errors, spec, meaning);
    template.pod = spec
        .get("pod")
        .and_then(|node| pod::fields(errors, node, meaning));
    template.reads = reads(template);
}

/// What all expressions of a template read, variables and computed defaults included.
fn reads(template: &Template) -> Reads {
    let mut reads = Reads::default();
    let mut visit = |expression: &Expression| reads.extend(expression.reads());
    let mut fragments: Vec<&Fragment> = Vec::new();
    fragments.extend(
        template
            .parameters
            .iter()
            .filter_map(|p| p.default.as_ref()),
    );
    fragments.extend(
        template
            .validations
            .iter()
            .map(|validation| &validation.message),
    );
    fragments.extend(template.sidecars.iter().map(|container| &container.body));
    fragments.extend(
        template
            .init_containers
            .iter()
            .map(|container| &container.body),
    );
    let parts = [
        &template.app,
        &template.labels,
        &template.annotations,
        &template.pod,
    ];
    fragments.extend(parts.into_iter().flatten());
    for volume in &template.volumes {
        fragments.extend(volume.adopt.iter().chain(&volume.source));
        if let Some(files) = &volume.files {
            fragments.extend(files.files.iter().map(|file| &file.content));
            files.when.iter().for_each(|when| visit(&when.expression));
        }
        volume.when.iter().for_each(|when| visit(&when.expression));
    }
    for fragment in fragments {
        fragment.expressions(&mut visit);
    }
    template
        .variables
        .iter()
        .for_each(|(_, expression)| visit(expression));
    template
        .match_conditions
        .iter()
        .for_each(|c| visit(&c.condition.expression));
    template
        .validations
        .iter()
        .for_each(|v| visit(&v.condition.expression));
    reads
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_says_the_generation_too() {
        let document =
            json!({"metadata": {"name": "a", "labels": {"b": "c"}}, "spec": {"order": 1.0}});
        let same = json!({"metadata": {"name": "a"}, "spec": {"order": 1}});
        let [document, same] = [document, same].map(|document| Node::from_json(&document));
        assert_eq!(revision(&document, 1), revision(&same, 1));
        assert_ne!(revision(&document, 1), revision(&document, 2));
        assert_ne!(revision(&document, 2), revision(&document, 3));
    }
}
