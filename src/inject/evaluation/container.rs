//! The containers that a template wants: init containers first, then sidecars, placed by lifecycle.

use serde_json::Value;

use super::{EvaluationContext, Wanted, WantedContainer, evaluated, image, validity};
use crate::inject::lifecycle;
use crate::inject::pod::WorkingPod;
use crate::inject::verdict::Refusal;
use crate::template::Template;
use crate::template::fragment::Evaluation;
use crate::template::value::ReadObject;

/// Evaluates all containers.
pub(super) fn containers(
    pod: &WorkingPod<'_>,
    template: &Template,
    circumstances: EvaluationContext<'_>,
    with: Evaluation<'_, '_>,
    wanted: &mut Wanted,
) -> Result<(), Refusal> {
    let native = lifecycle::is_native(template.placement, circumstances.settings);
    let steps = template.init_containers.iter().map(|step| (step, false));
    let sidecars = template.sidecars.iter().map(|container| (container, true));
    for (container, is_sidecar) in steps.chain(sidecars) {
        let Some(mut value) = evaluated(template, container.body.evaluate_fields(with))? else {
            continue;
        };
        let place = || validity::place(&container.origin);
        validity::check("Container", &value, &container.body, place)?;
        let image = value.get("image").and_then(Value::as_str);
        if let Some(image) =
            image.and_then(|image| image::mirrored(image, pod, template, circumstances))
        {
            value.insert("image", Value::String(image).into());
        }
        value.drop_empty_lists();
        let is_native = is_sidecar && native;
        if is_native {
            lifecycle::make_native(&mut value, container);
        }
        wanted.containers.push(WantedContainer {
            name: container.name.clone(),
            value,
            is_sidecar,
            is_native,
        });
    }
    Ok(())
}
