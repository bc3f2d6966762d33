//! What of a template is above the Pod Security level *baseline*.

use crate::kubernetes::keys::APP_ARMOR_PREFIX;
use crate::kubernetes::pod_security_level::BASELINE_CAPABILITIES;
use crate::template::compile::fragment::WHEN;
use crate::template::compile::reader::join;
use crate::template::node::{Node, NodeValue};

/// Volume sources that the level *baseline* allows everybody (Pod Security Standards, "HostPath
/// Volumes"), here those that a tenant's template may not use.
const NODE_SOURCES: [&str; 1] = ["hostPath"];
/// The parts of a template that become parts of a pod's spec.
const POD_PARTS: [&str; 5] = ["sidecars", "initContainers", "volumes", "app", "pod"];

/// What of a spec is above the level *baseline*, or may be, with its field paths.
pub(super) fn privileges(spec: &Node) -> Vec<(&Node, String)> {
    let mut found = Vec::new();
    for part in POD_PARTS {
        if let Some(node) = spec.get(part) {
            find_privilege(node, &join("spec", part), &mut found);
        }
    }
    found
}

fn is_confined(node: &Node) -> bool {
    let profile = node.text().unwrap_or_default();
    let known = profile == "runtime/default" || profile.starts_with("localhost/");
    known && !profile.contains("${")
}

/// Annotations that are privilege (Pod Security Standards, "`AppArmor`"), or may be, as an expression
/// decides which there are.
pub(super) fn annotated_privileges(spec: &Node) -> Vec<(&Node, String)> {
    let metadata = spec.get("metadata");
    let Some(annotations) = metadata.and_then(|metadata| metadata.get("annotations")) else {
        return Vec::new();
    };
    let path = "spec.metadata.annotations";
    if annotations.text().is_some() {
        return vec![(annotations, path.to_owned())];
    }
    let NodeValue::Map(entries) = &annotations.value else {
        return Vec::new();
    };
    entries
        .iter()
        .filter(|entry| entry.key.starts_with(APP_ARMOR_PREFIX) && !is_confined(&entry.value))
        .map(|entry| (&entry.value, join(path, &entry.key)))
        .collect()
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
                    // Said once: what is below belongs to it.
                    found.push((&entry.value, path));
                    continue;
                }
                find_privilege(&entry.value, &path, found);
            }
        }
        _ => {}
    }
}

fn is_privilege(key: &str, node: &Node) -> bool {
    let dynamic = node
        .text()
        .is_some_and(|text| text.contains("${") && !copies_from_app(key, text));
    match key {
        "privileged" | "hostProcess" => dynamic || node.value == NodeValue::Boolean(true),
        "hostPort" => dynamic || !matches!(node.value, NodeValue::Integer(0)),
        "procMount" => node.text() != Some("Default"),
        "sysctls" | "seLinuxOptions" => true,
        "securityContext" | "capabilities" | "windowsOptions" => dynamic,
        "ports" => dynamic || has_dynamic_items(node),
        // A handler that calls another host than the pod (Pod Security Standards, since 1.34).
        "host" => node.text().is_some_and(|host| !host.is_empty()),
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

/// Whether a value is `${app.…}` or `${self.…}` down to the field of the same name: what the user
/// gave the app is no privilege that the template adds.
fn copies_from_app(key: &str, text: &str) -> bool {
    let source = text.strip_prefix("${").and_then(|t| t.strip_suffix('}'));
    let mut steps = source.unwrap_or_default().trim().split('.');
    let from_app = matches!(steps.next(), Some("app" | "self"));
    let mut last = "";
    let plain = steps.all(|step| {
        last = step.strip_prefix('?').unwrap_or(step);
        !last.is_empty() && last.chars().all(|c| c.is_ascii_alphanumeric())
    });
    from_app && plain && last == key
}

fn has_dynamic_items(node: &Node) -> bool {
    let NodeValue::List(items) = &node.value else {
        return false;
    };
    items
        .iter()
        .any(|item| item.text().is_some_and(|text| text.contains("${")))
}
