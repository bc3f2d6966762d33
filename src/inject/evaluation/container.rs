//! The containers that a template wants: init steps first, then sidecars, placed by lifecycle.

use serde_json::Value;

use super::{Wanted, WantedContainer, failed, validity};
use crate::inject::lifecycle;
use crate::inject::refusal::Refusal;
use crate::inject::settings::Settings;
use crate::template::Template;
use crate::template::fragment::Evaluation;

/// Evaluates all containers.
pub(super) fn containers(
    template: &Template,
    settings: &Settings,
    with: Evaluation<'_>,
    wanted: &mut Wanted,
) -> Result<(), Refusal> {
    let native = lifecycle::is_native(template.placement, settings);
    let steps = template.init_containers.iter();
    let steps = steps.map(|container| (container, false));
    let sidecars = template.sidecars.iter().map(|container| (container, true));
    for (container, is_sidecar) in steps.chain(sidecars) {
        let body = container.body.evaluate(with);
        let body = body.map_err(|failure| failed(template, &failure))?;
        let Some(Value::Object(mut value)) = body else {
            continue;
        };
        let place = validity::place(&container.origin);
        validity::check("Container", &value, &container.body, &place)?;
        let is_native = is_sidecar && native;
        if is_native {
            lifecycle::make_native(&mut value, container.wait_for_ready);
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
