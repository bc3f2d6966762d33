//! What the API server notes in its own audit log about a creation: which webhooks it called,
//! and what they told it.

use std::fs;

use serde_json::Value;

use super::control_plane::ControlPlane;
use super::failure::{Failure, Outcome};
use super::namespace::SOON;
use super::raw::Answer;
use super::wait::wait_until;

/// How audit annotations of mutating webhooks begin; `0_index_2` and the like follow.
const PREFIX: &str = "mutation.webhook.admission.k8s.io/round_";

/// One call of a mutating webhook.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Call {
    /// 0 for the first call, 1 for the one after a reinvocation.
    pub(crate) round: u32,
    /// The name of the entry in the webhook configuration.
    pub(crate) webhook: String,
    /// Whether the answer changed the pod.
    pub(crate) changed: bool,
}

/// The calls of mutating webhooks that the API server made before it gave this answer, in
/// order.
pub(crate) async fn calls_before(
    control_plane: &ControlPlane,
    answer: &Answer,
) -> Outcome<Vec<Call>> {
    let annotations = annotations_of(control_plane, answer).await?;
    let calls = annotations
        .iter()
        .filter_map(|(key, value)| Some((key.strip_prefix(PREFIX)?, value)));
    let mut calls = calls
        .map(|(place, value)| read(place, value))
        .collect::<Outcome<Vec<Call>>>()?;
    calls.sort();
    Ok(calls)
}

/// The audit annotations of the request that got this answer; those of a webhook begin with
/// its name and a slash.
pub(crate) async fn annotations_of(
    control_plane: &ControlPlane,
    answer: &Answer,
) -> Outcome<serde_json::Map<String, Value>> {
    let mut event = wait_until("the request in the audit log", SOON, async || {
        let log =
            fs::read_to_string(control_plane.audit_log()).map_err(|error| error.to_string())?;
        // The newest come last, and the last line may be half written.
        log.lines()
            .rev()
            .filter(|line| line.contains(&answer.audit_id))
            .find_map(|line| serde_json::from_str::<Value>(line).ok())
            .ok_or_else(|| "no such line".into())
    })
    .await?;
    match event.get_mut("annotations").map(Value::take) {
        Some(Value::Object(annotations)) => Ok(annotations),
        _ => Ok(serde_json::Map::new()),
    }
}

/// Reads `1_index_0` and `{"configuration":…,"webhook":…,"mutated":…}`.
fn read(place: &str, value: &Value) -> Outcome<Call> {
    let call = || {
        let text: Value = serde_json::from_str(value.as_str()?).ok()?;
        Some(Call {
            round: place.split('_').next()?.parse().ok()?,
            webhook: text.get("webhook")?.as_str()?.to_owned(),
            changed: text.get("mutated")?.as_bool()?,
        })
    };
    call().ok_or_else(|| Failure::new(format!("failed to read an audit annotation: {value}")))
}
