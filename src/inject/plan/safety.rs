//! What would make the pod invalid as a whole: found before the patch is sent.
//!
//! A patched pod that validation refuses is refused with the API server's words, about fields that
//! the person never wrote. Here it is refused, or the template skipped, with the reason.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Change;
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

type Amounts = BTreeMap<String, Quantity>;

/// The amounts of a container, or of the pod.
fn amounts(value: &Value, kind: &str) -> Amounts {
    let amounts = value
        .pointer(&format!("/resources/{kind}"))
        .and_then(Value::as_object);
    let quantity = |value: &Value| match value {
        Value::String(text) => text.parse().ok(),
        other => other.to_string().parse().ok(),
    };
    let amounts = amounts.into_iter().flatten();
    amounts
        .filter_map(|(name, value)| Some((name.clone(), quantity(value)?)))
        .collect()
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
    let whole = serde_json::json!({ "resources": resources });
    let values = |list: List| -> Vec<Value> {
        pod.list(list)
            .iter()
            .map(|element| element.view().to_value())
            .collect()
    };
    let containers: Vec<Value> = values(List::Containers)
        .into_iter()
        .chain(change.containers.clone())
        .collect();
    let mut steps = values(List::InitContainers);
    let at = if template.order <= 0 { 0 } else { steps.len() };
    steps.splice(at..at, change.init_containers.clone());
    let too_much = |name: &str, total: Quantity, most: Quantity| {
        let message = format!(
            "the pod's own resources leave no room: its containers would request {total} of {name} \
             together, and the pod allows {most}; raise spec.resources"
        );
        Refusal::new(Reason::PodResourcesExceeded, message)
    };
    for (name, most) in amounts(&whole, "requests") {
        let total = lifecycle::effective_request(&containers, &steps, |container| {
            amounts(container, "requests").get(&name).copied()
        });
        if total > most {
            return Err(too_much(&name, total, most));
        }
    }
    for (name, most) in amounts(&whole, "limits") {
        let added = change.init_containers.iter().chain(&change.containers);
        for container in added {
            if let Some(limit) = amounts(container, "limits").get(&name)
                && *limit > most
            {
                return Err(too_much(&name, *limit, most));
            }
        }
    }
    Ok(())
}
