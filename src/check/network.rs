//! Ports: the containers of a pod share one network, so that two cannot listen on the same port.
//!
//! Only what runs side by side can clash: a step has ended before the app starts. What the API
//! server refuses by itself is told apart from what fails on the node, so that each claim is exact.

mod host;
mod names;
mod ports;
mod probes;
mod targets;

use super::CheckContext;
use super::pod::{Container, Pod, Port};
use crate::finding::Finding;

/// Finds ports that clash and helpers on the node's network.
pub(super) fn check(pod: &Pod<'_>, with: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    ports::check(pod, with, findings);
    host::check(pod, with, findings);
    names::check(pod, with, findings);
    probes::check(pod, with, findings);
    targets::check(pod, findings);
}

/// One port of one container that runs beside the others.
#[derive(Clone, Copy)]
pub(super) struct Listed<'p, 'a> {
    pub(super) container: &'p Container<'a>,
    index: usize,
    pub(super) port: &'p Port<'a>,
}

impl Listed<'_, '_> {
    pub(super) fn path(&self) -> String {
        format!("{}.ports[{}]", self.container.place, self.index)
    }

    fn is(&self, other: &Self) -> bool {
        std::ptr::eq(self.port, other.port)
    }

    /// The port and the protocol that are listened on, such as `8080/TCP`.
    pub(super) fn label(&self) -> String {
        let number = self.port.container_port.unwrap_or_default();
        format!("{number}/{}", self.port.protocol())
    }

    /// Whether both listen on one port of the pod.
    pub(super) fn same_socket(&self, other: &Self) -> bool {
        !std::ptr::eq(self.container, other.container)
            && self.port.container_port.is_some()
            && self.port.container_port == other.port.container_port
            && self.port.protocol() == other.port.protocol()
    }
}

/// Every port of the containers that run side by side.
pub(super) fn listed<'p, 'a>(pod: &'p Pod<'a>) -> impl Iterator<Item = Listed<'p, 'a>> {
    pod.running().flat_map(|container| {
        let ports = container.ports.iter().enumerate();
        ports.map(move |(index, port)| Listed {
            container,
            index,
            port,
        })
    })
}

/// The first other port that clashes with a template's, where the finding is about the template's:
/// of two templates' ports about that of the later template, within one about the second.
fn clash<'p, 'a>(
    pod: &'p Pod<'a>,
    with: &CheckContext<'_>,
    ours: Listed<'p, 'a>,
    clashes: impl Fn(&Listed<'p, 'a>) -> bool,
) -> Option<Listed<'p, 'a>> {
    let mut before = true;
    listed(pod).find(|other| {
        if other.is(&ours) {
            before = false;
            return false;
        }
        if !clashes(other) {
            return false;
        }
        match other.port.by {
            None => true,
            by if by == ours.port.by => before,
            by => with.later(by, ours.port.by) == ours.port.by,
        }
    })
}

/// The ports that templates added.
fn ours<'p, 'a>(pod: &'p Pod<'a>) -> impl Iterator<Item = Listed<'p, 'a>> {
    listed(pod).filter(|listed| listed.port.by.is_some())
}

#[cfg(test)]
mod tests;
