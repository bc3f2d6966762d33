//! What became of the pod that was created on trial.

use serde_json::Value;

use super::super::facts::{Facts, Probe};
use super::{Check, Line};
use crate::cluster::DryRunResult;
use crate::inject::status::Status;

/// How a refusal begins that a parameter of the configuration is the reason of.
const CONFIGURED: &str = "configuration parameters.";

pub(super) fn probe(facts: &Facts) -> Vec<Line> {
    let check = Check::Probe;
    let Some((probe, trial)) = &facts.probe else {
        let message = "not known: no template can be asked for without a parameter";
        return vec![check.warning(message, "try one of your own pods with --dry-run=server")];
    };
    vec![judge(probe, trial)]
}

fn judge(probe: &Probe, trial: &DryRunResult) -> Line {
    let check = Check::Probe;
    let (namespace, template) = (&probe.namespace, &probe.template);
    match trial {
        DryRunResult::Unknown(why) => check.unknown("whether a pod comes back injected", why),
        DryRunResult::Taken(pod) => taken(probe, pod),
        DryRunResult::Refused(message) if message.contains(CONFIGURED) => check.failure(
            format!("every pod that asks for `{template}` is refused: {message}"),
            "correct the parameter in the configuration (of the chart: configuration.parameters)",
        ),
        DryRunResult::Refused(message) if message.contains("denied the request") => check.warning(
            format!(
                "the API server calls Pillion, but the pod on trial in `{namespace}` that asks for \
                 `{template}` was refused: {message}"
            ),
            "name another namespace with --probe-namespace, where a pod that sets nothing is taken",
        ),
        DryRunResult::Refused(message) if message.contains("failed calling webhook") => check
            .failure(
                format!("the API server cannot call Pillion: {message}"),
                "see the lines above: certificate, caBundle, Service and endpoints, and that no \
             NetworkPolicy or firewall is between the API server and the webhook port",
            ),
        DryRunResult::Refused(message) => check.warning(
            format!("not known: the pod on trial in `{namespace}` was refused: {message}"),
            "name a namespace with --probe-namespace that takes pods",
        ),
    }
}

fn taken(probe: &Probe, pod: &Value) -> Line {
    let check = Check::Probe;
    let (namespace, template) = (&probe.namespace, &probe.template);
    let annotations = pod.pointer("/metadata/annotations");
    let Some(text) = annotations.and_then(|all| all.get(probe.status_key())?.as_str()) else {
        return check.failure(
            format!("a pod in `{namespace}` that asks for `{template}` comes out bare"),
            "see the lines above about configurations; `pillion explain` on such a pod says which \
             gate stops it",
        );
    };
    let status: Status = serde_json::from_str(text).unwrap_or_default();
    if status.verdict == "Injected" {
        return check.ok(format!(
            "a pod in `{namespace}` that asks for `{template}` comes back injected"
        ));
    }
    check.warning(
        format!(
            "the API server calls Pillion, but the pod on trial in `{namespace}` came back {} ({}): {}",
            status.verdict, status.reason, status.message
        ),
        "name another namespace with --probe-namespace, or look at the template",
    )
}

#[cfg(test)]
mod tests {
    use super::super::Health;
    use super::*;
    use serde_json::json;

    #[test]
    fn every_end_of_the_trial_is_told() {
        let probe = Probe {
            namespace: "shop".to_owned(),
            template: "a".to_owned(),
            pod: Value::Null,
        };
        let pod = |status: &str| {
            DryRunResult::Taken(
                json!({"metadata": {"annotations": {"pillion.dev/status.a": status}}}),
            )
        };
        let refused = |message: &str| DryRunResult::Refused(message.to_owned());
        let table = [
            (
                pod(r#"{"verdict":"Injected","reason":"Applied"}"#),
                Health::Ok,
                "comes back injected",
            ),
            (
                pod(r#"{"verdict":"Skipped","reason":"WindowsPod"}"#),
                Health::Warning,
                "came back Skipped (WindowsPod)",
            ),
            (
                DryRunResult::Taken(json!({"metadata": {}})),
                Health::Failure,
                "comes out bare",
            ),
            (
                refused("admission webhook \"x\" denied the request: no"),
                Health::Warning,
                "calls Pillion",
            ),
            (
                refused("denied the request: a: configuration parameters.a.b: there is no b"),
                Health::Failure,
                "every pod that asks for `a` is refused",
            ),
            (
                refused("failed calling webhook \"x\": EOF"),
                Health::Failure,
                "cannot call",
            ),
            (refused("exceeded quota"), Health::Warning, "not known"),
            (
                DryRunResult::Unknown("forbidden".to_owned()),
                Health::Warning,
                "not known",
            ),
        ];
        for (trial, status, told) in table {
            let line = judge(&probe, &trial);
            assert_eq!(line.status, status, "{line:?}");
            assert!(line.message.contains(told), "{line:?}");
        }
    }
}
