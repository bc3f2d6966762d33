//! The document as a whole: what a template is called, what it is for, when it applies.

use std::collections::BTreeSet;

use super::fragment::{self, Meaning};
use super::reader::{any_entries, boolean, choice, entries, integer, items, join, label, text};
use super::{Errors, container, metadata, parameter, pod, trust, volume};
use crate::template::compiled::{
    MatchCondition, Override, Pattern, Placement, Template, Validation,
};
use crate::template::expression::{Expression, Reads, Scope};
use crate::template::fragment::{Condition, Fragment, Slot};
use crate::template::node::{Node, NodeValue};
use crate::template::schema;
use crate::template::validity::names;

/// The API version of templates.
const API_VERSION: &str = "pillion.dev/v1alpha1";
/// A template's name is part of volume names (`<template>-<name>`) and of annotation prefixes.
const LONGEST_NAME: usize = 50;

const SPEC_FIELDS: [&str; 22] = [
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
    template.revision = revision(document);
    contents(errors, spec, &mut template);
    trust::check(errors, spec, &template);
    Some(template)
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

/// A digest of the content that does not depend on comments, layout or the order of keys: FNV-1a
/// of 64 bits over the document with sorted keys. It names revisions; nothing trusts it.
fn revision(document: &Node) -> String {
    let mut content = document.to_json();
    content.sort_all_objects();
    let digest = content
        .to_string()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
    format!("{digest:016x}").chars().take(12).collect()
}

/// The pattern of a template that names none.
fn usual_pattern(spec: &Node) -> Pattern {
    let only_steps = spec.get("sidecars").is_none() && spec.get("initContainers").is_some();
    if only_steps {
        Pattern::Init
    } else {
        Pattern::Sidecar
    }
}

/// The plain fields of the spec.
fn settings(
    errors: &mut Errors<'_>,
    spec: &Node,
    name: String,
    namespace: Option<String>,
) -> Template {
    let usual = usual_pattern(spec);
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
    checks(errors, spec);
    let shadowable = optional(errors, spec, "shadowable", boolean).unwrap_or(false);
    if let (true, Some(node)) = (shadowable, spec.get("shadowable")) {
        let problem = match (&namespace, mandatory) {
            (Some(_), _) => Some("only a ClusterInjectionTemplate can be shadowed"),
            (None, true) => Some("a Mandatory template cannot be shadowed"),
            (None, false) => None,
        };
        if let Some(problem) = problem {
            errors.add(node.place, "spec.shadowable", problem);
        }
    }
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

/// What the template declares for the checks of the resulting pod: read and refused here, so that
/// a misspelt policy is no policy that silently does not hold.
fn checks(errors: &mut Errors<'_>, spec: &Node) {
    let levels = ["privileged", "baseline", "restricted"].map(|level| (level, ()));
    chosen(errors, spec, "podSecurityLevel", (), &levels);
    let Some(findings) = spec.get("findings") else {
        return;
    };
    let policies = ["Deny", "Skip", "Warn", "Ignore"].map(|policy| (policy, ()));
    for entry in any_entries(errors, findings, "spec.findings") {
        choice(
            errors,
            &entry.value,
            &join("spec.findings", &entry.key),
            &policies,
        );
    }
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
            Override::Fields(BTreeSet::new())
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
            let hint = super::nearest(field, known.map(|(name, _)| name.as_str()));
            errors.add(
                item.place,
                &path,
                format!("a container has no field `{field}`{hint}"),
            );
        }
        fields.insert(field.to_owned());
    }
    Override::Fields(fields)
}

