//! A template as it runs: everything that its document says, checked and typed.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use super::fragment::{Condition, Fragment, Origin};
use super::parameter::Parameter;
use super::value::Constant;
use super::word::Word;
use crate::expression::{Expression, Reads};
use crate::finding::Policies;
use crate::kubernetes::keys::PARAMETER_INFIX;
use crate::kubernetes::pod_security_level::PodSecurityLevel;
use crate::kubernetes::selector::Selector;

/// What a template is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// Runs for the pod's life beside the app.
    #[default]
    Sidecar,
    /// Listens on localhost for the app and tells it so through its environment.
    Ambassador,
    /// Offers what the app says in another form, on a named port or standard output.
    Adapter,
    /// Runs to its end before the app.
    Init,
}

impl Word for Pattern {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("Sidecar", Self::Sidecar),
        ("Ambassador", Self::Ambassador),
        ("Adapter", Self::Adapter),
        ("Init", Self::Init),
    ];
}

impl Pattern {
    /// The name that templates use.
    pub(crate) fn name(self) -> &'static str {
        self.word()
    }
}

/// The name that no parameter has: a pod's annotation by it names the app containers of one template.
pub(crate) const CONTAINERS_PARAMETER: &str = "containers";

/// Fields that the API server refuses on an init container that is not a sidecar.
pub(crate) const FORBIDDEN_ON_INIT_CONTAINERS: [&str; 5] = [
    "lifecycle",
    "livenessProbe",
    "readinessProbe",
    "resizePolicy",
    "startupProbe",
];

/// How sidecars are placed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Placement {
    /// Native where every kubelet surely knows it, else classic.
    #[default]
    Auto,
    /// As init containers with `restartPolicy: Always` (KEP-753).
    Native,
    /// As regular containers.
    Classic,
}

impl Word for Placement {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("Auto", Self::Auto),
        ("Native", Self::Native),
        ("Classic", Self::Classic),
    ];
}

/// Which fields a container of the user's with an injected one's name may set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Override {
    /// All fields.
    #[default]
    Everything,
    /// These fields of the container.
    Fields(BTreeSet<String>),
}

impl Override {
    /// Whether this field of the container may be set.
    pub(crate) fn allows(&self, field: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Fields(fields) => fields.contains(field),
        }
    }
}

/// A named condition for a template to apply to a pod.
#[derive(Debug, Clone)]
pub(crate) struct MatchCondition {
    /// The name, which is the reason when it is false.
    pub(crate) name: String,
    pub(crate) condition: Condition,
}

/// A condition without which a pod is refused.
#[derive(Debug, Clone)]
pub(crate) struct Validation {
    pub(crate) condition: Condition,
    /// What the person is told; text with expressions.
    pub(crate) message: Fragment,
}

/// A container that a template adds.
#[derive(Debug, Clone)]
pub(crate) struct ContainerTemplate {
    pub(crate) name: String,
    /// Whether the app starts only after it is ready.
    pub(crate) wait_for_ready: bool,
    /// The startup probe that it is waited with, once it was made of a constant readiness probe; `None`:
    /// that has no handler.
    pub(crate) startup_probe: OnceLock<Option<Arc<Constant>>>,
    pub(crate) body: Fragment,
    pub(crate) origin: Arc<Origin>,
}

/// How a generated file's tree is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TreeFormat {
    Json,
    /// YAML in block style, every string quoted.
    Yaml,
}

#[derive(Debug, Clone)]
pub(crate) struct FileTemplate {
    /// The file's name in the volume.
    pub(crate) name: String,
    /// The key of the annotation that carries it.
    pub(crate) key: String,
    /// The item of the `downwardAPI` source that shows it.
    pub(crate) item: Value,
    /// How a value that is not text is written.
    pub(crate) format: Option<TreeFormat>,
    /// The content: text, or a tree.
    pub(crate) content: Fragment,
}

/// The generated files of a volume.
#[derive(Debug, Clone)]
pub(crate) struct FilesTemplate {
    /// Kept where this is true.
    pub(crate) when: Option<Condition>,
    pub(crate) files: Vec<FileTemplate>,
    /// The `downwardAPI` source that shows all of them.
    pub(crate) source: Arc<Constant>,
}

