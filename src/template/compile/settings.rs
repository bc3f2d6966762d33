//! The fields of the spec: what each is for, what it may hold, and the code that reads it.
//!
//! A new field is a row here and a field of [`Template`]; the JSON Schema and the
//! `CustomResourceDefinition`s follow. The parts with expressions are compiled by
//! [`spec`](super::spec), in the order in which they can refer to each other.

use std::collections::BTreeSet;

use super::reader::{any_entries, boolean, choice, integer, items, join, text};
use super::{Errors, metadata};
use crate::finding::{Policies, PolicyError};
use crate::kubernetes::pod_security_level::PodSecurityLevel;
use crate::kubernetes::schema;
use crate::template::compiled::{Override, Pattern, Placement, Template};
use crate::template::node::Node;
use crate::template::shape::{
    Field, Kind, MATCH_CONDITION, METADATA, PARAMETER, SELECTOR, VALIDATION, VARIABLE,
};
use crate::template::word::{Word, words};
use crate::wording::did_you_mean;

/// Reads a field at its path into the template.
type Read = fn(&mut Errors<'_>, &Node, &str, &mut Template);

/// A field of the spec with the code that reads it.
#[derive(Debug)]
pub(in crate::template) struct Setting {
    pub(in crate::template) field: Field,
    read: Read,
}

const fn setting(name: &'static str, kind: Kind, description: &'static str, read: Read) -> Setting {
    let field = Field::new(name, kind, description);
    Setting { field, read }
}

/// A text that no pod has.
const fn for_people(name: &'static str, description: &'static str, read: Read) -> Setting {
    let field = Field::for_people(name, description);
    Setting { field, read }
}

/// A field with expressions, which `spec` compiles.
const fn part(name: &'static str, kind: Kind, description: &'static str) -> Setting {
    setting(name, kind, description, |_, _, _, _| {})
}

/// Every field of the spec.
pub(in crate::template) const SPEC: &[Setting] = &[
    setting(
        "pattern",
        Kind::Words(words::<Pattern>),
        "what the template is for",
        |errors, node, path, template| set(&mut template.pattern, choice(errors, node, path)),
    ),
    for_people(
        "description",
        "what the template does, in a sentence",
        |errors, node, path, template| {
            set(
                &mut template.description,
                text(errors, node, path).map(str::to_owned),
            );
        },
    ),
    part(
        "parameters",
        Kind::Parameters(PARAMETER),
        "typed inputs, set by annotation",
    ),
    setting(
        "mode",
        Kind::Words(words::<Mode>),
        "Shadow computes everything and applies nothing",
        |errors, node, path, template| {
            template.shadow = choice(errors, node, path) == Some(Mode::Shadow);
        },
    ),
    setting(
        "requirement",
        Kind::Words(words::<Requirement>),
        "Mandatory: no pod in a mandatory namespace gets around it",
        |errors, node, path, template| {
            template.mandatory = choice(errors, node, path) == Some(Requirement::Mandatory);
        },
    ),
    setting(
        "override",
        Kind::List(&Kind::ContainerFields),
        "what a same-named container of the user's may set; default everything",
        |errors, node, path, template| template.overridable = overridable(errors, node, path),
    ),
    setting(
        "shadowable",
        Kind::Boolean,
        "whether a namespace's template of this name may replace it there",
        |errors, node, path, template| set(&mut template.shadowable, boolean(errors, node, path)),
    ),
    setting(
        "lifecycle",
        Kind::Words(words::<Placement>),
        "how sidecars are placed",
        |errors, node, path, template| set(&mut template.placement, choice(errors, node, path)),
    ),
    setting(
        "endingPods",
        Kind::Words(words::<EndingPods>),
        "what becomes of a run-to-completion pod where only a classic sidecar is possible",
        |errors, node, path, template| {
            template.denies_ending_pods = choice(errors, node, path) == Some(EndingPods::Deny);
        },
    ),
    setting(
        "order",
        Kind::Integer(i64::MIN),
        "templates compose by order, then name; above 0: after the pod's own init containers",
        |errors, node, path, template| set(&mut template.order, integer(errors, node, path)),
    ),
    setting(
        "selector",
        Kind::Object(SELECTOR),
        "applies without being asked for; absent or {}: never by itself",
        |errors, node, path, template| template.selector = metadata::selector(errors, node, path),
    ),
    part(
        "matchConditions",
        Kind::NamedObjects(MATCH_CONDITION),
        "CEL; false: skipped, with the name as the reason",
    ),
    part(
        "validations",
        Kind::List(&Kind::Object(VALIDATION)),
        "CEL; false: the pod is refused, with the message",
    ),
    part(
        "variables",
        Kind::NamedObjects(VARIABLE),
        "named CEL expressions, evaluated when first used",
    ),
    part(
        "sidecars",
        Kind::Sidecars,
        "containers that run beside the app",
    ),
    part(
        "initContainers",
        Kind::InitContainers,
        "containers that run to their end before the app",
    ),
    part(
        "volumes",
        Kind::Volumes,
        "volumes, generated files included",
    ),
    part(
        "app",
        Kind::App,
        "what each app container, which is `self`, gets where it has nothing",
    ),
    part(
        "metadata",
        Kind::OpenObject(METADATA),
        "labels and annotations for the pod",
    ),
    part("pod", Kind::Pod, "other fields of the pod"),
    setting(
        "podSecurityLevel",
        Kind::Words(words::<PodSecurityLevel>),
        "the Pod Security level that what is added needs",
        |errors, node, path, template| template.pod_security_level = choice(errors, node, path),
    ),
    setting(
        "findings",
        Kind::Policies,
        "what follows from a finding",
        |errors, node, path, template| template.findings = findings(errors, node, path),
    ),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Enforce,
    Shadow,
}

impl Word for Mode {
    const WORDS: &'static [(&'static str, Self)] =
        &[("Enforce", Self::Enforce), ("Shadow", Self::Shadow)];
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Requirement {
    Optional,
    Mandatory,
}

