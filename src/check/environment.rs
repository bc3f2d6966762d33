//! What else is in the pod, and where it runs: other meshes, other kinds of nodes, variables.

mod capture;
mod containers;
mod helper_count;
mod mesh;
mod nodes;
mod references;
mod variables;

use super::CheckContext;
use super::pod::Pod;
use crate::finding::Finding;

/// Finds what a helper does not go together with.
pub(super) fn check(pod: &Pod<'_>, with: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    nodes::check(pod, findings);
    mesh::check(pod, with, findings);
    capture::check(pod, with, findings);
    for container in pod.all().filter(|container| container.is_touched()) {
        variables::duplicates(container, findings);
        references::check(container, findings);
    }
    containers::check(pod, findings);
    findings.extend(helper_count::check(pod, with));
}

#[cfg(test)]
mod tests;
