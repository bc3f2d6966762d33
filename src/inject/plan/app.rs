//! What app containers get where they have nothing.

use super::{Change, kept};
use crate::finding::{Code, Finding};
use crate::inject::evaluation::WantedEdit;
use crate::inject::merge::{self, spelled};
use crate::inject::pod::WorkingPod;
use crate::inject::verdict::Refusal;
use crate::template::Template;

/// Plans the edits of app containers.
pub(super) fn edits(
    pod: &WorkingPod<'_>,
    template: &Template,
    wanted: Vec<WantedEdit>,
    change: &mut Change,
) -> Result<(), Refusal> {
    if wanted.is_empty() {
        return Ok(());
    }
    let pod_has_resources = pod.has_field("resources");
    for mut edit in wanted {
        let index = edit.index;
        let Some(element) = pod.list(edit.list).get(index) else {
            continue;
        };
        if pod_has_resources && edit.want.remove("resources").is_some() {
            let message = format!(
                "container `{}` gets no resources: the pod has some of its own",
                element.name()
            );
            let path = format!("spec.{}[{index}].resources", edit.list.field());
            change
                .findings
                .push(Finding::new(Code::ResourcesKept, path, message));
        }
        let fill = merge::fill(element.view(), &edit.want, "Container", element.in_front());
        kept::check_owners(
            template,
            fill.contested(),
            |key| element.owner(key),
            |key| format!("{} of the container `{}`", spelled(key), element.name()),
        )?;
        let hidden = kept::hidden(
            || format!("spec.{}[{index}]", edit.list.field()),
            element,
            &fill,
        );
        change.findings.extend(hidden);
        change.edit(template, (edit.list, index, element), fill);
    }
    Ok(())
}
