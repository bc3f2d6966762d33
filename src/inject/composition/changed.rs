//! What others made of helpers between two calls, checked as it leaves.
//!
//! Templates are composed as they are served, and what others changed since stays. People are told what follows
//! from that; no pod is refused for it, as the first call has admitted the pod.

use std::collections::BTreeMap;

use serde_json::Value;

use super::enforcement::{Skipped, applied, assign, check_context, chosen_by_namespace, policy};
use super::{ComposeOptions, Composed, CompositionInput};
use crate::check::{self, CheckContext};
use crate::finding::{Finding, Policy};
use crate::inject::status::{Element, Status};
use crate::inject::verdict::EnforcedFinding;

/// Adds what is wrong with templates' parts of the pod that leaves, and was not with what was composed.
pub(crate) fn check_changed(
    input: CompositionInput<'_>,
    composed: &mut Composed,
    (as_composed, leaving): (&Value, &Value),
) {
    if !input.settings.checks.enabled || as_composed == leaving {
        return;
    }
    let templates = applied(input, &composed.decision);
    let with = check_context(input, &templates);
    let before: Vec<Finding> = findings(as_composed, composed, &with).collect();
    let now: Vec<Finding> = findings(leaving, composed, &with).collect();
    // What others have mended is no news.
    for outcome in &mut composed.decision.outcomes {
        outcome.findings.retain(|EnforcedFinding { finding, .. }| {
            !is_among(&before, finding) || is_among(&now, finding)
        });
    }
    let new = now
        .into_iter()
        .filter(|finding| !is_among(&before, finding));
    let (chosen, _) = chosen_by_namespace(input);
    let options = ComposeOptions {
        skipped: &Skipped::new(),
        enforced: None,
        claims: &BTreeMap::new(),
    };
    let enforced = new.map(|finding| EnforcedFinding {
        policy: match policy(input, options, &chosen, &finding) {
            Policy::Deny | Policy::Skip => Policy::Warn,
            policy => policy,
        },
        finding,
    });
    assign(&mut composed.decision, enforced.collect());
}

/// Whether a finding is among others, wherever its container stands: order may have changed.
fn is_among(findings: &[Finding], finding: &Finding) -> bool {
    findings.iter().any(|other| {
        (other.code, &other.template, &other.message)
            == (finding.code, &finding.template, &finding.message)
    })
}

/// What is wrong with what templates added to a pod as a whole: what they added to the app's containers is not
/// told apart here.
fn findings(
    pod: &Value,
    composed: &Composed,
    with: &CheckContext<'_>,
) -> impl Iterator<Item = Finding> + use<> {
    let added_by = |name: &str| owner(&composed.statuses, name);
    let found = check::findings(&check::Pod::read(pod, &added_by), with);
    found
        .into_iter()
        .filter(|finding| finding.template.is_some())
}

/// The template that added the container or volume of a name.
fn owner<'s>(statuses: &'s BTreeMap<String, Status>, name: &str) -> Option<&'s str> {
    let added = [
        Element::Container(name),
        Element::InitContainer(name),
        Element::Volume(name),
    ];
    let mut statuses = statuses.iter();
    let found = statuses.find(|(_, status)| added.iter().any(|element| status.names(*element)));
    found.map(|(template, _)| template.as_str())
}
