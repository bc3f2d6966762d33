//! What the API server asks across the parts of a pod (k8s:pkg/apis/core/validation/validation.go),
//! where a template brings one of them.
//!
//! Single fields are checked when a template is loaded and evaluated (`kubernetes::validity`). What is
//! here holds between a template's part and another's, so that only the whole pod shows it. A pod that
//! is invalid by the user's own part alone is refused with or without templates, and not named here.

mod resources;
mod volumes;

use super::CheckContext;
use super::pod::{Container, Mount, Place, Pod, text};
use crate::finding::{Code, Finding};
use crate::kubernetes::paths;
use crate::wording::did_you_mean;

pub(super) fn check(pod: &Pod<'_>, with: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    for container in pod.all() {
        volumes::check(pod, container, findings);
        resources::check(pod, container, findings);
        findings.extend(native_sidecar(with, container));
        findings.extend(device_and_mount(with, container));
        findings.extend(resize(pod, container));
        findings.extend(proc_mount(pod, container));
        findings.extend(host_port(pod, container));
    }
}

/// What the pod has of a kind, where a container names one that it has not.
fn what_is_there(kind: &str, names: &[&str], wanted: &str) -> String {
    if names.is_empty() {
        return format!("the pod has no {kind}");
    }
    let hint = did_you_mean(wanted, names.iter().copied());
    format!("the pod has {}{hint}", names.join(", "))
}

fn invalid(path: String, message: String, by: Option<&str>) -> Option<Finding> {
    by.map(|by| Finding::new(Code::PodInvalid, path, message).of(Some(by)))
}

/// The first minor version that knows native sidecars (KEP-753). An older API server drops the
/// `restartPolicy` of an init container, and the app would wait for it to end.
const FIRST_NATIVE_MINOR: u32 = 28;

/// A native sidecar where the API server knows none.
fn native_sidecar(with: &CheckContext<'_>, container: &Container<'_>) -> Option<Finding> {
    let is_native = matches!(container.place, Place::Init(_)) && container.runs_beside();
    if !is_native || with.kubernetes_minor >= FIRST_NATIVE_MINOR {
        return None;
    }
    let message = format!(
        "{} is a native sidecar, and Kubernetes 1.{} knows none: the app would wait for it to end; \
         give the template `lifecycle: Auto` or `Classic`, or update the cluster to \
         1.{FIRST_NATIVE_MINOR} or newer",
        container.title(),
        with.kubernetes_minor
    );
    let path = format!("{}.restartPolicy", container.place);
    invalid(path, message, container.added_by)
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
                    "{volumes: [{name: a, emptyDir: {}}, {name: b, persistentVolumeClaim: {claimName: b}}], containers: [{name: t-p, volumeMounts: [{name: a, mountPath: /x}], volumeDevices: [{name: b, devicePath: /x}]}]}",
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
    fn devices_and_files_are_of_volumes_that_have_them() {
        let device = |volumes: &str| {
            format!(
                "{{volumes: [{volumes}], containers: [{{name: t-p, volumeDevices: [{{name: a, devicePath: /x}}]}}]}}"
            )
        };
        let file = |volumes: &str| {
            format!(
                "{{volumes: [{volumes}], containers: [{{name: t-p, env: [{{name: A, valueFrom: {{fileKeyRef: {{volumeName: a, path: x, key: K}}}}}}]}}]}}"
            )
        };
        table(
            check,
            &[
                (device(""), "t VolumeNotFound"),
                (device("{name: a, emptyDir: {}}"), "t PodInvalid"),
                (device("{name: a, ephemeral: {}}"), ""),
                (file("{name: b, emptyDir: {}}"), "t VolumeNotFound"),
                (file("{name: a, configMap: {name: a}}"), "t PodInvalid"),
                (file("{name: a, emptyDir: {}}"), ""),
                (
                    "containers: [{name: app, env: [{name: A, valueFrom: {fileKeyRef: {volumeName: a}}}], volumeDevices: [{name: a, devicePath: /x}]}]".to_owned(),
                    "",
                ),
            ],
        );
    }

    #[test]
    fn resources_are_whole_with_what_the_user_has() {
        let of = |resources: &str| {
            format!(
                "{{resourceClaims: [{{name: gpu}}], containers: [{{name: t-p, resources: {{{resources}}}}}]}}"
            )
        };
        table(
            check,
            &[
                (of("claims: [{name: gpu}]"), ""),
                (of("claims: [{name: gp}]"), "t PodInvalid"),
                (of("requests: {example.com/x: 1}"), "t PodInvalid"),
                (
                    of("requests: {example.com/x: 1}, limits: {example.com/x: 2}"),
                    "t PodInvalid",
                ),
                (
                    of("requests: {example.com/x: 1}, limits: {example.com/x: 1}"),
                    "",
                ),
                (of("requests: {cpu: 2}, limits: {cpu: 1}"), "t PodInvalid"),
                (of("requests: {cpu: 1}, limits: {cpu: 2}"), ""),
                (of("limits: {hugepages-2Mi: 2Mi}"), "t PodInvalid"),
                (of("limits: {hugepages-2Mi: 2Mi, cpu: 1}"), ""),
                (
                    "containers: [{name: app, resources: {claims: [{name: gpu}]}}]".to_owned(),
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
