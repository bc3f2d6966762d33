//! What app containers get where they have nothing.

use std::collections::HashMap;

use super::{Change, kept};
use crate::finding::{Code, Finding};
use crate::inject::evaluation::WantedEdit;
use crate::inject::merge::{self, spelled};
use crate::inject::pod::{List, WorkingPod};
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
    let places = places(pod);
    for mut edit in wanted {
        let place = places.get(&(edit.list, edit.name.as_str()));
        let Some((index, element)) =
            place.and_then(|at| Some((*at, pod.list(edit.list).get(*at)?)))
        else {
            continue;
        };
        if pod_has_resources && edit.want.remove("resources").is_some() {
            let message = format!(
                "container `{}` gets no resources: the pod has some of its own",
                edit.name
            );
            let path = format!("spec.{}[{index}].resources", edit.list.field());
            change
                .findings
                .push(Finding::new(Code::ResourcesKept, path, message));
        }
        let fill = merge::fill(element.view(), &edit.want, "Container", element.in_front());
        kept::check_owners(
            template,
            &fill.kept,
            |key| element.owner(key),
            |key| format!("{} of the container `{}`", spelled(key), edit.name),
        )?;
        let path = format!("spec.{}[{index}]", edit.list.field());
        change.findings.extend(kept::hidden(&path, element, &fill));
        change.edit(edit.list, index, element, fill);
    }
    Ok(())
}

/// Where each container stands.
fn places<'e>(pod: &'e WorkingPod<'_>) -> HashMap<(List, &'e str), usize> {
    let mut places = HashMap::new();
    for list in [List::InitContainers, List::Containers] {
        for (index, element) in pod.list(list).iter().enumerate() {
            places.insert((list, element.name()), index);
        }
    }
    places
}
