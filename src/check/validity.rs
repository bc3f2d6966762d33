//! What the API server asks across the parts of a pod (k8s:pkg/apis/core/validation/validation.go),
//! where a template brings one of them.
//!
//! Single fields are checked when a template is loaded and evaluated (`kubernetes::validity`). What is
//! here holds between a template's part and another's, so that only the whole pod shows it. A pod that
//! is invalid by the user's own part alone is refused with or without templates, and not named here.

use super::CheckContext;
use super::pod::{Container, Mount, Place, Pod};
use crate::finding::{Code, Finding};
use crate::kubernetes::paths;
use crate::review::Text;
use crate::wording::did_you_mean;

pub(super) fn check(pod: &Pod<'_>, with: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    for container in pod.all() {
        findings.extend(missing_volumes(pod, container));
        findings.extend(device_and_mount(with, container));
        findings.extend(resize(pod, container));
        findings.extend(proc_mount(pod, container));
        findings.extend(host_port(pod, container));
    }
}

fn text<'t>(text: Option<&'t Text<'_>>) -> &'t str {
    text.map(Text::as_str).unwrap_or_default()
}

fn invalid(path: String, message: String, by: Option<&str>) -> Option<Finding> {
    by.map(|by| Finding::new(Code::PodInvalid, path, message).of(Some(by)))
}

/// Mounts of volumes that the pod does not have.
fn missing_volumes<'p>(
    pod: &'p Pod<'_>,
    container: &'p Container<'_>,
) -> impl Iterator<Item = Finding> + 'p {
    let mounts = container.mounts.iter().enumerate();
    mounts.filter_map(|(index, mount)| {
        let name = text(mount.name.as_ref());
        if mount.by.is_none() || pod.volume(name).is_some() {
            return None;
        }
        let names: Vec<&str> = pod.volumes.iter().map(|volume| volume.name).collect();
        let known = if names.is_empty() {
            "the pod has no volumes".to_owned()
        } else {
            let hint = did_you_mean(name, names.iter().copied());
            format!("the pod has {}{hint}", names.join(", "))
        };
        let title = container.title();
        let path = format!("{}.volumeMounts[{index}].name", container.place);
        let message =
            format!("{title} mounts volume `{name}`, and the pod has none of that name: {known}");
        let logged = format!("{title} mounts a volume that the pod does not have");
        let finding = Finding::new(Code::VolumeNotFound, path, message);
        Some(finding.of(mount.by).logged_as(logged))
    })
}

/// A volume that a container has both as files and as a block device, or at the device's path.
fn device_and_mount(with: &CheckContext<'_>, container: &Container<'_>) -> Option<Finding> {
    let clashes = |mount: &&Mount<'_>| {
        container.volume_devices.iter().any(|device| {
            text(device.name.as_ref()) == text(mount.name.as_ref())
                || paths::is_same(text(device.device_path.as_ref()), mount.path())
        })
    };
    let mount = container.mounts.iter().find(clashes)?;
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
        let own = port.host_port.filter(|number| *number != 0);
        port.by.is_some() && own.is_some_and(|own| port.container_port != Some(own))
    })?;
    let message = format!(
        "{} has hostPort {} for its port {}, and on the node's network (hostNetwork) both must be equal",
        container.title(),
        port.host_port.unwrap_or_default(),
        port.container_port.unwrap_or_default()
    );
    let path = format!("{}.ports[{index}].hostPort", container.place);
    invalid(path, message, port.by)
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::check::test_support::{found_with, table};

    #[test]
    fn what_a_template_brings_fits_what_the_user_has() {
        table(
            check,
            &[
                (
                    "{restartPolicy: Never, containers: [{name: t-p, resizePolicy: [{resourceName: cpu, restartPolicy: RestartContainer}]}]}",
                    "t PodInvalid",
                ),
                (
                    "{restartPolicy: Never, containers: [{name: t-p, resizePolicy: [{resourceName: cpu, restartPolicy: NotRequired}]}]}",
                    "",
                ),
                (
                    "{restartPolicy: OnFailure, containers: [{name: t-p, resizePolicy: [{resourceName: cpu, restartPolicy: RestartContainer}]}]}",
                    "",
                ),
                (
                    "containers: [{name: t-p, securityContext: {procMount: Unmasked}}]",
                    "t PodInvalid",
                ),
                (
                    "{hostUsers: false, containers: [{name: t-p, securityContext: {procMount: Unmasked}}]}",
                    "",
                ),
                (
                    "{hostNetwork: true, containers: [{name: t-p, ports: [{containerPort: 80, hostPort: 81}]}]}",
                    "t PodInvalid",
                ),
                (
                    "{hostNetwork: true, containers: [{name: t-p, ports: [{containerPort: 80, hostPort: 80}]}]}",
                    "",
                ),
                (
                    "{volumes: [{name: a, emptyDir: {}}], containers: [{name: t-p, volumeMounts: [{name: a, mountPath: /x}], volumeDevices: [{name: b, devicePath: /x}]}]}",
                    "t PodInvalid",
                ),
                (
                    "containers: [{name: app, securityContext: {procMount: Unmasked}}]",
                    "",
                ),
            ],
        );
    }

    #[test]
    fn a_volume_that_is_not_there_has_its_nearest_name() {
        let pod = "{volumes: [{name: spire, emptyDir: {}}], containers: [{name: t-p, volumeMounts: [{name: spier, mountPath: /x}]}]}";
        let found = found_with(check, pod, |_, _| {});
        assert_eq!(
            found[0].to_string(),
            "VolumeNotFound: `t-p` (template t) mounts volume `spier`, and the pod has none of that \
             name: the pod has spire; did you mean `spire`?"
        );
    }
}
