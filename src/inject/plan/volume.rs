//! Volumes that the pod lacks.

use super::{Change, digest};
use crate::inject::evaluation::Wanted;
use crate::inject::merge::covers;
use crate::inject::pod::{Element, List, WorkingPod};

use crate::inject::verdict::{Reason, Refusal};
use crate::kubernetes::element_digest;
use crate::kubernetes::keys::SAFE_TO_EVICT_VOLUMES;
use crate::kubernetes::schema::FieldType;
use crate::template::value::ReadObject;

/// Plans all volumes, and the annotations that generated files are read from.
pub(super) fn volumes(
    pod: &WorkingPod<'_>,
    wanted: &mut Wanted,
    change: &mut Change,
) -> Result<(), Refusal> {
    for (key, text) in wanted.files.drain(..) {
        let digest = element_digest::text(&text);
        change.status.annotations.push(key.clone(), digest);
        change.annotations.push((key, text));
    }
    let listed = pod
        .annotations
        .get(SAFE_TO_EVICT_VOLUMES)
        .unwrap_or_default();
    for volume in wanted.volumes.drain(..) {
        match pod.find(List::Volumes, &volume.name) {
            Some((_, theirs @ Element::Users { .. }))
                if covers(
                    &theirs.view().to_value(),
                    &volume.value.to_value(),
                    &FieldType::Object("Volume".to_owned()),
                ) => {}
            Some(_) => {
                let message = format!(
                    "the pod has a volume `{}` already, with another source than the template's",
                    volume.name
                );
                return Err(Refusal::new(Reason::Conflict, message));
            }
            None => {
                let is_local = volume.value.contains_key("emptyDir");
                if is_local && !listed.split(',').any(|name| name.trim() == volume.name) {
                    change.status.safe_to_evict.push(volume.name.clone());
                }
                let digest = digest("Volume", &volume.value);
                change.status.volumes.push(volume.name, digest);
                change.volumes.push(volume.value);
            }
        }
    }
    Ok(())
}
