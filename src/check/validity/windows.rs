//! Options for Windows containers, which fit the whole pod or none of it.

use super::{invalid, pod_security_by, security_by};
use crate::check::CheckContext;
use crate::check::pod::{Container, Pod, WindowsOptions};
use crate::finding::Finding;

pub(super) fn check(pod: &Pod<'_>, with: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    if pod.spec.os_name() == "linux" {
        on_linux(pod, with, findings);
    }
    host_processes(pod, with, findings);
}

/// Options in a pod that says that it is for Linux (`validateLinux`).
fn on_linux(pod: &Pod<'_>, with: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    let os_by = pod.field_by("os");
    if pod.spec.security.windows_options.is_some() {
        let by = pod_security_by(pod, |before| before.windows_options.is_some());
        let path = "spec.securityContext.windowsOptions".to_owned();
        let message = "the pod has windowsOptions, and its os is linux".to_owned();
        findings.extend(invalid(path, message, with.later(by, os_by)));
    }
    for container in pod.all() {
        if container.security.windows_options.is_some() {
            let by = security_by(container, |before| before.windows_options.is_some());
            let path = format!("{}.securityContext.windowsOptions", container.place);
            let title = container.title();
            let message = format!("{title} has windowsOptions, and the pod's os is linux");
            findings.extend(invalid(path, message, with.later(by, os_by)));
        }
    }
}

/// Processes of the node in a pod that is not made of them alone, or not on the node's network
/// (`validateWindowsHostProcessPod`).
fn host_processes(pod: &Pod<'_>, with: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    let (hosts, others): (Vec<_>, Vec<_>) = pod
        .all()
        .partition(|container| asked(container).or_else(|| asked_by_pod(pod)) == Some(true));
    let Some(host) = first(pod, with, &hosts) else {
        return;
    };
    let by = decided_by(pod, with, host);
    let path = format!("{}.securityContext.windowsOptions.hostProcess", host.place);
    let title = host.title();
    if let Some(other) = first(pod, with, &others) {
        let message = format!(
            "{title} has hostProcess: true and {} has not: all containers of a pod have it, or none",
            other.title()
        );
        let by = with.later(by, decided_by(pod, with, other));
        findings.extend(invalid(path.clone(), message, by));
    }
    if !pod.spec.host_network && hosts.iter().all(|c| decided_by(pod, with, c).is_some()) {
        let message =
            format!("{title} has hostProcess: true, and the pod does not have hostNetwork: true");
        findings.extend(invalid(path, message, by));
    }
}

/// The first container that a template made what it is, else the first.
fn first<'p, 'a>(
    pod: &Pod<'a>,
    with: &CheckContext<'_>,
    containers: &[&'p Container<'a>],
) -> Option<&'p Container<'a>> {
    let mut all = containers.iter();
    let of_template = all.find(|container| decided_by(pod, with, container).is_some());
    of_template.or_else(|| containers.first()).copied()
}

/// The template that decides whether a container is a process of the node.
fn decided_by<'a>(
    pod: &Pod<'a>,
    with: &CheckContext<'_>,
    container: &Container<'a>,
) -> Option<&'a str> {
    let own = asked(container);
    let own_by = security_by(container, |before| {
        host_process(before.windows_options.as_ref()) == own
    });
    let of_pod = asked_by_pod(pod);
    let pod_by = pod_security_by(pod, |before| {
        host_process(before.windows_options.as_ref()) == of_pod
    });
    with.later(own_by, pod_by.filter(|_| own.is_none()))
}

fn asked(container: &Container<'_>) -> Option<bool> {
    host_process(container.security.windows_options.as_ref())
}

fn asked_by_pod(pod: &Pod<'_>) -> Option<bool> {
    host_process(pod.spec.security.windows_options.as_ref())
}

fn host_process(options: Option<&WindowsOptions<'_>>) -> Option<bool> {
    options?.host_process
}
