//! The document as a whole: what a template is called, what it is for, when it applies.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::fragment::CompileScope;
use super::reader::{choice, entries, known_entries, label};
use super::settings::{self, SPEC};
use super::{Errors, condition, container, metadata, parameter, pod, trust, volume};
use crate::expression::Reads;
use crate::kubernetes::object::{digest, make_integers};
use crate::kubernetes::schema;
use crate::template::compiled::{Override, Template};
use crate::template::fragment::{Condition, Fragment};
use crate::template::node::{Node, NodeValue};
use crate::template::shape::{DocumentKind, Field, ITEMS, LONGEST_LABEL, PARAMETER};
use crate::template::word::words;

/// The API version of templates.
pub(in crate::template) const API_VERSION: &str = "pillion.dev/v1alpha1";
/// A template's name is part of volume names (`<template>-<name>`) and of annotation prefixes.
pub(in crate::template) const LONGEST_NAME: usize = 50;

/// Compiles a document; what is wrong is noted in `errors`.
pub(super) fn template(errors: &mut Errors<'_>, document: &Node) -> Option<Template> {
    let empty = Node {
        value: NodeValue::Map(Vec::new()),
        place: document.place,
    };
    let known = ["apiVersion", "kind", "metadata", "spec"];
    known_entries(errors, document, "", &known);
    if !matches!(document.value, NodeValue::Map(_)) {
        return None;
    }
    let kind = kind(errors, document)?;
    let metadata = document.get("metadata").unwrap_or(&empty);
    known_metadata(errors, metadata);
    let (name, namespace) = names(errors, metadata, kind);
    let spec = document.get("spec");
    let Some(spec) = spec.filter(|spec| spec.value != NodeValue::Null) else {
        errors.add(document.place, "spec", "the field `spec` is required");
        return None;
    };
    entries(
        errors,
        spec,
        "spec",
        SPEC.iter().map(|setting| &setting.field),
    );
    let mut template = Template {
        name: name?,
        namespace,
        revision: revision(document, GENERATION),
        ..Template::default()
    };
    settings::read(errors, spec, &mut template);
    contents(errors, spec, &mut template);
    template.pattern_bytes = errors.patterns.taken();
    let adds_privilege = trust::check(errors, spec, &template);
    if adds_privilege && spec.get("override").is_none() {
        // What the template adds may do more than the user's own container may.
        template.overridable = Override::Fields(BTreeSet::new());
    }
    Some(template)
}

/// The generation of what templates are made into. Raise it with every change by which the same
/// template gives the same pod another patch: while a rollout replaces one version of the program
/// by the next, both answer, and where they differ they must say different revisions. The corpus
/// knows which patches belong to which generation.
const GENERATION: u32 = 5;

/// The digest of what makes a template, and of the generation: of its metadata only how it is
/// called, so that a file and the object that the API server stores of it have the same; and no words
/// for people, which reach no pod, so that a better description rolls no Deployment out anew.
fn revision(document: &Node, generation: u32) -> String {
    let mut document = document.to_json();
    if let Some(metadata) = document.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|name, _| name == "name" || name == "namespace");
    }
    if let Some(spec) = document.get_mut("spec") {
        without_words(spec, SPEC.iter().map(|setting| &setting.field));
        let parameters = spec.get_mut("parameters").and_then(Value::as_object_mut);
        for (_, parameter) in parameters.into_iter().flatten() {
            without_words(parameter, PARAMETER);
            if let Some(items) = parameter.get_mut("items") {
                without_words(items, ITEMS);
            }
        }
    }
    // The API server stores `5.0` as `5`.
    make_integers(&mut document);
    if generation > 1 {
        document = json!({"generation": generation, "template": document});
    }
    digest(&document)
}

/// Takes out what is for people alone.
fn without_words<'f>(declared: &mut Value, fields: impl IntoIterator<Item = &'f Field>) {
    if let Some(declared) = declared.as_object_mut() {
        for field in fields.into_iter().filter(|field| field.is_for_people) {
            declared.remove(field.name);
        }
    }
}

