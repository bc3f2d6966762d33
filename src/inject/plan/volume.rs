//! Volumes that the pod lacks.

use serde_json::Value;

use super::{Change, digest};
use crate::inject::evaluation::{Wanted, WantedVolume};
use crate::inject::merge::covers;
use crate::inject::pod::{Element, List, WorkingPod};
use crate::inject::verdict::{Reason, Refusal};
use crate::kubernetes::element_digest::{self, differs_by_gate};
use crate::kubernetes::keys::SAFE_TO_EVICT_VOLUMES;
use crate::kubernetes::schema::FieldType;
use crate::template::Template;
use crate::template::value::ReadObject;

/// Plans all volumes, and the annotations that generated files are read from.
pub(super) fn volumes(
    pod: &WorkingPod<'_>,
    template: &Template,
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
                if is_as_wanted(template, &theirs.view().to_value(), &volume) => {}
            Some((_, Element::Users { .. })) if template.mandatory => {
                let message = format!(
                    "the pod has a volume `{}` already, with something else than the template's, which is \
                     mandatory; remove it there",
                    volume.name
                );
                return Err(Refusal::new(Reason::OverrideNotAllowed, message));
            }
            Some((_, Element::Added { template: by, .. })) => {
                let message = format!(
                    "the volume `{}` is added by the template `{by}` already; volumes are called \
                     <template>-<name>: name one of them otherwise",
                    volume.name
                );
                return Err(Refusal::new(Reason::Conflict, message));
            }
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

/// Whether the user has the template's volume. Of a mandatory template it must be that and nothing more: other
/// files, modes, or `optional` disarm its helper.
fn is_as_wanted(template: &Template, theirs: &Value, wanted: &WantedVolume) -> bool {
    let ty = FieldType::Object("Volume".to_owned());
    let value = wanted.value.to_value();
    if template.mandatory {
        return element_digest::element_digest(&ty, theirs)
            == element_digest::element_digest(&ty, &value)
            && !differs_by_gate(&ty, theirs, &value)
            && !differs_by_gate(&ty, &value, theirs);
    }
    covers(theirs, &value, &ty)
}
