//! The API server's own gates: whether it calls Pillion for a pod at all.
//!
//! Each entry of a `MutatingWebhookConfiguration` has rules, a namespaceSelector, an
//! objectSelector and match conditions, all of which must let the pod pass
//! (apiserver:pkg/admission/plugin/webhook/generic/webhook.go, `ShouldCallHook`). A pod that is
//! stopped here never reaches Pillion: no log, no metric and no warning tells of it.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::expression::{AdmissionCondition, AdmissionData, EvaluationError};
use crate::kubernetes::selector::LabelSelector;
use crate::kubernetes::webhook_configuration::{
    Entry, FailurePolicy, MatchCondition, WebhookConfiguration,
};
use crate::review::pod::Dictionary;
use crate::wording::with_sources;

/// What the API server knows of a pod when it decides whom to call.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    /// The operation, `CREATE` for all but odd reviews.
    pub operation: &'a str,
    /// The labels of the namespace.
    pub namespace_labels: &'a BTreeMap<String, String>,
    /// The pod's labels.
    pub labels: &'a Dictionary<'a>,
    /// The pod.
    pub object: &'a Value,
    /// The request of the AdmissionReview, without its objects.
    pub request: &'a Value,
}

/// What a gate does with a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum GateResult {
    /// The pod passes.
    #[serde(rename = "Passes")]
    Match,
    /// The pod is stopped.
    #[serde(rename = "Stops")]
    NoMatch,
    /// The gate fails, as an expression of it does.
    #[serde(rename = "Fails")]
    Error,
    /// It cannot be told here, only by the API server.
    Unknown,
}

/// One gate of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Gate {
    /// The field of the entry: `rules`, `namespaceSelector`, `objectSelector`, `matchConditions`.
    pub(crate) gate: &'static str,
    /// The match condition's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// What it does.
    pub(crate) result: GateResult,
    /// Why, in one sentence.
    pub(crate) why: String,
}

/// Whether the API server calls Pillion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Call {
    /// It calls.
    Called,
    /// It does not.
    NotCalled,
    /// It refuses the pod, as a match condition fails and `failurePolicy` is `Fail`.
    Refused,
    /// It cannot be told here.
    Unknown,
}

/// What one entry of a webhook configuration does with a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct EntryGates {
    /// The configuration's name.
    pub(crate) configuration: String,
    /// The entry's name.
    pub entry: String,
    /// What happens to a pod when Pillion does not answer: `Fail` or `Ignore`.
    pub(crate) failure_policy: &'static str,
    /// Whether Pillion is called.
    pub call: Call,
    /// Every gate, in the order in which the API server asks them.
    pub(crate) gates: Vec<Gate>,
}

impl EntryGates {
    /// The first gate that does not let the pod pass.
    pub(crate) fn first_stop(&self) -> Option<&Gate> {
        let mut gates = self.gates.iter();
        gates.find(|gate| gate.result != GateResult::Match)
    }
}

/// How the names of our entries end; they are stable for ever.
pub(crate) const OUR_ENTRIES: &str = ".pillion.dev";
/// The name of our Service, for entries that somebody renamed.
const OUR_SERVICE: &str = "pillion";

/// Whether an entry names Pillion: by its name, or by the Service that it calls.
pub(crate) fn is_ours(entry: &Entry) -> bool {
    let service = entry.client_config.service.as_ref();
    entry.name.ends_with(OUR_ENTRIES) || service.is_some_and(|one| one.name == OUR_SERVICE)
}

/// Whether any entry of a configuration names Pillion.
pub(crate) fn leads_to_us(configuration: &WebhookConfiguration) -> bool {
    configuration.entries.iter().any(is_ours)
}

/// What the entries of a configuration that name Pillion do with a pod.
pub fn evaluate(configuration: &WebhookConfiguration, arrival: Arrival<'_>) -> Vec<EntryGates> {
    configuration
        .entries
        .iter()
        .filter(|entry| is_ours(entry))
        .map(|entry| of_entry(&configuration.name, entry, arrival))
        .collect()
}

