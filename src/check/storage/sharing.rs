//! Files that a helper and another container beside it can both write.

use super::super::CheckContext;
use super::super::pod::{Container, Mount, Pod};
use super::{text, written};
use crate::finding::{Code, Finding};
use crate::kubernetes::paths::{Relation, relation};

pub(super) fn check(pod: &Pod<'_>, with: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    for helper in pod.helpers().filter(|helper| helper.runs_beside()) {
        let start = findings.len();
        for (index, mount) in helper.mounts.iter().enumerate() {
            let Some(volume) = written(pod, mount) else {
                continue;
            };
            let Some(other) = other(pod, with, helper, mount) else {
                continue;
            };
            let path = format!("{}.volumeMounts[{index}]", helper.place);
            let (title, theirs) = (helper.title(), other.title());
            let message = format!(
                "{title} and {theirs} can both write volume `{}`",
                volume.name
            );
            let finding = Finding::new(Code::SharedWrite, path, message).of(helper.added_by);
            let told = findings.get(start..).unwrap_or_default();
            if !told.iter().any(|told| told.message == finding.message) {
                findings.push(finding);
            }
        }
    }
}

/// The first container of somebody else's that can write the same files. What one template mounts
/// on both sides, its author meant so.
fn other<'p, 'a>(
    pod: &'p Pod<'a>,
    with: &CheckContext<'_>,
    helper: &Container<'_>,
    ours: &Mount<'_>,
) -> Option<&'p Container<'a>> {
    pod.running().find(|other| {
        other.place != helper.place
            && other.mounts.iter().any(|mount| {
                mount.by != helper.added_by
                    && with.later(mount.by, helper.added_by) == helper.added_by
                    && text(mount.name.as_ref()) == text(ours.name.as_ref())
                    && overlap(mount, ours)
                    && written(pod, mount).is_some()
            })
    })
}

/// Whether two mounts of one volume surely have files in common. What `subPathExpr` becomes is not
/// known here.
fn overlap(one: &Mount<'_>, other: &Mount<'_>) -> bool {
    let is_whole = |mount: &Mount<'_>| {
        text(mount.sub_path.as_ref()).is_empty() && text(mount.sub_path_expr.as_ref()).is_empty()
    };
    let is_known = |mount: &Mount<'_>| text(mount.sub_path_expr.as_ref()).is_empty();
    let (first, second) = (text(one.sub_path.as_ref()), text(other.sub_path.as_ref()));
    is_whole(one)
        || is_whole(other)
        || (is_known(one) && is_known(other) && relation(first, second) != Relation::Apart)
}
