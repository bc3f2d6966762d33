//! Which webhooks the API server called for a pod, as its own audit log tells it.

use std::fs;

use serde_json::Value;

use crate::support::control_plane::ControlPlane;
use crate::support::failure::{Failure, Outcome};
use crate::support::namespace::{Namespace, SOON};
use crate::support::wait::wait_until;

/// How audit annotations of mutating webhooks begin; `round_0_index_2` and the like follow.
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

/// The calls that the API server made for the pod of this name, in order. A name that was
/// used more than once in a namespace tells of its first use.
pub(crate) async fn calls_of(
    control_plane: &ControlPlane,
    namespace: &Namespace,
    pod: &str,
) -> Outcome<Vec<Call>> {
    let event = wait_until(&format!("pod {pod} in the audit log"), SOON, async || {
        let log =
            fs::read_to_string(control_plane.audit_log()).map_err(|error| error.to_string())?;
        // The last line may be half written.
        log.lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .find(|event| {
                let object = &event["objectRef"];
                object["namespace"] == *namespace.name && object["name"] == pod
            })
            .ok_or_else(|| "no such line".into())
    })
    .await?;
    let annotations = event["annotations"].as_object().into_iter().flatten();
    let calls = annotations.filter_map(|(key, value)| Some((key.strip_prefix(PREFIX)?, value)));
    let mut calls = calls
        .map(|(place, value)| read(place, value))
        .collect::<Outcome<Vec<Call>>>()?;
    calls.sort();
    Ok(calls)
}

/// Reads `1_index_0` and `{"configuration":…,"webhook":…,"mutated":…}`.
fn read(place: &str, value: &Value) -> Outcome<Call> {
    let call = || {
        let text: Value = serde_json::from_str(value.as_str()?).ok()?;
        Some(Call {
            round: place.split('_').next()?.parse().ok()?,
            webhook: text["webhook"].as_str()?.to_owned(),
            changed: text["mutated"].as_bool()?,
        })
    };
    call().ok_or_else(|| Failure::new(format!("failed to read an audit annotation: {value}")))
}
