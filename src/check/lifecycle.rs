//! Starting and ending: what never ends, what is not waited for, and what is killed too early.

mod command;
mod ending;
mod order;
mod starting;

use super::CheckContext;
use super::pod::Pod;
use crate::finding::Finding;
pub(super) use ending::own_hooks;

/// Finds what keeps the app from starting, or a container from ending as it should.
pub(super) fn check(pod: &Pod<'_>, with: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    starting::check(pod, with, findings);
    ending::check(pod, with, findings);
    order::check(pod, with, findings);
}

#[cfg(test)]
mod tests;