impl Word for Requirement {
    const WORDS: &'static [(&'static str, Self)] =
        &[("Optional", Self::Optional), ("Mandatory", Self::Mandatory)];
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EndingPods {
    Skip,
    Deny,
}

impl Word for EndingPods {
    const WORDS: &'static [(&'static str, Self)] = &[("Skip", Self::Skip), ("Deny", Self::Deny)];
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

/// Reads every setting of the spec into the template.
pub(super) fn read(errors: &mut Errors<'_>, spec: &Node, template: &mut Template) {
    for Setting { field, read } in SPEC {
        if let Some(node) = spec.get(field.name) {
            read(errors, node, &join("spec", field.name), template);
        }
    }
    let only_steps = spec.get("sidecars").is_none() && spec.get("initContainers").is_some();
    if spec.get("pattern").is_none() && only_steps {
        template.pattern = Pattern::Init;
    }
    if spec.get("override").is_none() && template.mandatory {
        template.overridable = Override::Fields(BTreeSet::new());
    }
    if template.mandatory {
        never_skip(errors, spec, template);
    }
    check_scope(errors, spec, template);
}

/// A mandatory template refuses run-to-completion pods: it is never skipped.
fn never_skip(errors: &mut Errors<'_>, spec: &Node, template: &mut Template) {
    if let (false, Some(node)) = (template.denies_ending_pods, spec.get("endingPods")) {
        let message = "a Mandatory template is never skipped: leave the field out, or set Deny";
        errors.add(node.place, "spec.endingPods", message);
    }
    template.denies_ending_pods = true;
}

/// Notes settings that a namespaced or a mandatory template cannot have.
fn check_scope(errors: &mut Errors<'_>, spec: &Node, template: &mut Template) {
    let namespaced = template.namespace.is_some();
    if let (true, true, Some(node)) = (template.mandatory, namespaced, spec.get("requirement")) {
        let message = "only a ClusterInjectionTemplate can be Mandatory";
        errors.add(node.place, "spec.requirement", message);
    }
    let problem = if namespaced {
        "only a ClusterInjectionTemplate can be shadowed"
    } else if template.mandatory {
        "a Mandatory template cannot be shadowed"
    } else {
        return;
    };
    if let (true, Some(node)) = (template.shadowable, spec.get("shadowable")) {
        errors.add(node.place, "spec.shadowable", problem);
    }
    template.shadowable = false;
}

/// What follows from findings: a misspelt code or policy is an error here, and so no choice that
/// silently does not hold.
fn findings(errors: &mut Errors<'_>, node: &Node, path: &str) -> Policies {
    let mut policies = Policies::default();
    for entry in any_entries(errors, node, path) {
        let path = join(path, &entry.key);
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

fn overridable(errors: &mut Errors<'_>, node: &Node, path: &str) -> Override {
    let mut fields = BTreeSet::new();
    for (index, item) in items(errors, node, path).iter().enumerate() {
        let path = format!("{path}[{index}]");
        let Some(field) = text(errors, item, &path) else {
            continue;
        };
        if schema::field("Container", field).is_none() {
            let known = schema::definition("Container").into_iter().flatten();
            let hint = did_you_mean(field, known.map(|(name, _)| name.as_str()));
            let message = format!("a container has no field `{field}`{hint}");
            errors.add(item.place, &path, message);
        }
        fields.insert(field.to_owned());
    }
    Override::Fields(fields)
}
