//! Pod Security: whether the API server's built-in admission lets the resulting pod into its
//! namespace, control by control.
//!
//! The standards are those of `k8s.io/pod-security-admission` (policy/check_*.go), all controls at
//! all versions, in its order and its words: what a person reads here is what the API server would
//! say. Which level holds comes from the namespace's labels, else from the API server's own
//! configuration, which a cluster does not show: the installation repeats it as [`Defaults`].

mod app_armor;
mod baseline;
mod control;
mod defaults;
mod restricted;
mod subject;
mod violation;
mod words;

use super::pod::Pod;
pub(crate) use crate::template::PodSecurityLevel as Level;
pub use control::{Control, Violation};
pub use defaults::{Defaults, DefaultsError, Enforced, Version, enforced};
pub(super) use restricted::is_restricted_capability;
use subject::{AuditScope, Whose};

/// What a pod violates, in the API server's order; `newest`: the minor version of the cluster.
pub fn violations(pod: &Pod<'_>, level: Level, version: Version, newest: u32) -> Vec<Violation> {
    let whole = AuditScope {
        pod,
        whose: Whose::Everybody,
    };
    control::violations(&whole, level, version.in_cluster(newest))
}

/// The same for what one template adds: what is the user's own, or another template's, is left out.
pub(super) fn violations_by(
    pod: &Pod<'_>,
    template: &str,
    level: Level,
    version: Version,
    newest: u32,
) -> Vec<Violation> {
    let part = AuditScope {
        pod,
        whose: Whose::Template(template),
    };
    control::violations(&part, level, version.in_cluster(newest))
}

#[cfg(test)]
mod tests;
