//! The shipped policies: they are optional, but half of one does nothing.

use serde_json::Value;

use super::super::facts::Facts;
use super::{Check, Line, text};
use crate::cluster::Read;
use crate::kubernetes::object::list_at;

pub(super) fn policies(facts: &Facts) -> Vec<Line> {
    let policies = facts.policies.iter();
    policies
        .map(
            |(name, policy, binding)| match of_policy(name, policy, binding) {
                Ok(line) | Err(line) => line,
            },
        )
        .collect()
}

fn of_policy(name: &str, policy: &Read<Value>, binding: &Read<Value>) -> Result<Line, Line> {
    let check = Check::Policies;
    let policy = match policy {
        Read::Found(policy) => policy,
        Read::Missing => {
            return Ok(check.ok(format!(
                "the policy {name} is not installed; it is optional"
            )));
        }
        Read::Unknown(why) => return Err(check.unknown(&format!("the policy {name}"), why)),
    };
    let apply = "apply its file again: it holds policy and binding";
    let binding = match binding {
        Read::Found(binding) => binding,
        Read::Missing => {
            let message = format!("the policy {name} has no binding, and does nothing");
            return Err(check.failure(message, apply));
        }
        Read::Unknown(why) => return Err(check.unknown(&format!("the binding {name}"), why)),
    };
    let denies = list_at(binding, "/spec/validationActions")
        .iter()
        .any(|one| one == "Deny");
    if text(binding, "/spec/policyName") != name || !denies {
        let message = format!("the binding {name} does not deny what the policy finds");
        return Err(check.warning(message, "set its validationActions to [Deny]"));
    }
    if let Some(warning) = list_at(policy, "/status/typeChecking/expressionWarnings").first() {
        let (place, why) = (text(warning, "/fieldRef"), text(warning, "/warning"));
        let first = why.lines().next().unwrap_or_default();
        let message = format!("the API server warns of the policy {name}: {place}: {first}");
        return Err(check.warning(message, apply));
    }
    Ok(check.ok(format!("the policy {name} is bound")))
}
