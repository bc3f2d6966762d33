//! A port of the pod that two containers listen on.

use super::super::CheckContext;
use super::super::pod::Pod;
use super::{Listed, clash, host, ours};
use crate::finding::{Code, Finding};

pub(super) fn check(pod: &Pod<'_>, with: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    for port in ours(pod) {
        let clashes = clash(pod, with, port, |other| {
            port.same_socket(other)
                && !host::is_refused(pod, &port, other)
                && !is_declared_for_all(&port, other)
        });
        let Some(other) = clashes else {
            continue;
        };
        let (label, title, theirs) = (
            port.label(),
            port.container.title(),
            other.container.title(),
        );
        let message = format!("port {label} of {title} is already bound by {theirs}");
        findings.push(Finding::new(Code::PortConflict, port.path(), message).of(port.port.by));
    }
}

/// Whether one template declares the port for several app containers: then the declaration says
/// what the template expects, and not that each of them listens.
fn is_declared_for_all(one: &Listed<'_, '_>, other: &Listed<'_, '_>) -> bool {
    one.port.by == other.port.by
        && one.container.added_by.is_none()
        && other.container.added_by.is_none()
}
