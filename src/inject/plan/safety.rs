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

/// What a Windows pod may have in its security contexts; it takes no other field there, and no shared
/// process namespace (k8s validation, `validateWindows`).
const OF_WINDOWS: [&str; 2] = ["windowsOptions", "runAsNonRoot"];

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
        .filter_map(|value| value.get("securityContext"))
        .find_map(of_linux);
    let edits = change
        .edits
        .iter()
        .map(|(_, _, fill)| fill)
        .chain([&change.fields]);
    let in_edits = edits.flat_map(|fill| &fill.operations).find_map(in_edit);
    let Some(field) = in_containers.or(in_edits) else {
        return Ok(());
    };
    let message =
        format!("the pod runs on Windows, and the template sets {field}, a field of Linux");
    let reason = if template.mandatory {
        Reason::PodForWindowsDenied
    } else {
        Reason::PodForWindows
    };
    Err(Refusal::new(reason, message))
}

/// The first field of a security context that Windows does not have.
fn of_linux(context: &Value) -> Option<String> {
    let mut fields = context.as_object().into_iter().flatten();
    let (name, _) =
        fields.find(|(name, value)| !value.is_null() && !OF_WINDOWS.contains(&name.as_str()))?;
    Some(format!("securityContext.{name}"))
}

/// The field of Linux that an operation on the pod's spec, or on a container, sets.
fn in_edit(operation: &Operation) -> Option<String> {
    let mut steps = operation.path().split('/').skip(1);
    match (steps.next()?, steps.next()) {
        ("securityContext", None) => of_linux(&operation.value()),
        ("securityContext", Some(name)) if !OF_WINDOWS.contains(&name) => {
            Some(format!("securityContext.{name}"))
        }
        ("shareProcessNamespace", _) => Some("shareProcessNamespace".to_owned()),
        _ => None,
    }
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
