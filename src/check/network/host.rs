//! Ports of the node.
//!
//! Validation refuses two regular containers with the same protocol, hostIP and hostPort, as they
//! are written (validation.go, `AccumulateUniqueHostPorts`); on the node's network a port without
//! hostPort has its own number as one (defaults.go, `defaultHostNetworkPorts`). It sees neither
//! native sidecars nor that 0.0.0.0 is every address: there one of the two is never reached.

use super::super::CheckContext;
use super::super::pod::{Container, Place, Pod, text};
use super::{Listed, clash, ours};
use crate::finding::{Code, Finding};

pub(super) fn check(pod: &Pod<'_>, with: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    for port in ours(pod) {
        let Some(number) = port.port.node_port(pod.spec.host_network) else {
            continue;
        };
        let other = clash(pod, with, port, |other| {
            is_refused(pod, &port, other)
                || (is_taken(pod, &port, other) && !port.same_socket(other))
        });
        let Some(other) = other else {
            continue;
        };
        let code = if is_refused(pod, &port, &other) {
            Code::HostPortConflict
        } else {
            Code::PortConflict
        };
        let (protocol, title, theirs) = (
            port.port.protocol(),
            port.container.title(),
            other.container.title(),
        );
        let message = format!(
            "port {number}/{protocol} of the node, which {title} wants, is already bound by {theirs}"
        );
        findings.push(Finding::new(code, port.path(), message).of(port.port.by));
    }
    if pod.spec.host_network {
        helpers(pod, findings);
    }
}

/// Whether both get one port of the node.
fn share_a_port(pod: &Pod<'_>, one: &Listed<'_, '_>, other: &Listed<'_, '_>) -> bool {
    let number = one.port.node_port(pod.spec.host_network);
    number.is_some()
        && number == other.port.node_port(pod.spec.host_network)
        && one.port.protocol() == other.port.protocol()
}

fn address<'p>(port: &'p Listed<'_, '_>) -> &'p str {
    text(port.port.host_ip.as_ref())
}

/// Whether the API server refuses the pod for these two.
pub(super) fn is_refused(pod: &Pod<'_>, one: &Listed<'_, '_>, other: &Listed<'_, '_>) -> bool {
    let is_regular = |port: &Listed<'_, '_>| matches!(port.container.place, Place::Regular(_));
    is_regular(one)
        && is_regular(other)
        && share_a_port(pod, one, other)
        && address(one) == address(other)
}

/// Whether both want a port of the node at an address of both.
fn is_taken(pod: &Pod<'_>, one: &Listed<'_, '_>, other: &Listed<'_, '_>) -> bool {
    let (first, second) = (address(one), address(other));
    let is_every = |address| matches!(address, "" | "0.0.0.0" | "::");
    share_a_port(pod, one, other) && (first == second || is_every(first) || is_every(second))
}

/// Helpers that listen, or change the network, where that is the node's; one finding for each
/// template.
fn helpers(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    let asked_by = pod.field_by("hostNetwork");
    let start = findings.len();
    for helper in pod.helpers().filter(|helper| helper.added_by != asked_by) {
        let told = findings.get(start..).unwrap_or_default();
        if told
            .iter()
            .any(|finding| finding.template.as_deref() == helper.added_by)
        {
            continue;
        }
        let title = helper.title();
        let message = match port(helper) {
            _ if helper.changes_network() => {
                format!(
                    "{title} may change the network, and that is the node's own here (hostNetwork)"
                )
            }
            Some(number) => {
                format!(
                    "{title} listens on port {number} of the node itself, as the pod is on the node's network (hostNetwork)"
                )
            }
            None => continue,
        };
        let path = helper.place.to_string();
        findings.push(Finding::new(Code::HostNetworkHelper, path, message).of(helper.added_by));
    }
}

/// A port that a container listens on while the app runs.
fn port(container: &Container<'_>) -> Option<i64> {
    let declared = container.ports.iter().find_map(|port| port.container_port);
    declared
        .or_else(|| container.probes().find_map(|(_, probe)| probe.own_port()))
        .filter(|_| container.runs_beside())
}
