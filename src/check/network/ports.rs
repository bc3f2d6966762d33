//! A port of the pod that two containers listen on.

use super::super::Circumstances;
use super::super::pod::Pod;
use super::{clash, host, ours};
use crate::finding::{Code, Finding};

pub(super) fn check(pod: &Pod<'_>, with: &Circumstances<'_>, findings: &mut Vec<Finding>) {
    for port in ours(pod) {
        let clashes = clash(pod, with, port, |other| {
            port.same_socket(other) && !host::is_refused(pod, &port, other)
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
