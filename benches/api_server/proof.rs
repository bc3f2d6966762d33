//! Proof, before anything is measured, that each scenario does what its name says: the pods that
//! come of different patches are the same.

use serde_json::Value;

use crate::pods::lasting;
use crate::scenario::{NO_WEBHOOK, Result, Scenario};
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
            // What Pillion adds, and the request's own bytes where it is left out, speak of
            // different keys, so that only the same request can be compared.
            Result::Untouched if scenario.pod != named(scenarios, NO_WEBHOOK)?.pod => {
                spec(&pod) == spec(&untouched)
            }
            Result::Untouched => same_but_namespace(&pod, &untouched),
            Result::Injected => pod == injected,
            Result::InjectedButStatus => without_status(&pod) == without_status(&injected),
            Result::With(text) => pod.to_string().contains(text),
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

fn spec(pod: &Value) -> Option<&Value> {
    pod.get("spec")
}

fn same_but_namespace(pod: &Value, other: &Value) -> bool {
    let annotations = |pod: &Value| pod.pointer("/metadata/annotations").cloned();
    spec(pod) == spec(other) && annotations(pod) == annotations(other)
}
