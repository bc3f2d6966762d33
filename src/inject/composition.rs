//! Composition: several templates on one pod, and the verdict that comes of them.
//!
//! Templates are applied one after another, each seeing the pod as the ones before it left it. One
//! refusal refuses the pod; otherwise the result is checked, every template's status is written and
//! the patch is made once. A template that is skipped for what a check found is left out, and the
//! others are composed anew: they may have built upon it.
//!
//! Where the pod carries statuses, templates are evaluated on the pod without what these claim, and
//! what they want is filled into the pod as it came: the API server calls twice, pods get copied,
//! and what is there already is not added again.

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
use crate::finding::Finding;
use crate::review::Pod;
use crate::review::pod::Dictionary;
use crate::template::Template;
use apply::apply_all;
use enforcement::{Skipped, judge};
use finalize::conclude;

/// What a composition is made from.
#[derive(Debug, Clone, Copy)]
pub struct CompositionInput<'g> {
    /// The installation's settings.
    pub settings: &'g Settings,
    /// Whose pod it is.
    pub subject: &'g RequestContext,
    /// The namespace.
    pub namespace: &'g Namespace,
    /// The pod's annotations as it came, and those it is treated to carry.
    pub annotations: &'g Dictionary<'g>,
    /// The selected templates, in order.
    pub templates: &'g [Arc<Template>],
    /// Where notes are taken, if somebody asks why.
    pub trace: Option<&'g Trace>,
}

/// A decision, and what each template's status says.
#[derive(Debug)]
pub struct Composed {
    /// The decision, its patch for the pod as it came.
    pub decision: Decision,
    /// What each template adds to the pod that it was evaluated on.
    pub statuses: BTreeMap<String, Status>,
    /// What the pod as it came has that differs from what its template wants, where that is not the
    /// pod that the template was evaluated on.
    pub kept: BTreeMap<String, Status>,
    /// What it lacks of what its template wants, likewise.
    pub lacked: BTreeMap<String, Status>,
    /// What composing met, until it is judged with what the checks find.
    found: Vec<Finding>,
}

/// One way to apply the selected templates.
#[derive(Debug, Clone, Copy)]
struct ComposeOptions<'w> {
    /// Templates that are left out for what was found about them.
    skipped: &'w Skipped,
    /// The template that is applied although it is in shadow mode.
    enforced: Option<&'w str>,
    /// What the pod's statuses claim.
    claims: &'w BTreeMap<String, Status>,
}

impl ComposeOptions<'_> {
    /// Whether a template is computed and not applied.
    fn is_shadow(&self, template: &Template) -> bool {
        template.shadow && self.enforced != Some(template.name.as_str())
    }
}

/// Composes on the pod as it came, whatever its statuses say.
pub fn compose(given: CompositionInput<'_>, pod: &Pod<'_>) -> Result<Composed, serde_json::Error> {
    let claims = BTreeMap::new();
    let mut skipped = Skipped::new();
    loop {
        let way = ComposeOptions {
            skipped: &skipped,
            enforced: None,
            claims: &claims,
        };
        let mut working = WorkingPod::new(pod)?;
        let mut composed = apply_all(given, way, &mut working, None);
        let to_skip = judge(given, way, pod, &working, &mut composed)?;
        if to_skip.is_empty() {
            conclude(working, &mut composed);
            return Ok(composed);
        }
        skipped.extend(to_skip);
    }
}

/// Composes on a pod without what its statuses claim, for the pod as it came. Where that has
/// everything, and the statuses say so, they stay as they are if `may_keep`.
pub fn compose_apart(
    given: CompositionInput<'_>,
    without: &Pod<'_>,
    received: &Pod<'_>,
    claims: &BTreeMap<String, Status>,
    may_keep: bool,
) -> Result<Composed, serde_json::Error> {
    let mut skipped = Skipped::new();
    let (working, mut composed) = loop {
        let way = ComposeOptions {
            skipped: &skipped,
            enforced: None,
            claims,
        };
        let mut evaluated = WorkingPod::new(without)?;
        let mut working = WorkingPod::new(received)?;
        let mut composed = apply_all(given, way, &mut evaluated, Some(&mut working));
        let to_skip = judge(given, way, without, &evaluated, &mut composed)?;
        if to_skip.is_empty() {
            break (working, composed);
        }
        skipped.extend(to_skip);
    };
    let says_so = |(template, status): (&String, &Status)| {
        let claimed = claims.get(template);
        claimed.is_some_and(|claimed| claimed.tells_the_same_end(status))
    };
    if may_keep && working.is_unchanged() && composed.statuses.iter().all(says_so) {
        already(&mut composed.decision);
        return Ok(composed);
    }
    // What was found may have changed since, by what others wrote; what was done has not.
    for (template, status) in &mut composed.statuses {
        if let Some(claimed) = claims.get(template) {
            status.keep_findings(claimed);
        }
    }
    conclude(working, &mut composed);
    if composed.decision.patch.is_empty() {
        already(&mut composed.decision);
    }
    Ok(composed)
}

/// The decision about a pod that has everything: nothing is injected again, and what else became of
/// its templates is repeated.
fn already(decision: &mut Decision) {
    if decision.verdict() == Verdict::Injected {
        let message = "everything that the templates add is in the pod already";
        decision.reason = Reason::AlreadyInjected;
        message.clone_into(&mut decision.message);
        message.clone_into(&mut decision.logged);
    }
}
