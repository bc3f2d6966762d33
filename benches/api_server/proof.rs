//! Proof, before anything is measured, that each scenario does what its name says: the pods that
//! come of different patches are the same.

use crate::pods::lasting;
use crate::scenario::{Expected, NO_WEBHOOK, Scenario};
use crate::shapes::without_status;
use crate::stage::Stage;
use crate::support::failure::{Failure, Outcome};

/// The scenario in which Pillion itself answers.
const PILLION: &str = "Pillion, one template";

/// Creates one pod of each scenario and holds it against what must come of it.
pub(crate) async fn prove(stage: &mut Stage<'_>, scenarios: &[Scenario]) -> Outcome {
    let untouched = lasting(&stage.created(named(scenarios, NO_WEBHOOK)?).await?);
    let injected = lasting(&stage.created(named(scenarios, PILLION)?).await?);
    for scenario in scenarios {
        let pod = lasting(&stage.created(scenario).await?);
        let is_right = match scenario.result {
            // Pods that are left out differ in the keys by which they are.
            Expected::Untouched => pod.get("spec") == untouched.get("spec"),
            Expected::Injected => pod == injected,
            Expected::InjectedButStatus => without_status(&pod) == without_status(&injected),
            Expected::With(text) => pod.to_string().contains(text),
        };
        if !is_right {
            let name = &scenario.name;
            return Err(Failure::new(format!(
                "{name}: another pod came of it than was meant: {pod:#}"
            )));
        }
    }
    Ok(())
}

fn named<'s>(scenarios: &'s [Scenario], name: &str) -> Outcome<&'s Scenario> {
    let found = scenarios.iter().find(|scenario| scenario.name == name);
    found.ok_or_else(|| Failure::new(format!("no scenario `{name}`")))
}
