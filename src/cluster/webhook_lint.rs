//! Finds entries of webhook configurations that could bring a cluster to a halt, or are wrong.
//!
//! A webhook that is called for the pods that run it cannot come back once it is away; one that is
//! called for the control plane, for the leases of nodes or for everything takes the cluster down
//! with it (field reports: vault-k8s#258, cozystack#3125, topolvm#57). The server asks here before
//! it lets the API server trust an entry, and `pillion doctor` prints the findings.
//!
//! Everything is decided from the configuration alone. Labels may be set tomorrow, so a selector
//! that could match counts as one that matches; a match condition whose text is not known here
//! counts as true.

mod deadlocks;
mod expected;
mod misconfigurations;
mod satisfiability;
mod scope;

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::kubernetes::object::list_at;
use crate::kubernetes::webhook_configuration::{Entry, FailurePolicy, WebhookConfigurationError};
use expected::Shipped;

/// The match condition that leaves out the mirror pods of nodes: the annotation is believed only
/// where a node asks, as anybody may write it. Every mutating entry needs it.
pub(crate) const NOT_A_MIRROR_POD: &str = "!(object.metadata.?annotations['kubernetes.io/config.mirror'].hasValue() && 'system:nodes' in request.userInfo.?groups.orValue([]))";

/// What is known of the installation that a configuration leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Installation {
    /// The namespace that Pillion runs in.
    pub(crate) namespace: String,
    /// The name of its Service.
    pub(crate) service: String,
    /// How many replicas its Deployment wants; `None` where that is not known.
    pub(crate) replicas: Option<u32>,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum Severity {
    /// While Pillion is away, the cluster, or Pillion itself, cannot come back.
    Deadlock,
    /// Something does not work as it is meant to.
    Mistake,
    /// A managed platform did it, and it does no harm.
    Tolerated,
}

/// The rule that an entry breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum MisconfigurationKind {
    /// The entry cannot be read, so that it may do anything.
    Unreadable,
    /// It could match the namespace that Pillion runs in.
    OwnNamespace,
    /// It could match `kube-system`.
    SystemNamespace,
    /// It could match the leases of nodes.
    Leases,
    /// It could match the mirror pods of nodes.
    MirrorPods,
    /// It could match what nodes, network or authentication need.
    ControlPlane,
    /// It holds up every pod, and there is one replica to answer.
    EveryPod,
    /// Its rules are wider than what Pillion decides about.
    WideRules,
    /// Its rules do not name what Pillion decides about.
    NarrowRules,
    /// It waits longer than a decision can take.
    Timeout,
    /// It compares versions literally.
    MatchPolicy,
    /// It is not called again when others changed the pod.
    Reinvocation,
    /// It fails open, or closed, where the other is meant.
    FailurePolicy,
    /// It calls something else.
    Service,
    /// A requirement of its selectors is missing.
    SelectorLost,
    /// Its selectors require something that is not shipped.
    SelectorAdded,
    /// Pillion has no entry of this name.
    UnknownEntry,
}

/// A misconfiguration of one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Misconfiguration {
    /// How bad it is.
    pub(crate) severity: Severity,
    /// Which one.
    pub(crate) kind: MisconfigurationKind,
    /// The entry's name.
    pub(crate) entry: String,
    /// What could happen, and why.
    pub(crate) what: String,
    /// What would be right.
    pub(crate) remedy: String,
}

impl fmt::Display for Misconfiguration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.entry, self.what, self.remedy)
    }
}

/// What could go wrong with a `MutatingWebhookConfiguration` or `ValidatingWebhookConfiguration`,
/// entry by entry.
pub(crate) fn lint(configuration: &Value, installation: &Installation) -> Vec<Misconfiguration> {
    let mutating = is_mutating(configuration);
    let shipped = if mutating {
        expected::mutating()
    } else {
        expected::validating()
    };
    list_at(configuration, "/webhooks")
        .iter()
        .flat_map(|value| of_entry(value, mutating, &shipped, installation))
        .collect()
}

/// The names of the entries that a configuration of this kind is shipped with.
pub(crate) fn shipped_entries(configuration: &Value) -> Vec<&'static str> {
    let shipped = if is_mutating(configuration) {
        expected::mutating()
    } else {
        expected::validating()
    };
    shipped.into_iter().map(|entry| entry.name).collect()
}

fn is_mutating(configuration: &Value) -> bool {
    let kind = configuration.get("kind").and_then(Value::as_str);
    kind != Some("ValidatingWebhookConfiguration")
}

fn of_entry(
    value: &Value,
    mutating: bool,
    shipped: &[Shipped],
    installation: &Installation,
) -> Vec<Misconfiguration> {
    let entry = match Entry::read(value) {
        Ok(entry) => entry,
        Err(problem) => return vec![unreadable(value, &problem)],
    };
    let mut found = Findings {
        entry: &entry,
        misconfigurations: Vec::new(),
    };
    let shipped = shipped.iter().find(|shipped| shipped.name == entry.name);
    deadlocks::find(&mut found, shipped, installation);
    misconfigurations::find(&mut found, mutating, shipped, installation);
    found.misconfigurations
}

fn unreadable(value: &Value, problem: &WebhookConfigurationError) -> Misconfiguration {
    let problem = match problem {
        WebhookConfigurationError::Shape { source, .. } => source.to_string(),
        WebhookConfigurationError::Kind(_) => problem.to_string(),
    };
    let name = value.get("name").and_then(Value::as_str);
    Misconfiguration {
        severity: Severity::Deadlock,
        kind: MisconfigurationKind::Unreadable,
        entry: name.unwrap_or("(no name)").to_owned(),
        what: format!("the entry cannot be read: {problem}"),
        remedy: "restore the entry as it is shipped".to_owned(),
    }
}

/// Collects the misconfigurations of one entry.
struct Findings<'e> {
    entry: &'e Entry,
    misconfigurations: Vec<Misconfiguration>,
}

impl Findings<'_> {
    fn add(
        &mut self,
        severity: Severity,
        kind: MisconfigurationKind,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.misconfigurations.push(Misconfiguration {
            severity,
            kind,
            entry: self.entry.name.clone(),
            what: what.into(),
            remedy: remedy.into(),
        });
    }

    /// A deadlock where the entry fails closed; where it fails open the cluster comes back, late.
    fn halts(&mut self, kind: MisconfigurationKind, what: &str, remedy: &str) {
        let (severity, end) = if self.entry.failure_policy == FailurePolicy::Fail {
            (
                Severity::Deadlock,
                "and failurePolicy is Fail: while Pillion is away it is refused",
            )
        } else {
            (
                Severity::Mistake,
                "and while Pillion is away each request waits for the timeout",
            )
        };
        self.add(severity, kind, format!("{what}, {end}"), remedy);
    }
}

#[cfg(test)]
mod tests;
