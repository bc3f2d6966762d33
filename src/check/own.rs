//! The user's own multi-container mistakes: what is wrong with the pod whatever templates add.
//!
//! Each is a finding of nobody's template, so that no template can be blamed or left out for it. Where
//! a template takes part, the families beside this one find it and name the template.

use super::CheckContext;
use super::network;
use super::pod::{Container, Pod, Volume, text};
use crate::finding::{Code, Finding};

pub(super) fn check(pod: &Pod<'_>, _: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    findings.extend(same_port(pod));
    findings.extend(pod.all().filter_map(same_path));
    findings.extend(host_network(pod));
    findings.extend(shared_processes(pod));
    findings.extend(two_writers(pod));
    findings.extend(server_in_job(pod));
    super::lifecycle::own_hooks(pod, findings);
    super::storage::own_memory(pod, findings);
}

/// The user's containers that run side by side.
fn users<'p, 'a>(pod: &'p Pod<'a>) -> impl Iterator<Item = &'p Container<'a>> {
    pod.running()
        .filter(|container| container.added_by.is_none())
}

/// Whether the user says that a container listens.
fn listens(container: &Container<'_>) -> bool {
    container.ports.iter().any(|port| port.by.is_none())
}

fn same_port(pod: &Pod<'_>) -> Option<Finding> {
    let ports = || network::listed(pod).filter(|listed| listed.port.by.is_none());
    let (first, second) = ports().enumerate().find_map(|(index, port)| {
        let first = ports().take(index).find(|other| other.same_socket(&port))?;
        Some((first, port))
    })?;
    let message = format!(
        "port {} of {} is already bound by {}: the containers of a pod share one network, and the \
         second to start fails",
        second.label(),
        second.container.title(),
        first.container.title()
    );
    Some(Finding::new(Code::PortConflict, second.path(), message))
}

fn same_path(container: &Container<'_>) -> Option<Finding> {
    let mut mounts = container.mounts.iter().enumerate();
    let (index, mount) = mounts.find(|(index, mount)| {
        let mut before = container.mounts.iter().take(*index);
        mount.by.is_none() && before.any(|other| other.by.is_none() && other.is_at(mount))
    })?;
    let message = format!(
        "{} mounts two volumes at `{}`: one hides the other",
        container.title(),
        mount.path()
    );
    let path = format!("{}.volumeMounts[{index}]", container.place);
    Some(Finding::new(Code::MountConflict, path, message))
}

fn host_network(pod: &Pod<'_>) -> Option<Finding> {
    if !pod.spec.host_network {
        return None;
    }
    let mut listening = users(pod).filter(|container| listens(container));
    let (first, second) = (listening.next()?, listening.next()?);
    let message = format!(
        "{} and {} listen on the node itself (hostNetwork): their ports are open there, and clash \
         with those of every other pod on it",
        first.title(),
        second.title()
    );
    Some(Finding::new(
        Code::HostNetworkShared,
        "spec.hostNetwork",
        message,
    ))
}

fn shared_processes(pod: &Pod<'_>) -> Option<Finding> {
    let field = "shareProcessNamespace";
    if !pod.spec.share_process_namespace || pod.field_by(field).is_some() || users(pod).count() < 2
    {
        return None;
    }
    let message = "the containers see each other's processes, their environment and their files, and \
                   no image's program is process 1";
    let path = format!("spec.{field}");
    Some(Finding::new(Code::ProcessNamespaceShared, path, message))
}

/// Two containers that can write one whole volume.
fn two_writers(pod: &Pod<'_>) -> Option<Finding> {
    pod.volumes
        .iter()
        .filter(|volume| volume.added_by.is_none() && !volume.is_read_only())
        .find_map(|volume| {
            let mut writers = users(pod).filter(|container| writes(container, volume));
            let (first, second) = (writers.next()?, writers.next()?);
            let message = format!(
                "{} and {} can both write volume `{}`; mount it readOnly where it is only read",
                first.title(),
                second.title(),
                volume.name
            );
            Some(Finding::new(Code::SharedWrite, volume.path(), message))
        })
}

fn writes(container: &Container<'_>, volume: &Volume<'_>) -> bool {
    container.mounts.iter().any(|mount| {
        mount.by.is_none()
            && text(mount.name.as_ref()) == volume.name
            && mount.read_only != Some(true)
            && text(mount.sub_path.as_ref()).is_empty()
            && text(mount.sub_path_expr.as_ref()).is_empty()
    })
}

