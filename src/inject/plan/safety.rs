//! What would make the pod invalid as a whole: found before the patch is sent.
//!
//! A patched pod that validation refuses is refused with the API server's words, about fields that
//! the person never wrote. Here it is refused, or the template skipped, with the reason.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Change;
use crate::finding::Code;
use crate::inject::lifecycle;
use crate::inject::patch::Operation;
use crate::inject::pod::{List, WorkingPod};
use crate::inject::refusal::Refusal;
use crate::inject::verdict::Reason;
use crate::template::Template;
use crate::template::quantity::Quantity;

/// Checks what a template adds against the pod as a whole.
pub(super) fn check(
    pod: &WorkingPod<'_>,
    template: &Template,
    change: &Change,
) -> Result<(), Refusal> {
    windows(pod, change)?;
    contradictions(pod, change)?;
    pod_resources(pod, template, change)
}

/// A Windows pod takes no Linux security context (k8s validation, `validateWindows`).
fn windows(pod: &WorkingPod<'_>, change: &Change) -> Result<(), Refusal> {
    let os = pod.field("os");
    let name = os
        .as_ref()
        .and_then(|os| os.get("name"))
        .and_then(Value::as_str);
    if name != Some("windows") {
        return Ok(());
    }
    let added = change.init_containers.iter().chain(&change.containers);
    let in_containers = added
        .into_iter()
        .any(|value| value.get("securityContext").is_some());
    let edits = change
        .edits
        .iter()
        .map(|(_, _, fill)| fill)
        .chain([&change.fields]);
    let in_edits = edits.flat_map(|fill| &fill.operations).any(|operation| {
        let path = operation.path();
        path.starts_with("/securityContext") || path.starts_with("/shareProcessNamespace")
    });
    if in_containers || in_edits {
        let message = "the pod runs on Windows, and the template sets a security context of Linux";
        return Err(Refusal::new(Reason::PodForWindows, message));
    }
    Ok(())
}

/// Fields that exclude each other (k8s validation, `validatePodSpec` and `validatePodDNSConfig`).
fn contradictions(pod: &WorkingPod<'_>, change: &Change) -> Result<(), Refusal> {
    let wanted = |path: &str| {
        let mut operations = change.fields.operations.iter();
        operations
            .find(|operation| operation.path() == path)
            .map(Operation::value)
    };
    let hosts_processes = pod.field("hostPID") == Some(Value::Bool(true));
    if hosts_processes && wanted("/shareProcessNamespace") == Some(&Value::Bool(true)) {
        let message = "the template shares the pod's process namespace, and the pod has hostPID";
        return Err(Refusal::new(Reason::Conflict, message));
    }
    let names_servers = |config: &Value| {
        let servers = config.get("nameservers").and_then(Value::as_array);
        servers.is_some_and(|servers| !servers.is_empty())
    };
    let config = wanted("/dnsConfig")
        .cloned()
        .or_else(|| pod.field("dnsConfig"));
    let without = wanted("/dnsPolicy").and_then(Value::as_str) == Some("None");
    if without && !config.is_some_and(|config| names_servers(&config)) {
        let message = "the template sets dnsPolicy None, and the pod's own dnsConfig, which is \
                       kept, names no servers";
        return Err(Refusal::new(Reason::Conflict, message));
    }
    Ok(())
}

/// Amounts by the names of resources.
type Amounts = BTreeMap<String, Quantity>;

/// What a container needs.
struct Needs {
    requests: Amounts,
    limits: Amounts,
    is_sidecar: bool,
}

impl Needs {
    fn of(container: &Value) -> Self {
        let policy = container.get("restartPolicy").and_then(Value::as_str);
        Self {
            requests: amounts(container, "requests"),
            limits: amounts(container, "limits"),
            is_sidecar: policy == Some("Always"),
        }
    }

    fn request(&self, name: &str) -> Quantity {
        self.requests
            .get(name)
            .copied()
            .unwrap_or_else(|| Quantity::from(0))
    }
}

/// The amounts of a container, or of the pod.
fn amounts(value: &Value, kind: &str) -> Amounts {
    let amounts = value
        .pointer(&format!("/resources/{kind}"))
        .and_then(Value::as_object);
    let amounts = amounts.into_iter().flatten();
    amounts
        .filter_map(|(name, value)| Some((name.clone(), Quantity::in_field(value)?)))
        .collect()
}

/// What the containers of a list need with the change, the added ones where they will stand.
fn needs(pod: &WorkingPod<'_>, list: List, change: &Change, added_at_front: bool) -> Vec<Needs> {
    let theirs = pod.list(list).iter().enumerate().map(|(index, element)| {
        let mut value = element.view().to_value();
        let edits = change
            .edits
            .iter()
            .filter(|(l, at, _)| (*l, *at) == (list, index));
        for operation in edits.flat_map(|(_, _, fill)| &fill.operations) {
            operation.apply(&mut value);
        }
        Needs::of(&value)
    });
    let added = match list {
        List::InitContainers => &change.init_containers,
        _ => &change.containers,
    };
    let added = added.iter().map(Needs::of);
    if added_at_front {
        added.chain(theirs).collect()
    } else {
        theirs.chain(added).collect()
    }
}

/// In a pod with resources of its own (KEP-2837), those of its containers together must fit into
/// them (k8s validation, `validatePodResourceConsistency`).
fn pod_resources(
    pod: &WorkingPod<'_>,
    template: &Template,
    change: &Change,
) -> Result<(), Refusal> {
    let Some(resources) = pod.field("resources") else {
        return Ok(());
    };
    let whole = Needs::of(&serde_json::json!({ "resources": resources }));
    let at_front = template.order <= 0;
    let steps = needs(pod, List::InitContainers, change, at_front);
    let containers = needs(pod, List::Containers, change, at_front);
    let too_much = |what: &str, name: &str, total: Quantity, most: Quantity| {
        let message = format!(
            "the pod's own resources leave no room: its containers would have a {what} of {total} \
             {name}, and the pod allows {most}; raise spec.resources"
        );
        Refusal::new(Reason::Finding(Code::PodResourcesExceeded), message)
    };
    for (name, most) in whole.requests {
        let apps = containers.iter().map(|container| container.request(&name));
        let steps = steps
            .iter()
            .map(|step| (step.request(&name), step.is_sidecar));
        let total = lifecycle::effective_request(apps, steps);
        if total > most {
            return Err(too_much("request", &name, total, most));
        }
    }
    for (name, most) in whole.limits {
        let limits = steps.iter().chain(&containers);
        let limits = limits.filter_map(|container| container.limits.get(&name));
        if let Some(limit) = limits.copied().find(|limit| *limit > most) {
            return Err(too_much("limit", &name, limit, most));
        }
    }
    Ok(())
}
