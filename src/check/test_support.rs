//! Pods, templates and namespaces for the tests of checks.
//!
//! Who added what follows from the names: container `t-proxy`, variable `T_NAME` and a mount of volume
//! `t-data` come from template `t`; likewise `s`, `mesh` and `logs`. `t` composes before `s`, and
//! `mesh` before `logs`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::pod::{Container, Pod};
use super::resources::{LimitRange, Quota};
use super::{CheckContext, NamespaceFacts, Settings};
use crate::finding::Finding;
use crate::template::compile::compile;
use crate::template::{Source, Template};

type Check = fn(&Pod<'_>, &CheckContext<'_>, &mut Vec<Finding>);

/// The template that a name shows.
fn owner(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let start = name.split(['-', '_']).next().filter(|start| *start != name);
    ["t", "s", "mesh", "logs"]
        .into_iter()
        .find(|template| start == Some(template))
}

fn template(name: &str, spec: &str) -> Template {
    let source = Source {
        path: "test.yaml".to_owned(),
        text: format!(
            "apiVersion: pillion.dev/v1alpha1\nkind: ClusterInjectionTemplate\n\
             metadata: {{name: {name}}}\nspec:\n{spec}"
        ),
    };
    let compiled = compile(&source).into_iter().next().unwrap();
    *compiled.result.unwrap()
}

/// What pods are checked with.
pub(super) struct Scene {
    templates: Vec<Template>,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) limit_ranges: Vec<LimitRange>,
    pub(super) quotas: Vec<Quota>,
    pub(super) pulling_accounts: BTreeSet<String>,
    pub(super) settings: Settings,
    pub(super) kubernetes_minor: u32,
    pub(super) user: Option<&'static str>,
}

impl Scene {
    fn with(templates: Vec<Template>) -> Self {
        Self {
            templates,
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            limit_ranges: Vec::new(),
            quotas: Vec::new(),
            pulling_accounts: BTreeSet::new(),
            settings: Settings::default(),
            kubernetes_minor: 37,
            user: None,
        }
    }

    /// A namespace in which `mesh` and `logs` were applied.
    pub(super) fn new() -> Self {
        Self::with(Vec::from(["mesh", "logs"].map(|name| {
            let labels = format!("  metadata: {{labels: {{by: {name}}}}}\n");
            template(name, &format!("  podSecurityLevel: privileged\n{labels}"))
        })))
    }

    /// A namespace in which the Ambassadors `t` and `s` were applied.
    pub(super) fn ambassadors() -> Self {
        Self::with(Vec::from(["t", "s"].map(|name| {
            let sidecar = format!(
                "{{name: {name}-x, image: 'x:1', ports: [{{containerPort: 1}}], \
                 readinessProbe: {{tcpSocket: {{port: 1}}}}}}"
            );
            template(
                name,
                &format!(
                    "  pattern: Ambassador\n  description: A test.\n  sidecars: [{sidecar}]\n  \
                     app: {{env: [{{name: X, value: localhost}}]}}\n"
                ),
            )
        })))
    }

    /// The view of a pod.
    pub(super) fn pod(pod: &Value) -> Pod<'_> {
        let mut view = Pod::read(pod, &|name| owner(name));
        view.init_containers
            .iter_mut()
            .chain(&mut view.containers)
            .filter(|container| container.added_by.is_none())
            .for_each(mark);
        view
    }

    /// What a check finds.
    pub(super) fn findings(&self, pod: &Pod<'_>, check: Check) -> Vec<Finding> {
        let templates: Vec<&Template> = self.templates.iter().collect();
        let with = CheckContext {
            settings: &self.settings,
            kubernetes_minor: self.kubernetes_minor,
            surroundings: NamespaceFacts {
                namespace: "shop",
                labels: &self.labels,
                annotations: &self.annotations,
                limit_ranges: &self.limit_ranges,
                quotas: &self.quotas,
                pulling_accounts: &self.pulling_accounts,
                user: self.user,
            },
            templates: &templates,
        };
        let mut findings = Vec::new();
        check(pod, &with, &mut findings);
        findings
    }

    /// What a check finds, as `CODE template path: message`.
    pub(super) fn found(&self, pod: &Pod<'_>, check: Check) -> Vec<String> {
        let line = |finding: Finding| {
            let by = finding.template.as_deref().unwrap_or("-");
            let (code, path, message) = (finding.code, &finding.path, &finding.message);
            format!("{code} {by} {path}: {message}")
        };
        self.findings(pod, check).into_iter().map(line).collect()
    }
}

fn mark(container: &mut Container<'_>) {
    for port in &mut container.ports {
        port.by = port.name.as_ref().and_then(|name| owner(name.as_str()));
    }
    for env in &mut container.env {
        env.by = env.name.as_ref().and_then(|name| owner(name.as_str()));
    }
    for mount in &mut container.mounts {
        mount.by = mount.name.as_ref().and_then(|name| owner(name.as_str()));
    }
}

/// What a check finds in a pod, or the spec of one, given in YAML; `prepare` changes the view before.
pub(super) fn found_with(
    check: Check,
    pod: &str,
    prepare: impl FnOnce(&mut Pod<'_>, &mut Settings),
) -> Vec<Finding> {
    let pod: Value = serde_saphyr::from_str(pod).unwrap();
    let pod = match pod.get("spec") {
        Some(_) => pod,
        None => json!({"spec": pod}),
    };
    let mut scene = Scene::ambassadors();
    let mut view = Scene::pod(&pod);
    prepare(&mut view, &mut scene.settings);
    scene.findings(&view, check)
}

/// Findings as `template CODE` or `- CODE`.
pub(super) fn short(findings: &[Finding]) -> Vec<String> {
    let line = |finding: &Finding| {
        let template = finding.template.as_deref().unwrap_or("-");
        format!("{template} {}", finding.code)
    };
    findings.iter().map(line).collect()
}

/// Fails for each pod of a table in which a check finds something else than it says; what is
/// expected is one text, its lines separated by commas.
pub(super) fn table(check: Check, cases: &[(impl AsRef<str>, &str)]) {
    let mut failures = String::new();
    for (pod, expected) in cases {
        let pod = pod.as_ref();
        let found = short(&found_with(check, pod, |_, _| {})).join(", ");
        if found != *expected {
            let _ = writeln!(
                failures,
                "{pod}\n  expected: {expected}\n  found:    {found}"
            );
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
}
