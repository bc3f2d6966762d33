//! Composition: several templates on one pod, and the verdict that comes of them.
//!
//! Templates are applied one after another, each seeing the pod as the ones before it left it. One
//! refusal refuses the pod; otherwise the result is checked, every template's status is written and
//! the patch is made once. A template that is skipped for what a check found is left out, and the
//! others are composed anew: they may have built upon it.
//!
//! Where the pod carries statuses, their claims are set aside: templates are evaluated on the rest, and
//! the patch is the difference between the pod as received and the result. The API server calls twice,
//! people copy pods, and nothing is added again that is there already.

mod apply;
mod enforcement;
mod finalize;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::pod::WorkingPod;
use super::request_context::RequestContext;
use super::settings::{Namespace, Settings};
use super::status::Status;
use super::trace::Trace;
use super::verdict::{Decision, Reason, Verdict};
use crate::expression::Budget;
use crate::finding::Finding;
use crate::review::Pod;
use crate::review::pod::Dictionary;
use crate::template::Template;
use apply::apply_all;
use enforcement::{Skipped, enforce};
use finalize::conclude;

/// What a composition is made from.
#[derive(Debug, Clone, Copy)]
pub struct CompositionInput<'i> {
    /// The installation's settings.
    pub settings: &'i Settings,
    /// What the request says besides the pod.
    pub context: &'i RequestContext,
    /// The namespace.
    pub namespace: &'i Namespace,
    /// The annotations of the pod as received, and those of the request context.
    pub annotations: &'i Dictionary<'i>,
    /// The selected templates, in order.
    pub templates: &'i [Arc<Template>],
    /// Records the steps for `explain`; `None` in the webhook.
    pub trace: Option<&'i Trace>,
    /// What the whole review is paid from.
    pub budget: &'i Budget<'i>,
}

/// The pod that templates are composed on.
#[derive(Debug, Clone, Copy)]
pub struct ComposedPod<'p> {
    /// The pod that templates are evaluated on: without what its statuses claim.
    pub evaluated: &'p Pod<'p>,
    /// The pod as received, where that is another.
    pub received: Option<&'p Pod<'p>>,
    /// What the pod's statuses claim.
    pub claims: &'p BTreeMap<String, Status>,
    /// Whether the statuses may stay as they are where the pod has everything and they say so.
    pub may_keep: bool,
}

/// A decision and the statuses that belong to it.
#[derive(Debug)]
pub struct Composed {
    /// The decision; its patch is for the pod as received.
    pub decision: Decision,
    /// What each template adds to the pod that it was evaluated on.
    pub statuses: BTreeMap<String, Status>,
    /// Fields of the received pod that differ from the template (second call only).
    pub kept: BTreeMap<String, Status>,
    /// Template fields missing from the received pod (second call only).
    pub lacked: BTreeMap<String, Status>,
    /// Findings raised during composition, before policies are applied.
    found: Vec<Finding>,
}

/// Options of one composition pass.
#[derive(Debug, Clone, Copy)]
struct ComposeOptions<'o> {
    /// Templates that are left out, each for a finding.
    skipped: &'o Skipped,
    /// The template that is applied although it is in shadow mode.
    enforced: Option<&'o str>,
    /// What the pod's statuses claim.
    claims: &'o BTreeMap<String, Status>,
}

impl ComposeOptions<'_> {
    /// Whether a template is computed and not applied.
    fn is_shadow(&self, template: &Template) -> bool {
        template.shadow && self.enforced != Some(template.name.as_str())
    }
}

/// Composes the selected templates, again and again until no finding leaves out another of them.
pub fn compose(
    input: CompositionInput<'_>,
    pod: ComposedPod<'_>,
) -> Result<Composed, serde_json::Error> {
    let mut skipped = Skipped::new();
    loop {
        let options = ComposeOptions {
            skipped: &skipped,
            enforced: None,
            claims: pod.claims,
        };
        let mut evaluated = WorkingPod::new(pod.evaluated)?;
        let mut received = pod.received.map(WorkingPod::new).transpose()?;
        let mut composed = apply_all(input, options, &mut evaluated, received.as_mut());
        let to_skip = enforce(input, options, pod.evaluated, &evaluated, &mut composed)?;
        if to_skip.is_empty() {
            match received {
                Some(received) => conclude_apart(pod, received, &mut composed),
                None => conclude(evaluated, &mut composed),
            }
            return Ok(composed);
        }
        skipped.extend(to_skip);
    }
}

/// Ends a composition whose claims were set aside.
fn conclude_apart(pod: ComposedPod<'_>, received: WorkingPod<'_>, composed: &mut Composed) {
    let has_this_status = |(template, status): (&String, &Status)| {
        let claimed = pod.claims.get(template);
        claimed.is_some_and(|claimed| claimed.tells_the_same_end(status))
    };
    if pod.may_keep && received.is_unchanged() && composed.statuses.iter().all(has_this_status) {
        already_injected(&mut composed.decision);
        return;
    }
    // Other webhooks may have changed what the checks find since; what was added is the same.
    for (template, status) in &mut composed.statuses {
        if let Some(claimed) = pod.claims.get(template) {
            status.keep_findings(claimed);
        }
    }
    conclude(received, composed);
    if composed.decision.patch.is_empty() {
        already_injected(&mut composed.decision);
    }
}

/// Makes `Injected` the decision about a pod that has everything already.
fn already_injected(decision: &mut Decision) {
    if decision.verdict() == Verdict::Injected {
        let message = "everything that the templates add is in the pod already";
        decision.reason = Reason::AlreadyInjected;
        message.clone_into(&mut decision.message);
        message.clone_into(&mut decision.logged);
    }
}