/// A server beside a task: the pod ends when both do, and the server never does.
fn server_in_job(pod: &Pod<'_>) -> Option<Finding> {
    if !pod.must_end {
        return None;
    }
    let (servers, tasks): (Vec<_>, Vec<_>) = pod
        .containers
        .iter()
        .filter(|container| container.added_by.is_none())
        .partition(|container| {
            let probes = ["readinessProbe", "livenessProbe"];
            let is_probed = container
                .probes()
                .any(|(field, _)| probes.contains(&field) && container.field_by(field).is_none());
            is_probed || listens(container)
        });
    let (server, task) = (servers.first()?, tasks.first()?);
    let message = format!(
        "{} looks like a server, and the pod ends only when it does, however long {} has ended: make \
         it an init container with restartPolicy: Always",
        server.title(),
        task.title()
    );
    Some(Finding::new(
        Code::SidecarKeepsJob,
        server.place.to_string(),
        message,
    ))
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::check::test_support::table;

    #[test]
    fn mistakes_of_the_users_own_are_nobodys_templates() {
        table(
            check,
            &[
                (
                    "containers: [{name: a, ports: [{containerPort: 80}]}, {name: b, ports: [{containerPort: 80}]}]",
                    "- PortConflict",
                ),
                (
                    "containers: [{name: a, ports: [{containerPort: 80}]}, {name: b, ports: [{containerPort: 80, protocol: UDP}]}]",
                    "",
                ),
                (
                    "containers: [{name: a, volumeMounts: [{name: one, mountPath: /d}, {name: two, mountPath: /d/}]}]",
                    "- MountConflict",
                ),
                (
                    "containers: [{name: a, volumeMounts: [{name: one, mountPath: /d}, {name: two, mountPath: /e}]}]",
                    "",
                ),
                (
                    "{hostNetwork: true, containers: [{name: a, ports: [{containerPort: 80}]}, {name: b, ports: [{containerPort: 81}]}]}",
                    "- HostNetworkShared",
                ),
                (
                    "{hostNetwork: true, containers: [{name: a, ports: [{containerPort: 80}]}]}",
                    "",
                ),
                (
                    "{shareProcessNamespace: true, containers: [{name: a}, {name: b}]}",
                    "- ProcessNamespaceShared",
                ),
                ("{shareProcessNamespace: true, containers: [{name: a}]}", ""),
                (
                    "{volumes: [{name: x, emptyDir: {}}], containers: [{name: a, volumeMounts: [{name: x, mountPath: /x}]}, {name: b, volumeMounts: [{name: x, mountPath: /y}]}]}",
                    "- SharedWrite",
                ),
                (
                    "{volumes: [{name: x, emptyDir: {}}], containers: [{name: a, volumeMounts: [{name: x, mountPath: /x, readOnly: true}]}, {name: b, volumeMounts: [{name: x, mountPath: /y}]}]}",
                    "",
                ),
                (
                    "{restartPolicy: Never, containers: [{name: task}, {name: proxy, ports: [{containerPort: 80}]}]}",
                    "- SidecarKeepsJob",
                ),
                (
                    "{restartPolicy: Never, containers: [{name: task}], initContainers: [{name: proxy, restartPolicy: Always, ports: [{containerPort: 80}]}]}",
                    "",
                ),
                // What a template adds says nothing about what the user's container is.
                (
                    "{restartPolicy: Never, containers: [{name: task, ports: [{name: t-x, containerPort: 80}]}, {name: wait}]}",
                    "",
                ),
                (
                    "{hostNetwork: true, containers: [{name: a, ports: [{containerPort: 80}]}, {name: b, ports: [{name: t-x, containerPort: 81}]}]}",
                    "",
                ),
                (
                    "containers: [{name: a, lifecycle: {preStop: {sleep: {seconds: 30}}}}]",
                    "- PreStopTooLong",
                ),
                (
                    "containers: [{name: t-p, lifecycle: {preStop: {sleep: {seconds: 30}}}}]",
                    "",
                ),
                (
                    "{volumes: [{name: x, emptyDir: {medium: Memory, sizeLimit: 2Gi}}], containers: [{name: a, resources: {limits: {memory: 1Gi}}, volumeMounts: [{name: x, mountPath: /x}]}]}",
                    "- MemoryVolumeOverLimit",
                ),
                (
                    "{volumes: [{name: x, emptyDir: {medium: Memory, sizeLimit: 1Mi}}], containers: [{name: a, resources: {limits: {memory: 1Gi}}, volumeMounts: [{name: x, mountPath: /x}]}]}",
                    "",
                ),
            ],
        );
    }
}
