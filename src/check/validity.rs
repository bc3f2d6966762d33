//! What the API server asks across the parts of a pod (k8s:pkg/apis/core/validation/validation.go),
//! where a template brings one of them.
//!
//! Single fields are checked when a template is loaded and evaluated (`kubernetes::validity`). What is
//! here holds between a template's part and another's, so that only the whole pod shows it. A pod that
//! is invalid by the user's own part alone is refused with or without templates, and not named here.

mod annotations;
mod resources;
mod sysctls;
mod versions;
mod volumes;
mod windows;

use super::CheckContext;
use super::pod::{Container, Place, Pod, PodSecurityContext, SecurityContext, text};
use crate::finding::{Code, Finding};
use crate::kubernetes::paths::{self, Relation};
use crate::wording::{did_you_mean, some};

pub(super) fn check(pod: &Pod<'_>, with: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    for container in pod.all() {
        volumes::check(pod, container, findings);
        resources::check(pod, container, findings);
        findings.extend(propagation(container));
        findings.extend(device_and_mount(with, container));
        findings.extend(resize(pod, container));
        findings.extend(proc_mount(pod, container));
        findings.extend(host_port(pod, container));
    }
    annotations::check(pod, with, findings);
    sysctls::check(pod, with, findings);
    versions::check(pod, with, findings);
    windows::check(pod, with, findings);
}

/// What the pod has of a kind, where a container names one that it has not.
fn what_is_there(kind: &str, names: &[&str], wanted: &str) -> String {
    if names.is_empty() {
        return format!("the pod has no {kind}");
    }
    let hint = did_you_mean(wanted, names.iter().copied());
    format!("the pod has {}{hint}", some(names.iter().copied()))
}

fn invalid(path: String, message: String, by: Option<&str>) -> Option<Finding> {
    by.map(|by| Finding::new(Code::PodInvalid, path, message).of(Some(by)))
}

/// The template that a container has a part of its security context from.
fn security_by<'a>(
    container: &Container<'a>,
    has: impl Fn(&SecurityContext<'_>) -> bool,
) -> Option<&'a str> {
    let by = container.field_by("securityContext");
    by.filter(|_| !container.security_before.as_ref().is_some_and(has))
}

/// The template that the pod has a part of its security context from.
fn pod_security_by<'a>(
    pod: &Pod<'a>,
    has: impl Fn(&PodSecurityContext<'_>) -> bool,
) -> Option<&'a str> {
    let by = pod.field_by("securityContext");
    by.filter(|_| !pod.spec.security_before.as_ref().is_some_and(has))
}

/// A mount whose own mounts the node sees too, in a container that is not privileged
/// (`validateMountPropagation`).
fn propagation(container: &Container<'_>) -> Option<Finding> {
    let mut mounts = container.mounts.iter().enumerate();
    let (index, mount) = mounts.find(|(_, mount)| {
        mount.by.is_some() && text(mount.mount_propagation.as_ref()) == "Bidirectional"
    })?;
    if container.security.privileged == Some(true) {
        return None;
    }
    let message = format!(
        "{} mounts volume `{}` with mountPropagation: Bidirectional, which only a privileged \
         container may",
        container.title(),
        text(mount.name.as_ref())
    );
    let path = format!("{}.volumeMounts[{index}].mountPropagation", container.place);
    invalid(path, message, mount.by)
}

/// A volume that a container has both as files and as a block device, or at the device's path.
fn device_and_mount(with: &CheckContext<'_>, container: &Container<'_>) -> Option<Finding> {
    let mount = container.volume_devices.iter().find_map(|device| {
        let path = paths::shortest(text(device.device_path.as_ref()));
        container.mounts.iter().find(|mount| {
            text(device.name.as_ref()) == text(mount.name.as_ref())
                || mount.relation(&path) == Relation::Same
        })
    })?;
    let by = with.later(mount.by, container.field_by("volumeDevices"));
    let message = format!(
        "{} mounts volume `{}` at `{}`, which its volumeDevices use already",
        container.title(),
        text(mount.name.as_ref()),
        mount.path()
    );
    invalid(format!("{}.volumeMounts", container.place), message, by)
}

/// A container that a resize restarts, in a pod that restarts none (`validateResizePolicy`).
fn resize(pod: &Pod<'_>, container: &Container<'_>) -> Option<Finding> {
    let is_never = text(pod.spec.restart_policy.as_ref()) == "Never";
    let mut policies = container.resize_policy.iter();
    let policy = policies
        .find(|policy| text(policy.restart_policy.as_ref()) == "RestartContainer")
        .filter(|_| is_never)?;
    let message = format!(
        "{} is restarted when its {} is resized (resizePolicy), and the pod's restartPolicy is Never",
        container.title(),
        text(policy.resource_name.as_ref())
    );
    let path = format!("{}.resizePolicy", container.place);
    invalid(path, message, container.field_by("resizePolicy"))
}

/// An unmasked `/proc` without a user namespace (`ValidateSecurityContext`).
fn proc_mount(pod: &Pod<'_>, container: &Container<'_>) -> Option<Finding> {
    let is_unmasked = text(container.security.proc_mount.as_ref()) == "Unmasked";
    if !is_unmasked || pod.spec.host_users == Some(false) {
        return None;
    }
    let message = format!(
        "{} has procMount: Unmasked, and the pod does not have hostUsers: false",
        container.title()
    );
    let path = format!("{}.securityContext.procMount", container.place);
    invalid(path, message, container.field_by("securityContext"))
}

/// On the node's network a regular container's hostPort is its own port.
fn host_port(pod: &Pod<'_>, container: &Container<'_>) -> Option<Finding> {
    if !pod.spec.host_network || !matches!(container.place, Place::Regular(_)) {
        return None;
    }
    let mut ports = container.ports.iter().enumerate();
    let (index, port) = ports.find(|(_, port)| {
        port.by.is_some() && port.host_port().is_some() && port.host_port() != port.container_port
    })?;
    let message = format!(
        "{} has hostPort {} for its port {}, and on the node's network (hostNetwork) both must be equal",
        container.title(),
        port.host_port().unwrap_or_default(),
        port.container_port.unwrap_or_default()
    );
    let path = format!("{}.ports[{index}].hostPort", container.place);
    invalid(path, message, port.by)
}

#[cfg(test)]
mod tests;
