//! Containers that a template adds, and what it gives the app's.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use super::fragment::{self, CompileScope, WHEN, origin};
use super::reader::{any_entries, boolean, items, join, label};
use super::{Errors, validity};
use crate::kubernetes::fields;
use crate::template::compiled::{
    ContainerTemplate, FORBIDDEN_ON_INIT_CONTAINERS, Pattern, Template,
};
use crate::template::fragment::{Fragment, Slot};
use crate::template::node::{Node, NodeValue};
use crate::template::shape::{LONGEST_LABEL, WAIT_FOR_READY};
use crate::wording::did_you_mean;

pub(super) fn containers(
    errors: &mut Errors<'_>,
    spec: &Node,
    template: &mut Template,
    meaning: CompileScope<'_>,
) {
    let mut names = BTreeSet::new();
    let default_wait = template.pattern == Pattern::Ambassador;
    for (field, is_sidecar) in [("initContainers", false), ("sidecars", true)] {
        let Some(list) = spec.get(field) else {
            continue;
        };
        let path = join("spec", field);
        for (index, item) in items(errors, list, &path).iter().enumerate() {
            let path = format!("{path}[{index}]");
            let Some(container) = container(errors, item, &path, is_sidecar, meaning) else {
                continue;
            };
            if !names.insert(container.name.clone()) {
                let message = format!("duplicate container name `{}`", container.name);
                errors.add(item.place, &path, message);
            }
            if is_sidecar {
                let wait = wait_for_ready(errors, item, &path, &container.body, default_wait);
                template.sidecars.push(ContainerTemplate {
                    wait_for_ready: wait,
                    ..container
                });
            } else {
                template.init_containers.push(container);
            }
        }
    }
}

fn container(
    errors: &mut Errors<'_>,
    node: &Node,
    path: &str,
    is_sidecar: bool,
    meaning: CompileScope<'_>,
) -> Option<ContainerTemplate> {
    let entries = any_entries(errors, node, path);
    for entry in entries {
        if let Some(reason) = refused(&entry.key, is_sidecar) {
            let message = format!("`{}` cannot stand here: {reason}", entry.key);
            errors.add(entry.place, &join(path, &entry.key), message);
        }
    }
    let Some(name_node) = node.get("name") else {
        errors.add(node.place, path, "the field `name` is required");
        return None;
    };
    if name_node.text().is_some_and(|name| name.contains("${")) {
        let message = "the name of a container is literal, so that pods can name it to override it";
        errors.add(name_node.place, &join(path, "name"), message);
        return None;
    }
    let name = label(errors, name_node, &join(path, "name"), LONGEST_LABEL)?;
    if node.get("image").is_none() {
        errors.add(node.place, path, "the field `image` is required");
    }
    validity::container(errors, node, path);
    let mut fields = entries.to_vec();
    fields.retain(|entry| entry.key != WAIT_FOR_READY.name);
    let own = Node {
        value: NodeValue::Map(fields),
        place: node.place,
    };
    Some(ContainerTemplate {
        name,
        wait_for_ready: false,
        startup_probe: OnceLock::new(),
        body: fragment::compile(errors, &own, path, &Slot::object("Container"), meaning)?,
        origin: origin(node.place, path),
    })
}

/// Why a field cannot stand in a container of a template.
fn refused(field: &str, is_sidecar: bool) -> Option<&'static str> {
    match field {
        "restartPolicy" | "restartPolicyRules" => {
            Some("Pillion decides it: see `lifecycle` and `initContainers`")
        }
        _ if is_sidecar => None,
        _ if field == WAIT_FOR_READY.name => Some("only a sidecar can be waited for"),
        _ if FORBIDDEN_ON_INIT_CONTAINERS.contains(&field) => {
            Some("the API server refuses it on an init container; use `sidecars`")
        }
        _ => None,
    }
}

/// Whether the app waits for a sidecar: what the template says, else so for an Ambassador that has
/// a probe to wait for.
fn wait_for_ready(
    errors: &mut Errors<'_>,
    node: &Node,
    path: &str,
    body: &Fragment,
    default: bool,
) -> bool {
    let has_probe = ["readinessProbe", "startupProbe"]
        .iter()
        .any(|field| match body {
            Fragment::Constant(constant) => constant.value().get(field).is_some(),
            _ => body.field(field).is_some(),
        });
    let Some(said) = node.get(WAIT_FOR_READY.name) else {
        return default && has_probe;
    };
    let path = join(path, WAIT_FOR_READY.name);
    let wait = boolean(errors, said, &path).unwrap_or(false);
    if wait && !has_probe {
        let message = "there is nothing to wait for: give the sidecar a `readinessProbe`";
        errors.add(said.place, &path, message);
    }
    wait
}

/// Compiles `app`: once for each app container that may be edited, which is `self`.
pub(super) fn app(errors: &mut Errors<'_>, node: &Node, meaning: CompileScope<'_>) -> Fragment {
    let path = "spec.app";
    let condition = fragment::when(errors, node, path, meaning.scope);
    let slot = Slot::object("Container");
    let known = fields::for_app();
    let mut parts = Vec::new();
    for entry in any_entries(errors, node, path)
        .iter()
        .filter(|entry| entry.key != WHEN)
    {
        let path = join(path, &entry.key);
        if !known.contains(&entry.key.as_str()) {
            let hint = did_you_mean(&entry.key, known.iter().copied());
            let message = format!(
                "`{}` of an app container cannot be set{hint}; the fields that can are {}",
                entry.key,
                known.join(", ")
            );
            errors.add(entry.place, &path, message);
            continue;
        }
        if let Some(slot) = slot.field(&entry.key)
            && let Some(part) = fragment::compile(errors, &entry.value, &path, &slot, meaning)
        {
            parts.push((entry.key.as_str().into(), part));
        }
    }
    validity::container(errors, node, path);
    fragment::guarded(Fragment::Object(parts), condition)
}
