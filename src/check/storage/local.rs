//! Volumes on the node: how large they can grow, and what they keep the node from.

use super::super::pod::{Pod, Volume};
use super::written;
use crate::finding::{Code, Finding};
use crate::kubernetes::keys::{SAFE_TO_EVICT, SAFE_TO_EVICT_VOLUMES};

pub(super) fn check(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    for volume in pod
        .volumes
        .iter()
        .filter(|volume| volume.added_by.is_some())
    {
        findings.extend(unbounded(pod, volume));
        findings.extend(blocks_autoscaler(pod, volume));
    }
}

fn unbounded(pod: &Pod<'_>, volume: &Volume<'_>) -> Option<Finding> {
    let source = volume.source.empty_dir.as_ref()?;
    let mut mounts = pod.all().flat_map(|container| &container.mounts);
    let is_written =
        mounts.any(|mount| written(pod, mount).is_some_and(|other| std::ptr::eq(other, volume)));
    if source.size_limit().is_some() || !is_written {
        return None;
    }
    let template = volume.added_by.unwrap_or_default();
    let title = format!("volume `{}` (template {template})", volume.name);
    let (code, message) = if source.is_memory() {
        let message = format!(
            "{title} has no sizeLimit, and is held in memory: what is written there counts \
             against the memory limit of who writes it"
        );
        (Code::MemoryVolumeUnbounded, message)
    } else if super::text(source.medium.as_ref()).is_empty() && !is_limited(pod) {
        let message = format!("{title} has no sizeLimit: it can fill the node's disk");
        (Code::EmptyDirUnbounded, message)
    } else {
        return None;
    };
    let path = format!("{}.emptyDir.sizeLimit", volume.path());
    Some(Finding::new(code, path, message).of(volume.added_by))
}

/// Whether the kubelet evicts the pod before it fills the disk: emptyDirs count against the sum of
/// the containers' limits as soon as one has a limit (kubelet, `podEphemeralStorageLimitEviction`).
fn is_limited(pod: &Pod<'_>) -> bool {
    pod.all().any(|container| {
        let mut limited = container.resources.limited();
        limited.any(|name| name == "ephemeral-storage")
    })
}

/// The autoscaler removes no node with a pod that has local volumes (`--skip-nodes-with-local-storage`,
/// on by default). A template's emptyDirs are not among them: composing names them in the annotation
/// in the end. Where the user's own parts keep it from that anyway there is nothing to say.
fn blocks_autoscaler(pod: &Pod<'_>, volume: &Volume<'_>) -> Option<Finding> {
    if !blocks(pod, volume) || pod.annotations.contains_key(SAFE_TO_EVICT) {
        return None;
    }
    let mut users = pod
        .volumes
        .iter()
        .filter(|volume| volume.added_by.is_none());
    if users.any(|volume| blocks(pod, volume)) {
        return None;
    }
    let (name, template) = (volume.name, volume.added_by.unwrap_or_default());
    let message = format!(
        "volume `{name}` (template {template}) is on the node, so that the cluster autoscaler does \
         not remove the node while the pod is there"
    );
    let finding = Finding::new(Code::EmptyDirBlocksAutoscaler, volume.path(), message);
    Some(finding.of(volume.added_by))
}

fn blocks(pod: &Pod<'_>, volume: &Volume<'_>) -> bool {
    let empty_dir = volume.source.empty_dir.as_ref();
    let is_local = volume.kinds.contains(&"hostPath")
        || empty_dir.is_some_and(|empty_dir| !empty_dir.is_memory() && volume.added_by.is_none());
    let mut safe = pod.annotations.get(SAFE_TO_EVICT_VOLUMES).into_iter();
    is_local && !safe.any(|names| names.split(',').any(|name| name.trim() == volume.name))
}
