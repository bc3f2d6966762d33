//! Volumes of the user's that a helper would write, and that nobody can write.
//!
//! What a template adopts is the user's choice: a ConfigMap at the path where the helper puts its files
//! looks like any other volume. Whether the helper writes is not known, so that nobody is refused.

use super::super::pod::Pod;
use crate::finding::{Code, Finding};

pub(super) fn check(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    for helper in pod.helpers() {
        for (index, mount) in helper.mounts.iter().enumerate() {
            let Some(volume) = pod.volume_of(mount) else {
                continue;
            };
            let is_written = mount.read_only != Some(true);
            if !is_written || volume.added_by.is_some() || !volume.is_read_only() {
                continue;
            }
            // Not by its name, which the API server makes up for that of a token.
            let title = helper.title();
            let (at, kinds) = (mount.path(), volume.kinds.join(" and "));
            let message = format!(
                "{title} mounts the pod's volume at `{at}` ({kinds}) without readOnly: true, and nobody \
                 can write that: it fails if it writes there"
            );
            let logged = format!(
                "{title} mounts a volume of the pod's without readOnly: true that nobody can write"
            );
            let path = format!("{}.volumeMounts[{index}]", helper.place);
            let finding = Finding::new(Code::MountWritable, path, message);
            findings.push(finding.of(helper.added_by).logged_as(logged));
        }
    }
}
