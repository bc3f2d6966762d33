//! What app containers get where they have nothing.

use super::Change;
use crate::inject::evaluation::Wanted;
use crate::inject::merge;
use crate::inject::pod::WorkingPod;

/// Plans the edits of app containers.
pub(super) fn edits(pod: &WorkingPod<'_>, wanted: &Wanted, change: &mut Change) {
    let pod_has_resources = pod.field("resources").is_some();
    for edit in &wanted.app {
        let Some((index, element)) = pod.find(edit.list, &edit.name) else {
            continue;
        };
        let mut want = edit.want.clone();
        if pod_has_resources && want.shift_remove("resources").is_some() {
            let finding = format!(
                "container `{}` gets no resources: the pod has some of its own",
                edit.name
            );
            change.findings.push(finding);
        }
        let fill = merge::fill(element.view(), &want, "Container", element.env_in_front());
        change.edit(edit.list, index, &edit.name, fill);
    }
}
