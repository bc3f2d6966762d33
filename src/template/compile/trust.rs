//! What a template may not do, whoever wrote it.
//!
//! A namespaced template comes from a tenant: nothing of the node, no other identity. And where a
//! template adds privilege above the Pod Security level *baseline*, a value that a pod may set
//! cannot reach what decides how that privilege is used.

use std::collections::BTreeSet;

use super::Errors;
use super::fragment::WHEN;
use super::reader::join;
use crate::template::compiled::Template;
use crate::template::expression::{Expression, Reads};
use crate::template::fragment::Fragment;
use crate::template::node::{Node, NodeValue};
use crate::template::parameter::Setter;

/// Volume sources that the level *baseline* allows everybody (Pod Security Standards, "HostPath
/// Volumes"), here those that a tenant's template may not use.
const NODE_SOURCES: [&str; 1] = ["hostPath"];
/// Capabilities that the level *baseline* lets containers add (Pod Security Standards).
const BASELINE_CAPABILITIES: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// Checks a compiled template against the rules of trust.
pub(super) fn check(errors: &mut Errors<'_>, spec: &Node, template: &Template) {
    let mut privileged = Vec::new();
    find_privilege(spec, "spec", &mut privileged);
    if template.namespace.is_some() {
        for (node, path) in &privileged {
            let message = "an InjectionTemplate adds no privilege above the level baseline; that \
                           takes a ClusterInjectionTemplate";
            errors.add(node.place, path, message);
        }
    }
    if !privileged.is_empty() {
        check_reach(errors, spec, template);
    }
}

/// Collects what is above the level *baseline*, or may be, as an expression decides it.
fn find_privilege<'n>(node: &'n Node, path: &str, found: &mut Vec<(&'n Node, String)>) {
    match &node.value {
        NodeValue::List(items) => {
            for (index, item) in items.iter().enumerate() {
                find_privilege(item, &format!("{path}[{index}]"), found);
            }
        }
        NodeValue::Map(entries) => {
            for entry in entries
                .iter()
                .filter(|entry| entry.key != WHEN && entry.key != "files")
            {
                let path = join(path, &entry.key);
                if is_privilege(&entry.key, &entry.value) {
                    found.push((&entry.value, path.clone()));
                }
                find_privilege(&entry.value, &path, found);
            }
        }
        _ => {}
    }
}

fn is_privilege(key: &str, node: &Node) -> bool {
    let dynamic = node.text().is_some_and(|text| text.contains("${"));
    match key {
        "privileged" | "hostProcess" => dynamic || node.value == NodeValue::Boolean(true),
        "hostPort" => dynamic || !matches!(node.value, NodeValue::Integer(0)),
        "procMount" => node.text() != Some("Default"),
        "sysctls" | "seLinuxOptions" => true,
        "securityContext" | "capabilities" => dynamic,
        key if NODE_SOURCES.contains(&key) => true,
        "seccompProfile" | "appArmorProfile" => {
            let ty = node.get("type").and_then(Node::text).unwrap_or_default();
            dynamic || ty == "Unconfined" || ty.contains("${")
        }
        "add" => match &node.value {
            NodeValue::List(items) => items.iter().any(|item| {
                item.text()
                    .is_some_and(|name| !BASELINE_CAPABILITIES.contains(&name))
            }),
            _ => dynamic,
        },
        _ => false,
    }
}

/// Refuses values that a pod may set in the fields that decide how privilege is used.
fn check_reach(errors: &mut Errors<'_>, spec: &Node, template: &Template) {
    let open = open_names(template);
    let mut refuse = |fragment: &Fragment, place: String| {
        fragment.expressions(&mut |expression| {
            if let Some(what) = reached_by(expression.reads(), &open) {
                let message = format!(
                    "this template adds privilege above the level baseline, so {what}, which a \
                     pod may set, cannot reach this field; give the parameter \
                     `setBy: [Namespace]` or a constant"
                );
                errors.add(spec.place, &place, message);
            }
        });
    };
    let containers = [
        ("initContainers", &template.init_containers),
        ("sidecars", &template.sidecars),
    ];
    for (list, containers) in containers {
        for container in containers {
            for field in ["image", "command", "args", "securityContext"] {
                if let Some(fragment) = container.body.field(field) {
                    refuse(
                        fragment,
                        format!("spec.{list}['{}'].{field}", container.name),
                    );
                }
            }
        }
    }
    for volume in &template.volumes {
        if let Some(source) = &volume.source {
            refuse(source, format!("spec.volumes['{}']", volume.name));
        }
    }
    if let Some(pod) = &template.pod {
        refuse(pod, "spec.pod".to_owned());
    }
    if let Some(security) = template
        .app
        .as_ref()
        .and_then(|app| app.field("securityContext"))
    {
        refuse(security, "spec.app.securityContext".to_owned());
    }
}

/// Parameters and variables whose value a pod may decide, by their names in expressions.
struct OpenNames {
    parameters: BTreeSet<String>,
    variables: BTreeSet<String>,
}

fn open_names(template: &Template) -> OpenNames {
    let mut open = OpenNames {
        parameters: BTreeSet::new(),
        variables: BTreeSet::new(),
    };
    for parameter in &template.parameters {
        let mut by_default = false;
        if let Some(default) = &parameter.default {
            default.expressions(&mut |e| by_default |= reached_by(e.reads(), &open).is_some());
        }
        if by_default || parameter.set_by.contains(&Setter::Pod) {
            open.parameters.insert(parameter.expression_name());
        }
    }
    for (name, expression) in &template.variables {
        if reached_by(Expression::reads(expression), &open).is_some() {
            open.variables.insert(name.clone());
        }
    }
    open
}

/// What of these reads a pod may decide, in words.
fn reached_by(reads: &Reads, open: &OpenNames) -> Option<String> {
    if let Some(name) = reads.parameters.intersection(&open.parameters).next() {
        return Some(format!("the parameter `{name}`"));
    }
    if let Some(name) = reads.variables.intersection(&open.variables).next() {
        return Some(format!("the variable `{name}`"));
    }
    let of_the_pod = [&reads.pod, &reads.app, &reads.apps, &reads.own];
    of_the_pod
        .iter()
        .any(|paths| !paths.is_empty())
        .then(|| "the pod itself".to_owned())
}