/// A volume that a template adds, or takes over from the app.
#[derive(Debug, Clone)]
pub(crate) struct VolumeTemplate {
    /// Its name inside the template.
    pub(crate) name: String,
    /// Its name in the pod: `<template>-<name>`.
    pub(crate) emitted: String,
    /// The same as the value of the volume's field `name`.
    pub(crate) emitted_value: Arc<Constant>,
    /// Kept where this is true.
    pub(crate) when: Option<Condition>,
    /// `adopt.mountPath`: the app's own volume at this path is used where it has one.
    pub(crate) adopt: Option<Fragment>,
    pub(crate) files: Option<FilesTemplate>,
    /// The volume's own source: an object without `name`; `None` where it has none.
    pub(crate) source: Option<Fragment>,
    pub(crate) origin: Arc<Origin>,
}

#[derive(Debug, Clone, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a field of the document with two choices"
)]
pub struct Template {
    /// Its name.
    pub name: String,
    /// The namespace that it is for; `None`: the whole cluster.
    pub namespace: Option<String>,
    /// A short digest of its content: the same content has the same revision everywhere.
    pub revision: String,
    pub(crate) pattern: Pattern,
    /// What its author says of it.
    pub description: String,
    /// Its parameters, each after those that its computed default reads.
    pub(crate) parameters: Vec<Parameter>,
    /// Whether everything is computed and nothing applied.
    pub(crate) shadow: bool,
    /// Whether no pod in a mandatory namespace gets around it.
    pub(crate) mandatory: bool,
    /// What a same-named container of the user's may set.
    pub(crate) overridable: Override,
    /// Whether a namespace's template of this name replaces it there.
    pub(crate) shadowable: bool,
    /// How its sidecars are placed.
    pub(crate) placement: Placement,
    /// Whether a pod that must end is refused, not skipped, where only a classic sidecar is possible.
    pub(crate) denies_ending_pods: bool,
    /// Its place in the composition; above 0: after the pod's own init containers.
    pub(crate) order: i64,
    /// The Pod Security level that it needs, where its author says so.
    pub(crate) pod_security_level: Option<PodSecurityLevel>,
    /// What follows from findings about it, where its author chose.
    pub(crate) findings: Policies,
    /// The pods that it applies to without being asked for.
    pub(crate) selector: Option<Selector>,
    /// Conditions to apply; the first false one is the reason to skip.
    pub(crate) match_conditions: Vec<MatchCondition>,
    /// Conditions to accept the pod.
    pub(crate) validations: Vec<Validation>,
    /// Named expressions; each may read those before it.
    pub(crate) variables: Vec<(String, Expression)>,
    /// Containers beside the app.
    pub(crate) sidecars: Vec<ContainerTemplate>,
    /// Containers before the app.
    pub(crate) init_containers: Vec<ContainerTemplate>,
    pub(crate) volumes: Vec<VolumeTemplate>,
    /// What each selected app container gets.
    pub(crate) app: Option<Fragment>,
    pub(crate) labels: Option<Fragment>,
    pub(crate) annotations: Option<Fragment>,
    /// Other fields of the pod's spec.
    pub(crate) pod: Option<Fragment>,
    /// All that its expressions read.
    pub(crate) reads: Reads,
    /// What its regular expressions take in memory.
    pub(crate) pattern_bytes: usize,
}

impl Template {
    /// The containers that the template adds: init containers, then sidecars.
    pub(crate) fn helpers(&self) -> impl Iterator<Item = &ContainerTemplate> {
        self.init_containers.iter().chain(&self.sidecars)
    }

    /// Whether it adds a container of this name.
    pub(crate) fn has_helper(&self, name: &str) -> bool {
        self.helpers().any(|container| container.name == name)
    }

    /// Whether it sets a field of this name of the pod's spec.
    pub(crate) fn sets_pod_field(&self, name: &str) -> bool {
        let pod = self.pod.as_ref();
        pod.is_some_and(|pod| pod.has_field(name))
    }

    /// The parameter that annotations call by this name.
    pub(crate) fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters
            .iter()
            .find(|parameter| parameter.name == name)
    }

    /// The prefix of this template's parameters in annotations: `<template>.pillion.dev/`.
    pub(crate) fn annotation_prefix(&self) -> String {
        format!("{}{PARAMETER_INFIX}", self.name)
    }
}
