//! What became of the pod that was created on trial.

use serde_json::Value;

use super::super::facts::{Facts, Probe};
use super::{Check, Line};
use crate::cluster::{DryRunResult, Read};
use crate::explain::gates::OUR_ENTRIES;
use crate::inject::status::Status;
use crate::kubernetes::object::list_at;

/// How a refusal begins that a parameter of the configuration is the reason of.
const CONFIGURED: &str = "configuration parameters.";

/// The policy that refuses a pod that asked and came out bare.
const REQUIRE_INJECTION: &str = "pillion-require-injection";

pub(super) fn probe(facts: &Facts) -> Vec<Line> {
    let check = Check::Probe;
    let Some((probe, trial)) = &facts.probe else {
        let message = "not known: no template can be asked for without a parameter";
        return vec![check.warning(message, "try one of your own pods with --dry-run=server")];
    };
    vec![judge(probe, trial, &|name| is_ours(facts, name))]
}

/// Whether a webhook of this name is Pillion's: an entry of its configurations, or named as these are.
fn is_ours(facts: &Facts, name: &str) -> bool {
    let read = facts.configurations.iter();
    let configurations = read.filter_map(|(_, read)| match read {
        Read::Found(configuration) => Some(configuration),
        Read::Missing | Read::Unknown(_) => None,
    });
    let mut entries = configurations.flat_map(|one| list_at(one, "/webhooks"));
    name.ends_with(OUR_ENTRIES) || entries.any(|entry| entry["name"] == name)
}

fn judge(probe: &Probe, trial: &DryRunResult, is_ours: &dyn Fn(&str) -> bool) -> Line {
    let check = Check::Probe;
    match trial {
        DryRunResult::Unknown(why) => check.unknown("whether a pod comes back injected", why),
        DryRunResult::Taken(pod) => taken(probe, pod),
        DryRunResult::Refused(message) => match Refuser::of(message) {
            Refuser::Webhook(name) if is_ours(name) => refused(probe, message),
            Refuser::Webhook(name) => by_another(probe, ("webhook", name, "refused"), message),
            Refuser::Silent(name) if is_ours(name) => check.failure(
                format!("the API server cannot call Pillion: {message}"),
                "see the lines above: certificate, caBundle, Service and endpoints, and that no \
                 NetworkPolicy or firewall is between the API server and the webhook port",
            ),
            Refuser::Silent(name) => {
                by_another(probe, ("webhook", name, "could not be called for"), message)
            }
            Refuser::Policy(REQUIRE_INJECTION) => bare(probe),
            Refuser::Policy(name) => by_another(probe, ("policy", name, "refused"), message),
            Refuser::Other => check.warning(
                format!(
                    "not known: the pod on trial in `{}` was refused: {message}",
                    probe.namespace
                ),
                "name a namespace with --probe-namespace that takes pods",
            ),
        },
    }
}