/// The parts with expressions, in the order in which they can refer to each other.
fn contents(errors: &mut Errors<'_>, spec: &Node, template: &mut Template) {
    let (parameters, mut scope) = parameter::parameters(errors, spec.get("parameters"));
    template.parameters = parameters;
    scope = variables(errors, spec, scope, &mut template.variables);
    let volume_names = volume::names(errors, spec.get("volumes"));
    let meaning = Meaning {
        scope: &scope,
        volumes: &volume_names,
    };
    template.match_conditions = match_conditions(errors, spec, &scope);
    template.validations = validations(errors, spec, meaning);
    template.volumes = volume::volumes(errors, spec.get("volumes"), &template.name, meaning);
    container::containers(errors, spec, template, meaning);
    let in_app = scope.clone().with_self();
    template.app = spec.get("app").map(|node| {
        container::app(
            errors,
            node,
            Meaning {
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

fn variables(
    errors: &mut Errors<'_>,
    spec: &Node,
    mut scope: Scope,
    variables: &mut Vec<(String, Expression)>,
) -> Scope {
    let Some(list) = spec.get("variables") else {
        return scope;
    };
    for (index, item) in items(errors, list, "spec.variables").iter().enumerate() {
        let path = format!("spec.variables[{index}]");
        entries(errors, item, &path, &["name", "expression"]);
        let name = item.get("name").and_then(Node::text);
        let Some(name) = name.filter(|name| is_identifier(name)) else {
            let message = "a variable needs a `name` of letters, digits and `_`";
            errors.add(item.place, &path, message);
            continue;
        };
        if variables.iter().any(|(known, _)| known == name) {
            errors.add(
                item.place,
                &path,
                format!("the variable `{name}` stands twice"),
            );
            continue;
        }
        let expression = expression_field(errors, item, &path, &scope);
        if let Some(expression) = expression {
            scope = scope.variable(name, expression.result().clone(), expression.max_items());
            variables.push((name.to_owned(), expression));
        }
    }
    scope
}

fn is_identifier(text: &str) -> bool {
    text.chars()
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn expression_field(
    errors: &mut Errors<'_>,
    item: &Node,
    path: &str,
    scope: &Scope,
) -> Option<Expression> {
    let Some(node) = item.get("expression") else {
        errors.add(item.place, path, "the field `expression` is required");
        return None;
    };
    let path = join(path, "expression");
    let source = text(errors, node, &path)?;
    fragment::expression(errors, node, source, 0, &path, scope)
}

fn condition_field(
    errors: &mut Errors<'_>,
    item: &Node,
    path: &str,
    scope: &Scope,
) -> Option<Condition> {
    let Some(node) = item.get("expression") else {
        errors.add(item.place, path, "the field `expression` is required");
        return None;
    };
    fragment::condition(errors, node, &join(path, "expression"), scope)
}

fn match_conditions(errors: &mut Errors<'_>, spec: &Node, scope: &Scope) -> Vec<MatchCondition> {
    let Some(list) = spec.get("matchConditions") else {
        return Vec::new();
    };
    let mut conditions = Vec::new();
    for (index, item) in items(errors, list, "spec.matchConditions")
        .iter()
        .enumerate()
    {
        let path = format!("spec.matchConditions[{index}]");
        entries(errors, item, &path, &["name", "expression"]);
        let name = item
            .get("name")
            .and_then(|node| text(errors, node, &join(&path, "name")));
        match (name, item.get("name")) {
            (Some(name), Some(node)) => {
                let twice = conditions.iter().any(|c: &MatchCondition| c.name == name);
                let twice = twice.then(|| format!("the condition `{name}` stands twice"));
                if let Some(problem) = twice.or_else(|| names::not_a_key(name)) {
                    errors.add(node.place, &join(&path, "name"), problem);
                }
            }
            (_, None) => errors.add(
                item.place,
                &path,
                "the field `name` is required: it is the reason to skip",
            ),
            (None, Some(_)) => {}
        }
        if let Some(condition) = condition_field(errors, item, &path, scope) {
            let name = name.unwrap_or_default().to_owned();
            conditions.push(MatchCondition { name, condition });
        }
    }
    conditions
}

fn validations(errors: &mut Errors<'_>, spec: &Node, meaning: Meaning<'_>) -> Vec<Validation> {
    let Some(list) = spec.get("validations") else {
        return Vec::new();
    };
    let mut validations = Vec::new();
    for (index, item) in items(errors, list, "spec.validations").iter().enumerate() {
        let path = format!("spec.validations[{index}]");
        entries(errors, item, &path, &["expression", "message"]);
        let condition = condition_field(errors, item, &path, meaning.scope);
        let message = match item.get("message") {
            Some(node) => {
                let path = join(&path, "message");
                fragment::compile(errors, node, &path, &Slot::free_text(), meaning)
            }
            None => condition.as_ref().map(|condition| {
                let source = condition.expression.source();
                Fragment::Constant(format!("not true: {source}").into())
            }),
        };
        if let (Some(condition), Some(message)) = (condition, message) {
            validations.push(Validation { condition, message });
        }
    }
    validations
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