fn of_entry(configuration: &str, entry: &Entry, arrival: Arrival<'_>) -> EntryGates {
    let mut gates = vec![
        selector(
            "namespaceSelector",
            "the namespace",
            &entry.namespace_selector,
            arrival.namespace_labels,
        ),
        selector(
            "objectSelector",
            "the pod",
            &entry.object_selector,
            arrival.labels,
        ),
        rules(entry, arrival.operation),
    ];
    let data = AdmissionData::of_creation(arrival.object, arrival.request);
    let conditions = entry.match_conditions.iter();
    gates.extend(conditions.map(|one| condition(one, &data, arrival.request)));
    EntryGates {
        configuration: configuration.to_owned(),
        entry: entry.name.clone(),
        failure_policy: entry.failure_policy.as_str(),
        call: call(&gates, entry.failure_policy),
        gates,
    }
}

/// One false condition is enough; else one that fails decides by `failurePolicy`
/// (apiserver:pkg/admission/plugin/webhook/matchconditions/matcher.go).
fn call(gates: &[Gate], policy: FailurePolicy) -> Call {
    let any = |result| gates.iter().any(|gate| gate.result == result);
    if any(GateResult::NoMatch) {
        Call::NotCalled
    } else if any(GateResult::Unknown) {
        Call::Unknown
    } else if any(GateResult::Error) {
        match policy {
            FailurePolicy::Fail => Call::Refused,
            FailurePolicy::Ignore => Call::NotCalled,
        }
    } else {
        Call::Called
    }
}

fn gate(field: &'static str, result: GateResult, why: impl Into<String>) -> Gate {
    Gate {
        gate: field,
        name: None,
        result,
        why: why.into(),
    }
}

fn selector<T: Borrow<str> + Ord>(
    field: &'static str,
    whose: &str,
    selector: &LabelSelector,
    labels: &BTreeMap<T, T>,
) -> Gate {
    if selector.0.is_empty() {
        return gate(field, GateResult::Match, "it is empty and matches all");
    }
    let Some(unmet) = selector.unmet(labels) else {
        let why = format!("{whose}'s labels match");
        return gate(field, GateResult::Match, why);
    };
    let has = match labels.get(unmet.key.as_str()).map(Borrow::borrow) {
        Some("") => format!("{whose} has the label {}", unmet.key),
        Some(value) => format!("{whose} has the label {}={value}", unmet.key),
        None => format!("{whose} has no label {}", unmet.key),
    };
    gate(
        field,
        GateResult::NoMatch,
        format!("`{unmet}` asked for; {has}"),
    )
}

fn rules(entry: &Entry, operation: &str) -> Gate {
    if !entry.rules.iter().any(|rule| rule.names("", "v1", "pods")) {
        return gate("rules", GateResult::NoMatch, "no rule is about pods");
    }
    if entry.is_about(operation, "", "v1", "pods") {
        let why = format!("a rule is about {operation} of pods");
        return gate("rules", GateResult::Match, why);
    }
    let why = format!("no rule is about {operation} of pods");
    gate("rules", GateResult::NoMatch, why)
}

fn condition(condition: &MatchCondition, data: &AdmissionData<'_>, request: &Value) -> Gate {
    let holds = AdmissionCondition::compile(&condition.expression)
        .map_err(|error| (GateResult::Unknown, error.to_string()))
        .and_then(|compiled| {
            compiled
                .holds(data)
                .map_err(|error| (failing(&error, request), with_sources(&error)))
        });
    let expression = condition.expression.trim();
    let (result, why) = match holds {
        Ok(true) => (GateResult::Match, format!("`{expression}` is true")),
        Ok(false) => (GateResult::NoMatch, format!("`{expression}` is false")),
        Err((GateResult::Error, why)) => {
            (GateResult::Error, format!("`{expression}` fails: {why}"))
        }
        Err((result, why)) => (
            result,
            format!("only the API server can tell whether `{expression}`: {why}"),
        ),
    };
    Gate {
        name: Some(condition.name.clone()),
        ..gate("matchConditions", result, why)
    }
}

/// What an error means: one of the data fails in the API server too, but functions and names that
/// are not known here, and a requester that is not known, are no failures there.
fn failing(error: &EvaluationError, request: &Value) -> GateResult {
    match error {
        EvaluationError::NoSuchKey(key) if request.get(key).is_none() && key == "userInfo" => {
            GateResult::Unknown
        }
        EvaluationError::NoSuchKey(_)
        | EvaluationError::IndexOutOfBounds
        | EvaluationError::DivisionByZero
        | EvaluationError::NotBoolean(_) => GateResult::Error,
        _ => GateResult::Unknown,
    }
}

#[cfg(test)]
mod tests;