/// Who refused a pod, as the API server names it in its message.
#[derive(Debug, PartialEq, Eq)]
enum Refuser<'m> {
    /// A webhook, by its entry's name.
    Webhook(&'m str),
    /// A webhook that could not be called.
    Silent(&'m str),
    /// An admission policy.
    Policy(&'m str),
    /// A part of the API server itself.
    Other,
}

impl<'m> Refuser<'m> {
    /// The one that is named first: what comes behind are the words of the one who refuses.
    fn of(message: &'m str) -> Self {
        let named = |before: &str, quote: char| {
            let start = message.find(before)? + before.len();
            let (name, _) = message.get(start..)?.split_once(quote)?;
            Some((start, name))
        };
        let parts = [
            named("admission webhook \"", '"').map(|(at, name)| (at, Self::Webhook(name))),
            named("failed calling webhook \"", '"').map(|(at, name)| (at, Self::Silent(name))),
            named("AdmissionPolicy '", '\'').map(|(at, name)| (at, Self::Policy(name))),
        ];
        let first = parts.into_iter().flatten().min_by_key(|(at, _)| *at);
        first.map_or(Self::Other, |(_, refuser)| refuser)
    }
}

/// What Pillion itself refused.
fn refused(probe: &Probe, message: &str) -> Line {
    let check = Check::Probe;
    let (namespace, template) = (&probe.namespace, &probe.template);
    if message.contains(CONFIGURED) {
        return check.failure(
            format!("every pod that asks for `{template}` is refused: {message}"),
            "correct the parameter in the configuration (of the chart: configuration.parameters)",
        );
    }
    check.warning(
        format!(
            "the API server calls Pillion, but the pod on trial in `{namespace}` that asks for \
             `{template}` was refused: {message}"
        ),
        "name another namespace with --probe-namespace, where a pod that sets nothing is taken",
    )
}

/// What says nothing of Pillion.
fn by_another(probe: &Probe, (what, name, did): (&str, &str, &str), message: &str) -> Line {
    let namespace = &probe.namespace;
    Check::Probe.warning(
        format!(
            "not known: another {what}, `{name}`, {did} the pod on trial in `{namespace}`: {message}"
        ),
        format!("look at that {what}, or name a namespace with --probe-namespace that it leaves alone"),
    )
}

/// The pod came out as it went in.
fn bare(probe: &Probe) -> Line {
    let (namespace, template) = (&probe.namespace, &probe.template);
    Check::Probe.failure(
        format!("a pod in `{namespace}` that asks for `{template}` comes out bare"),
        "see the lines above about configurations; `pillion explain` on such a pod says which gate \
         stops it",
    )
}

fn taken(probe: &Probe, pod: &Value) -> Line {
    let check = Check::Probe;
    let (namespace, template) = (&probe.namespace, &probe.template);
    let annotations = pod.pointer("/metadata/annotations");
    let Some(text) = annotations.and_then(|all| all.get(probe.status_key())?.as_str()) else {
        return bare(probe);
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

    fn check_all(table: &[(DryRunResult, Health, &str)]) {
        let probe = Probe {
            namespace: "shop".to_owned(),
            template: "a".to_owned(),
            pod: Value::Null,
        };
        for (trial, status, told) in table {
            let line = judge(&probe, trial, &|name| name == "ours");
            assert_eq!(line.status, *status, "{line:?}");
            assert!(line.message.contains(told), "{line:?}");
        }
    }

    fn refused(message: &str) -> DryRunResult {
        DryRunResult::Refused(message.to_owned())
    }

    #[test]
    fn every_end_of_the_trial_is_told() {
        let pod = |status: &str| {
            DryRunResult::Taken(
                json!({"metadata": {"annotations": {"pillion.dev/status.a": status}}}),
            )
        };
        check_all(&[
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
                refused("admission webhook \"ours\" denied the request: no"),
                Health::Warning,
                "calls Pillion",
            ),
            (
                refused(
                    "admission webhook \"ours\" denied the request: a: configuration parameters.a.b: there is no b",
                ),
                Health::Failure,
                "every pod that asks for `a` is refused",
            ),
            (
                refused("failed calling webhook \"ours\": EOF"),
                Health::Failure,
                "cannot call",
            ),
            (refused("exceeded quota"), Health::Warning, "not known"),
            (
                DryRunResult::Unknown("forbidden".to_owned()),
                Health::Warning,
                "not known",
            ),
        ]);
    }

    #[test]
    fn who_else_refused_the_pod_is_named() {
        check_all(&[
            (
                refused(
                    "admission webhook \"x\" denied the request: configuration parameters.a: no",
                ),
                Health::Warning,
                "not known: another webhook, `x`, refused the pod",
            ),
            (
                refused(
                    "admission webhook \"x\" denied the request: failed calling webhook \"ours\"",
                ),
                Health::Warning,
                "not known: another webhook, `x`, refused",
            ),
            (
                refused("failed calling webhook \"x\": failed to call webhook: EOF"),
                Health::Warning,
                "not known: another webhook, `x`, could not be called",
            ),
            (
                refused(
                    "pods \"p\" is forbidden: ValidatingAdmissionPolicy 'own-labels' with binding \
                     'own-labels' denied request: no",
                ),
                Health::Warning,
                "not known: another policy, `own-labels`, refused",
            ),
            (
                refused(
                    "pods \"p\" is forbidden: ValidatingAdmissionPolicy 'pillion-require-injection' \
                     with binding 'pillion-require-injection' denied request: no",
                ),
                Health::Failure,
                "comes out bare",
            ),
        ]);
    }
}