fn kind(errors: &mut Errors<'_>, document: &Node) -> Option<DocumentKind> {
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
    let Some(node) = document.get("kind") else {
        let kinds = words::<DocumentKind>().join("` or `");
        let message = format!("the field is required: `{kinds}`");
        errors.add(document.place, "kind", message);
        return None;
    };
    choice(errors, node, "kind")
}

/// A template's metadata are those of every object of Kubernetes.
fn known_metadata(errors: &mut Errors<'_>, metadata: &Node) {
    let known: Vec<&str> = schema::definition("ObjectMeta")
        .into_iter()
        .flatten()
        .map(|(name, _)| name.as_str())
        .collect();
    known_entries(errors, metadata, "metadata", &known);
}

fn names(
    errors: &mut Errors<'_>,
    metadata: &Node,
    kind: DocumentKind,
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
    let namespace = match (kind, metadata.get("namespace")) {
        (DocumentKind::Namespaced, Some(node)) => {
            label(errors, node, "metadata.namespace", LONGEST_LABEL)
        }
        (DocumentKind::Cluster, None) => None,
        (DocumentKind::Cluster, Some(node)) => {
            let message = "a ClusterInjectionTemplate has no namespace; for one namespace alone \
                           use an InjectionTemplate";
            errors.add(node.place, "metadata.namespace", message);
            None
        }
        (DocumentKind::Namespaced, None) => {
            let message = "an InjectionTemplate needs the namespace that it is for";
            errors.add(metadata.place, "metadata.namespace", message);
            None
        }
    };
    (name, namespace)
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
    for fragment in fragments(template) {
        fragment.expressions(&mut |expression| reads.extend(expression.reads()));
    }
    let variables = template.variables.iter().map(|(_, expression)| expression);
    for expression in variables.chain(conditions(template).map(|one| &one.expression)) {
        reads.extend(expression.reads());
    }
    reads
}

/// Every fragment of a template.
fn fragments(template: &Template) -> impl Iterator<Item = &Fragment> {
    let defaults = template
        .parameters
        .iter()
        .filter_map(|p| p.default.as_ref());
    let messages = template.validations.iter().map(|v| &v.message);
    let containers = template.sidecars.iter().chain(&template.init_containers);
    let parts = [
        &template.app,
        &template.labels,
        &template.annotations,
        &template.pod,
    ];
    let volumes = template.volumes.iter().flat_map(|volume| {
        let files = volume.files.iter().flat_map(|files| &files.files);
        let contents = files.map(|file| &file.content);
        volume.adopt.iter().chain(&volume.source).chain(contents)
    });
    defaults
        .chain(messages)
        .chain(containers.map(|container| &container.body))
        .chain(parts.into_iter().flatten())
        .chain(volumes)
}

/// Every condition of a template outside its fragments.
fn conditions(template: &Template) -> impl Iterator<Item = &Condition> {
    let volumes = template.volumes.iter().flat_map(|volume| {
        let files = volume.files.iter().flat_map(|files| &files.when);
        volume.when.iter().chain(files)
    });
    let matches = template.match_conditions.iter().map(|c| &c.condition);
    let validations = template.validations.iter().map(|v| &v.condition);
    volumes.chain(matches).chain(validations)
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

    #[test]
    fn words_for_people_are_no_part_of_a_revision() {
        let template = |words: Value, pattern: &str| {
            let mut items = words.clone();
            items["pattern"] = json!(pattern);
            let mut list = words.clone();
            list["items"] = items;
            let document = json!({"metadata": {"name": "a"},
                "spec": {"description": words["description"], "parameters": {"list": list}}});
            revision(&Node::from_json(&document), 2)
        };
        let bare = template(json!({}), "a");
        assert_eq!(
            bare,
            template(json!({"description": "b", "patternHint": "c"}), "a")
        );
        assert_ne!(bare, template(json!({}), "b"));
    }
}
