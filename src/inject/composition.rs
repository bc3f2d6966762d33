//! Composition: several templates on one pod, and the verdict that comes of them.
//!
//! Templates are applied one after another, each seeing the pod as the ones before it left it. One
//! refusal refuses the pod; otherwise the result is checked, every template's status is written and
//! the patch is made once. A template that is skipped for what a check found is left out, and the
//! others are composed anew: they may have built upon it.
//!
//! Where the pod carries statuses, [`super::reinvocation`] takes out of it what is ours before.

mod apply;
mod changed;
mod enforcement;
mod finalize;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::pod::WorkingPod;
use super::request_context::RequestContext;
use super::settings::{Namespace, Settings};
use super::status::Status;
use super::trace::Trace;
use super::verdict::Decision;
use serde_json::Value;

use crate::expression::Budget;
use crate::finding::Finding;
use crate::review::Pod;
use crate::review::pod::Dictionary;
use crate::template::{Catalog, Template};
use apply::apply_all;
pub(crate) use changed::check_changed;
use enforcement::{Skipped, enforce};
use finalize::conclude;

/// What a composition is made from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CompositionInput<'i> {
    pub(crate) settings: &'i Settings,
    /// What the request says besides the pod.
    pub(crate) context: &'i RequestContext,
    pub(crate) namespace: &'i Namespace,
    /// The annotations of the pod as received, and those of the request context.
    pub(crate) annotations: &'i Dictionary<'i>,
    /// Every template that is served.
    pub(crate) catalog: &'i Catalog,
    /// The selected templates, in order.
    pub(crate) templates: &'i [Arc<Template>],
    /// What was found when they were selected.
    pub(crate) found: &'i [Finding],
    /// Records the steps for `explain`; `None` in the webhook.
    pub(crate) trace: Option<&'i Trace>,
    /// What the whole review is paid from.
    pub(crate) budget: &'i Budget<'i>,
}

/// A decision and the statuses that belong to it.
#[derive(Debug)]
pub(crate) struct Composed {
    /// The decision; its patch is for the pod as received.
    pub(crate) decision: Decision,
    /// What each template adds to the pod that it was evaluated on.
    pub(crate) statuses: BTreeMap<String, Status>,
    /// Findings raised during composition, before policies are applied.
    found: Vec<Finding>,
}

/// The pod that templates are composed on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ComposedPod<'p, 'e> {
    /// The pod that templates are evaluated on.
    pub(crate) evaluated: &'p Pod<'e>,
    /// Helpers of mandatory templates that were taken out of it, as received.
    pub(crate) earlier: &'p BTreeMap<String, Value>,
    /// The statuses of templates whose revision and parameters are as they were.
    pub(crate) claims: &'p BTreeMap<String, Status>,
    /// What was found before.
    pub(crate) found: &'p [Finding],
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
pub(crate) fn compose(
    input: CompositionInput<'_>,
    pod: ComposedPod<'_, '_>,
) -> Result<Composed, serde_json::Error> {
    let mut skipped = Skipped::new();
    loop {
        let options = ComposeOptions {
            skipped: &skipped,
            enforced: None,
            claims: pod.claims,
        };
        let mut working = WorkingPod::new(pod.evaluated)?.without_helpers(pod.earlier);
        let mut composed = apply_all(input, options, &mut working);
        composed
            .found
            .extend(input.found.iter().chain(pod.found).cloned());
        let to_skip = enforce(input, options, pod.evaluated, &working, &mut composed)?;
        if to_skip.is_empty() {
            conclude(working, &mut composed);
            return Ok(composed);
        }
        skipped.extend(to_skip);
    }
}
