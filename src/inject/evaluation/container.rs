//! The containers that a template wants: init steps first, then sidecars, placed by lifecycle.

use serde_json::{Map, Value};

use super::{Wanted, WantedContainer, failed, validity};
use crate::inject::lifecycle;
use crate::inject::refusal::Refusal;
use crate::inject::settings::Settings;
use crate::template::Template;
use crate::template::compiled::ContainerTemplate;
use crate::template::fragment::{Evaluation, Failure};

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
        check(template, container, &value)?;
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

/// Refuses a container that the API server would refuse for what its expressions gave. What is
/// constant was checked when the template was loaded.
fn check(
    template: &Template,
    container: &ContainerTemplate,
    value: &Map<String, Value>,
) -> Result<(), Refusal> {
    match validity::check("Container", value, &container.body) {
        Some(problem) => {
            let failure = Failure::at(&container.origin, problem.to_string());
            Err(failed(template, &failure))
        }
        None => Ok(()),
    }
}
