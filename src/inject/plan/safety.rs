//! What would make the pod invalid as a whole: found before the patch is sent.
//!
//! A patched pod that validation refuses is refused with the API server's words, about fields that
//! the person never wrote. Here it is refused, or the template skipped, with the reason.

use std::borrow::Cow;

use serde_json::Value;

use super::Change;
use crate::inject::patch::Operation;
use crate::inject::pod::WorkingPod;

use crate::inject::verdict::{Reason, Refusal};
use crate::template::Template;
use crate::template::value::ReadObject;

/// Checks what a template adds against the pod as a whole.
pub(super) fn check(
    pod: &WorkingPod<'_>,
    template: &Template,
    change: &Change,
) -> Result<(), Refusal> {
    windows(pod, template, change)?;
    contradictions(pod, change)
}

/// A Windows pod takes no Linux security context (k8s validation, `validateWindows`).
fn windows(pod: &WorkingPod<'_>, template: &Template, change: &Change) -> Result<(), Refusal> {
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
        .any(|value| value.contains_key("securityContext"));
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
        let reason = if template.mandatory {
            Reason::PodForWindowsDenied
        } else {
            Reason::PodForWindows
        };
        return Err(Refusal::new(reason, message));
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
    if hosts_processes && wanted("/shareProcessNamespace").as_deref() == Some(&Value::Bool(true)) {
        let message = "the template shares the pod's process namespace, and the pod has hostPID";
        return Err(Refusal::new(Reason::Conflict, message));
    }
    let config = wanted("/dnsConfig")
        .map(Cow::into_owned)
        .or_else(|| pod.field("dnsConfig"));
    let without = wanted("/dnsPolicy").as_deref().and_then(Value::as_str) == Some("None");
    let servers = config
        .as_ref()
        .and_then(|config| config["nameservers"].as_array());
    if without && servers.is_none_or(Vec::is_empty) {
        let message = "the template sets dnsPolicy None, and the pod's own dnsConfig, which is \
                       kept, names no servers";
        return Err(Refusal::new(Reason::Conflict, message));
    }
    Ok(())
}
