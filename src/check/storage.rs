//! Volumes and mounts: what hides what, who writes what, and how large it can grow.

mod contents;
mod ephemeral;
mod files;
mod local;
mod memory;
mod modes;
mod mounts;
mod read_only;
mod sharing;

use super::CheckContext;
use super::pod::{Mount, Pod, Volume, text};
use crate::finding::Finding;
pub(super) use memory::own as own_memory;

/// Finds mounts that clash and volumes that grow.
pub(super) fn check(pod: &Pod<'_>, with: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    mounts::check(pod, with, findings);
    sharing::check(pod, with, findings);
    memory::check(pod, with, findings);
    local::check(pod, findings);
    ephemeral::check(pod, with, findings);
    files::check(pod, findings);
    contents::check(pod, with, findings);
    modes::check(pod, with, findings);
    read_only::check(pod, findings);
}

/// The volume of a mount, where the mount can be written.
fn written<'p, 'a>(pod: &'p Pod<'a>, mount: &Mount<'_>) -> Option<&'p Volume<'a>> {
    if mount.read_only == Some(true) {
        return None;
    }
    let volume = pod.volume_of(mount)?;
    (!volume.is_read_only()).then_some(volume)
}

#[cfg(test)]
mod tests;
