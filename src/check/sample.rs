//! Pods for the tests of checks.
//!
//! Who added what follows from the names: `t-proxy`, `T_NAME` and a mount of volume `t-data` come
//! from template `t`, and what begins with `s` from template `s`, which composes after `t`.

use std::fmt::Write as _;

use serde_json::Value;

use super::pod::{Container, Pod};
use super::{CheckContext, NamespaceFacts, Settings};
use crate::finding::Finding;
use crate::template::compile::compile;
use crate::template::{Source, Template};

type Check = fn(&Pod<'_>, &CheckContext<'_>, &mut Vec<Finding>);

/// The template that a name shows.
fn owner(name: &str) -> Option<&'static str> {
    match name.to_ascii_lowercase().get(..2) {
        Some("t-" | "t_") => Some("t"),
        Some("s-" | "s_") => Some("s"),
        _ => None,
    }
}

fn template(name: &str) -> Template {
    let text = format!(
        "apiVersion: pillion.dev/v1alpha1\nkind: ClusterInjectionTemplate\n\
         metadata: {{name: {name}}}\nspec:\n  pattern: Ambassador\n  description: A test.\n  \
         sidecars: [{{name: {name}-x, image: 'x:1', ports: [{{containerPort: 1}}], readinessProbe: {{tcpSocket: {{port: 1}}}}}}]\n  \
         app: {{env: [{{name: X, value: localhost}}]}}\n"
    );
    let source = Source {
        path: "t.yaml".to_owned(),
        text,
    };
    let compiled = compile(&source).into_iter().next().unwrap();
    *compiled.result.unwrap()
}

/// What a check finds in a pod, given in YAML; `prepare` changes the view before.
pub fn found_with(
    check: Check,
    pod: &str,
    prepare: impl FnOnce(&mut Pod<'_>, &mut Settings),
) -> Vec<Finding> {
    let pod: Value = serde_saphyr::from_str(pod).unwrap();
    let pod = match pod.get("spec") {
        Some(_) => pod,
        None => serde_json::json!({"spec": pod}),
    };
    let mut view = Pod::read(&pod, &|name| owner(name));
    let containers = view.init_containers.iter_mut().chain(&mut view.containers);
    containers
        .filter(|container| container.added_by.is_none())
        .for_each(mark);
    let mut settings = Settings::default();
    prepare(&mut view, &mut settings);
    let templates = [template("t"), template("s")];
    let templates: Vec<&Template> = templates.iter().collect();
    let labels = std::collections::BTreeMap::new();
    let with = CheckContext {
        settings: &settings,
        kubernetes_minor: 37,
        surroundings: NamespaceFacts {
            namespace: "default",
            labels: &labels,
            limit_ranges: &[],
            quotas: &[],
            pulling_accounts: &std::collections::BTreeSet::new(),
            user: None,
        },
        templates: &templates,
    };
    let mut findings = Vec::new();
    check(&view, &with, &mut findings);
    findings
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

/// What a check finds, as `template Code` or `- Code`.
pub fn found(check: Check, pod: &str) -> Vec<String> {
    short(&found_with(check, pod, |_, _| {}))
}

/// Findings as `template Code` or `- Code`.
pub fn short(findings: &[Finding]) -> Vec<String> {
    let line = |finding: &Finding| {
        let template = finding.template.as_deref().unwrap_or("-");
        format!("{template} {}", finding.code)
    };
    findings.iter().map(line).collect()
}

/// Fails for each pod of a table in which a check finds something else than it says; what is
/// expected is one text, its lines separated by commas.
pub fn table(check: Check, cases: &[(&str, &str)]) {
    let mut failures = String::new();
    for (pod, expected) in cases {
        let found = found(check, pod).join(", ");
        if found != *expected {
            let _ = writeln!(
                failures,
                "{pod}\n  expected: {expected}\n  found:    {found}"
            );
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
}
