//! The pod's limit of ephemeral storage, and the volumes that count against it.
//!
//! The kubelet evicts a pod whose containers and emptyDirs on disk together exceed the sum of the
//! containers' limits, as soon as one of them has a limit (`podEphemeralStorageLimitEviction`). So the
//! limit of one helper bounds the whole pod.

use super::super::CheckContext;
use super::super::pod::{Container, Pod, Resources, Volume};
use crate::finding::{Code, Finding};
use crate::kubernetes::quantity::Quantity;

const STORAGE: &str = "ephemeral-storage";

pub(super) fn check(pod: &Pod<'_>, with: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    let Some(limit) = total(pod, |container| container.resources.limit(STORAGE)) else {
        return;
    };
    let before = total(pod, |container| {
        let user = container.added_by.is_none();
        let before = container.resources_before.as_ref();
        let resources: &Resources<'_> = before.unwrap_or(&container.resources);
        resources.limit(STORAGE).filter(|_| user)
    });
    let found = if before.is_none() {
        first_limit(pod, limit)
    } else {
        too_large(pod, with, limit)
    };
    findings.extend(found);
}

fn total<'a>(
    pod: &Pod<'a>,
    limit: impl Fn(&Container<'a>) -> Option<Quantity>,
) -> Option<Quantity> {
    pod.all()
        .filter_map(limit)
        .reduce(|total, amount| total.add(&amount))
}

/// The emptyDirs on disk with their sizes; no size: as large as the limit allows.
fn volumes<'p, 'a>(pod: &'p Pod<'a>) -> impl Iterator<Item = (&'p Volume<'a>, Quantity)> {
    pod.volumes.iter().filter_map(|volume| {
        let source = volume.source.empty_dir.as_ref()?;
        let is_disk = super::text(source.medium.as_ref()).is_empty();
        Some((volume, source.size_limit().filter(|_| is_disk)?))
    })
}

/// A helper's limit that becomes the pod's, where others write to the disk as well.
fn first_limit(pod: &Pod<'_>, limit: Quantity) -> Option<Finding> {
    let helper = pod
        .all()
        .find(|container| container.resources.limit(STORAGE).is_some())?;
    let by = helper.field_by("resources")?;
    let mut others = pod.all().filter(|container| container.added_by != Some(by));
    others.next()?;
    let message = format!(
        "{} is the first container with a limit of {STORAGE}, so that {limit} becomes the limit of \
         the whole pod, with the app's own files, logs and emptyDirs: above it the pod is evicted",
        helper.title()
    );
    let path = format!("{}.resources.limits", helper.place);
    Some(Finding::new(Code::EphemeralStorageLimit, path, message).of(Some(by)))
}

/// Volumes on disk that together may grow above the limit, the last of them a template's.
fn too_large(pod: &Pod<'_>, with: &CheckContext<'_>, limit: Quantity) -> Option<Finding> {
    let sum = |whose: fn(&Volume<'_>) -> bool| {
        volumes(pod)
            .filter(|(volume, _)| whose(volume))
            .fold(Quantity::from(0), |sum, (_, size)| sum.add(&size))
    };
    let all = sum(|_| true);
    if all <= limit || sum(|volume| volume.added_by.is_none()) > limit {
        return None;
    }
    let ours = volumes(pod).filter(|(volume, _)| volume.added_by.is_some());
    let (volume, _) = ours.reduce(|last, next| {
        let is_last = with.later(last.0.added_by, next.0.added_by) == last.0.added_by;
        if is_last { last } else { next }
    })?;
    let message = format!(
        "with volume `{}` (template {}) the pod's emptyDirs may grow to {all}, and the containers' \
         limits of {STORAGE} are {limit} together: above it the pod is evicted",
        volume.name,
        volume.added_by.unwrap_or_default()
    );
    let path = format!("{}.emptyDir.sizeLimit", volume.path());
    Some(Finding::new(Code::EphemeralStorageLimit, path, message).of(volume.added_by))
}
