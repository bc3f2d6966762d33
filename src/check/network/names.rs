//! Names of ports.
//!
//! A Service that names its targetPort goes to the first port of that name and protocol: regular
//! containers first, then native sidecars (endpointslice, `FindPort`).

use super::super::CheckContext;
use super::super::pod::{Place, Pod, text};
use super::{Listed, clash, ours};
use crate::finding::{Code, Finding};

pub(super) fn check(pod: &Pod<'_>, with: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    for port in ours(pod) {
        let Some(name) = name(&port) else {
            continue;
        };
        let clashes = clash(pod, with, port, |other| {
            self::name(other) == Some(name)
                && !std::ptr::eq(other.container, port.container)
                && other.port.protocol() == port.port.protocol()
                && other.port.container_port != port.port.container_port
        });
        let Some(other) = clashes else {
            continue;
        };
        let first = if rank(&port) < rank(&other) {
            &port
        } else {
            &other
        };
        let (title, theirs) = (port.container.title(), other.container.title());
        let reached = first.container.name;
        let message = format!(
            "port name `{name}` of {title} is also that of a port of {theirs}: a Service that \
             names it reaches `{reached}` only"
        );
        let path = format!("{}.name", port.path());
        findings.push(Finding::new(Code::PortNameConflict, path, message).of(port.port.by));
    }
}

fn name<'p>(port: &Listed<'p, '_>) -> Option<&'p str> {
    let name = text(port.port.name.as_ref());
    (!name.is_empty()).then_some(name)
}

fn rank(port: &Listed<'_, '_>) -> (bool, usize) {
    match port.container.place {
        Place::Regular(index) => (false, index),
        Place::Init(index) => (true, index),
    }
}
