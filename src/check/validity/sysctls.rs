//! Kernel settings of a namespace that the pod shares with its node (`ValidateHostSysctl`).

use super::{invalid, pod_security_by};
use crate::check::CheckContext;
use crate::check::pod::{Pod, text};
use crate::finding::Finding;

pub(super) fn check(pod: &Pod<'_>, with: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    let sysctls = pod.spec.security.sysctls.iter().flatten().enumerate();
    for (index, sysctl) in sysctls {
        let name = text(sysctl.name.as_ref());
        let Some(shared) = shared_by(pod, name) else {
            continue;
        };
        let set_by = pod_security_by(pod, |before| {
            let mut before = before.sysctls.iter().flatten();
            before.any(|before| text(before.name.as_ref()) == name)
        });
        let by = with.later(set_by, pod.field_by(shared));
        let message = format!(
            "the pod sets the sysctl {name}, which with {shared}: true would be the node's own"
        );
        let logged =
            format!("the pod sets a sysctl that with {shared}: true would be the node's own");
        let path = format!("spec.securityContext.sysctls[{index}].name");
        let finding = invalid(path, message, by);
        findings.extend(finding.map(|finding| finding.logged_as(logged)));
    }
}

/// Settings of the IPC namespace (k8s.io/component-helpers:node/util/sysctl/namespace.go).
const OF_IPC: [&str; 10] = [
    "kernel.sem",
    "kernel.shm",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
    "kernel.shm_rmid_forced",
    "kernel.msg",
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
];

/// The field by which the pod shares the namespace of a setting.
fn shared_by(pod: &Pod<'_>, sysctl: &str) -> Option<&'static str> {
    let name = sysctl.replace('/', ".");
    if pod.spec.host_network && name.starts_with("net.") {
        return Some("hostNetwork");
    }
    let is_ipc = name.starts_with("fs.mqueue.") || OF_IPC.contains(&name.as_str());
    (pod.spec.host_ipc && is_ipc).then_some("hostIPC")
}
