//! Volumes held in memory.
//!
//! What is written to them counts as memory of the container that writes it, so that a volume as
//! large as the container's limit gets it killed before the volume is full.

use std::collections::BTreeSet;

use super::super::CheckContext;
use super::super::pod::{Container, Mount, Pod, Resources, Volume};
use super::written;
use crate::finding::{Code, Finding};
use crate::kubernetes::quantity::Quantity;

pub(super) fn check(pod: &Pod<'_>, with: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    if !pod.volumes.iter().any(is_memory) {
        return;
    }
    for container in pod.all() {
        findings.extend(over_limit(pod, with, container));
    }
}

fn is_memory(volume: &Volume<'_>) -> bool {
    let source = volume.source.empty_dir.as_ref();
    source.is_some_and(super::super::pod::EmptyDir::is_memory)
}

/// The memory volumes that a container can write, each once, with their sizes.
fn volumes<'p, 'a>(
    pod: &'p Pod<'a>,
    container: &'p Container<'a>,
) -> impl Iterator<Item = (&'p Mount<'a>, &'p Volume<'a>, Quantity)> {
    let mut seen = BTreeSet::new();
    container.mounts.iter().filter_map(move |mount| {
        let volume = written(pod, mount).filter(|volume| is_memory(volume))?;
        let size = volume.source.empty_dir.as_ref()?.size_limit()?;
        seen.insert(volume.index).then_some((mount, volume, size))
    })
}

/// The memory limit by a container's own resources, else the pod's.
fn limit(own: &Resources<'_>, pod: &Pod<'_>) -> Option<Quantity> {
    let own = own.limit("memory");
    own.or_else(|| pod.spec.resources.as_ref()?.limit("memory"))
}

fn over_limit(
    pod: &Pod<'_>,
    with: &CheckContext<'_>,
    container: &Container<'_>,
) -> Option<Finding> {
    let limit = limit(&container.resources, pod)?;
    let mut total = Quantity::from(0);
    let mut by = container.added_by.or_else(|| {
        let changed = container.resources_before.is_some();
        container.field_by("resources").filter(|_| changed)
    });
    for (mount, volume, size) in volumes(pod, container) {
        total = total.add(&size);
        by = with.later(by, with.later(mount.by, volume.added_by));
    }
    if total.sign() == 0 || total < limit || by.is_none() || was_over(pod, container) {
        return None;
    }
    Some(finding(pod, container, total, limit).of(by))
}

/// The user's own memory volumes that exceed the user's own limit.
pub(in crate::check) fn own(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    for container in pod.all().filter(|container| was_over(pod, container)) {
        let Some(limit) = limit(&container.resources, pod) else {
            continue;
        };
        let sizes = volumes(pod, container).map(|(_, _, size)| size);
        let total = sizes.fold(Quantity::from(0), |sum, size| sum.add(&size));
        if total.sign() > 0 {
            findings.push(finding(pod, container, total, limit));
        }
    }
}

fn finding(pod: &Pod<'_>, container: &Container<'_>, total: Quantity, limit: Quantity) -> Finding {
    let parts: Vec<String> = volumes(pod, container)
        .map(|(_, volume, size)| format!("volume `{}` {size}", volume.name))
        .collect();
    let sum = match parts.len() {
        0 | 1 => String::new(),
        _ => format!(" = {total}"),
    };
    let message = format!(
        "{} can write {}{sum} of memory, and its memory limit is {limit}",
        container.title(),
        parts.join(" + ")
    );
    let path = format!("{}.resources.limits.memory", container.place);
    Finding::new(Code::MemoryVolumeOverLimit, path, message)
}

/// Whether the user's own volumes exceed the user's own limit already.
fn was_over(pod: &Pod<'_>, container: &Container<'_>) -> bool {
    if container.added_by.is_some() {
        return false;
    }
    let before = container.resources_before.as_ref();
    let Some(limit) = limit(before.unwrap_or(&container.resources), pod) else {
        return false;
    };
    let own = volumes(pod, container)
        .filter(|(mount, volume, _)| mount.by.is_none() && volume.added_by.is_none());
    own.fold(Quantity::from(0), |sum, (_, _, size)| sum.add(&size)) >= limit
}
