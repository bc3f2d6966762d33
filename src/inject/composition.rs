//! Composition: several templates on one pod, and the verdict that comes of them.
//!
//! Templates are applied one after another, each seeing the pod as the ones before it left it. One
//! refusal refuses the pod; otherwise every template's status is written and the patch is made once.
//!
//! Where the pod carries statuses, templates are evaluated on the pod without what these claim, and
//! what they want is filled into the pod as it came: the API server calls twice, pods get copied,
//! and what is there already is not added again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Patch;
use super::evaluation::{Circumstances, evaluate};
use super::plan::{Change, SAFE_TO_EVICT, plan};
use super::pod::WorkingPod;
use super::refusal::Refusal;
use super::settings::{Namespace, Settings};
use super::status::Status;
use super::subject::{Subject, Texts};
use super::verdict::{Decision, Outcome, Reason, Verdict};
use crate::review::Pod;
use crate::template::Template;

/// What all annotations of an object may have together, keys included
/// (apimachinery:pkg/api/validation/objectmeta.go, `TotalAnnotationSizeLimitB`).
const ANNOTATIONS_LIMIT: usize = 256 * 1024;

/// What a composition is made from.
#[derive(Debug, Clone, Copy)]
pub struct Given<'g> {
    /// The installation's settings.
    pub settings: &'g Settings,
    /// Whose pod it is.
    pub subject: &'g Subject,
    /// The namespace.
    pub namespace: &'g Namespace,
    /// The pod's annotations as it came, and those it is treated to carry.
    pub annotations: &'g Texts,
    /// The selected templates, in order.
    pub templates: &'g [Arc<Template>],
}

/// A decision, and what each template's status says.
#[derive(Debug)]
pub struct Composed {
    /// The decision, its patch for the pod as it came.
    pub decision: Decision,
    /// What each template adds to the pod that it was evaluated on.
    pub statuses: BTreeMap<String, Status>,
    /// What the pod as it came has that differs from what its template wants.
    pub kept: BTreeMap<String, Status>,
}

/// Composes on the pod as it came.
pub fn compose(
    given: Given<'_>,
    pod: &Pod<'_>,
    claims: &BTreeMap<String, Status>,
) -> Result<Composed, serde_json::Error> {
    let mut working = WorkingPod::new(pod)?;
    let mut composed = apply_all(given, &mut working, None);
    for (template, claimed) in claims {
        if let Some(status) = composed.statuses.get_mut(template) {
            status.unite(claimed.clone());
        }
    }
    conclude(working, &mut composed, !claims.is_empty());
    Ok(composed)
}

/// Composes on a pod without what its statuses claim, for the pod as it came. Where that has
/// everything, and a status of every template, the statuses stay as they are.
pub fn compose_apart(
    given: Given<'_>,
    without: &Pod<'_>,
    received: &Pod<'_>,
    claims: &BTreeMap<String, Status>,
) -> Result<Composed, serde_json::Error> {
    let mut evaluated = WorkingPod::new(without)?;
    let mut working = WorkingPod::new(received)?;
    let mut composed = apply_all(given, &mut evaluated, Some(&mut working));
    let all_claimed = given
        .templates
        .iter()
        .all(|template| claims.contains_key(&template.name));
    if all_claimed && working.is_unchanged() {
        already(&mut composed.decision);
    } else {
        conclude(working, &mut composed, true);
    }
    Ok(composed)
}

fn apply_all<'p>(
    given: Given<'_>,
    evaluated: &mut WorkingPod<'p>,
    mut received: Option<&mut WorkingPod<'p>>,
) -> Composed {
    let mut outcomes = Vec::with_capacity(given.templates.len());
    let mut composed = Composed {
        decision: Decision::plain(Reason::NothingToAdd, ""),
        statuses: BTreeMap::new(),
        kept: BTreeMap::new(),
    };
    for template in given.templates {
        let helpers = helpers(given.templates, template);
        let with = Circumstances {
            settings: given.settings,
            namespace_name: &given.subject.namespace,
            namespace: given.namespace,
            annotations: given.annotations,
            helpers: &helpers,
        };
        let (outcome, status, kept) = apply(evaluated, received.as_deref_mut(), template, with);
        outcomes.push(outcome);
        composed.statuses.insert(template.name.clone(), status);
        composed.kept.insert(template.name.clone(), kept);
    }
    composed.decision = verdict(outcomes);
    if composed.decision.verdict() == Verdict::Denied {
        nothing_applied(&mut composed.decision);
    }
    composed
}

/// Where one template refuses the pod, no other is applied.
fn nothing_applied(decision: &mut Decision) {
    for outcome in &mut decision.outcomes {
        if outcome.reason == Reason::Applied {
            let message = "nothing is applied, as another template refuses the pod";
            outcome.reason = Reason::PodRefused;
            message.clone_into(&mut outcome.message);
            message.clone_into(&mut outcome.logged);
            outcome.findings.clear();
        }
    }
}

/// The names of containers that are helpers, not the app's, for a template. A namespace's template,
/// or one in shadow mode, can take no container away from another template, and none but another
/// mandatory one from a mandatory template.
fn helpers(templates: &[Arc<Template>], of: &Arc<Template>) -> BTreeSet<String> {
    let counts = |other: &&Arc<Template>| {
        let is_trusted = other.namespace.is_none() && !other.shadow;
        Arc::ptr_eq(other, of) || (is_trusted && (other.mandatory || !of.mandatory))
    };
    templates
        .iter()
        .filter(counts)
        .flat_map(|template| template.init_containers.iter().chain(&template.sidecars))
        .map(|container| container.name.clone())
        .collect()
}

/// Evaluates and, unless it is in shadow mode, applies one template. Returns what it adds to the
/// pod that it is evaluated on, and what the pod as it came has instead.
fn apply(
    evaluated: &mut WorkingPod<'_>,
    received: Option<&mut WorkingPod<'_>>,
    template: &Template,
    with: Circumstances<'_>,
) -> (Outcome, Status, Status) {
    let plans = |received: Option<&WorkingPod<'_>>| -> Result<(Change, Option<Change>), Refusal> {
        let wanted = evaluate(evaluated, template, with)?;
        let for_received = received.map(|pod| plan(pod, template, wanted.clone()));
        let for_received = for_received.transpose()?;
        Ok((plan(evaluated, template, wanted)?, for_received))
    };
    let (change, for_received) = match plans(received.as_deref()) {
        Ok(changes) => changes,
        Err(refusal) => {
            let (outcome, status) = stop(template, refusal);
            return (outcome, status, Status::default());
        }
    };
    let shown = for_received.as_ref().unwrap_or(&change);
    let kept = shown.kept.clone();
    let (outcome, status) = finish(template, &change, shown.findings.clone());
    if !template.shadow {
        change.apply(evaluated, template);
        if let (Some(pod), Some(change)) = (received, for_received) {
            change.apply(pod, template);
        }
    }
    (outcome, status, kept)
}

/// A template that is not applied. In shadow mode it never refuses a pod.
fn stop(template: &Template, mut refusal: Refusal) -> (Outcome, Status) {
    if template.shadow && refusal.reason.verdict() == Verdict::Denied {
        let would = format!("would be refused in enforcing mode: {}: ", refusal.reason);
        refusal.message.insert_str(0, &would);
        refusal.logged.insert_str(0, &would);
        refusal.reason = Reason::ShadowMode;
    }
    let mut status = Status::default();
    status.describe(refusal.reason, &template.revision);
    (outcome(template, refusal, Vec::new()), status)
}

fn outcome(template: &Template, why: Refusal, findings: Vec<String>) -> Outcome {
    Outcome {
        template: template.name.clone(),
        revision: template.revision.clone(),
        reason: why.reason,
        message: why.message,
        logged: why.logged,
        findings,
    }
}

/// The outcome of a template that applies.
fn finish(template: &Template, change: &Change, findings: Vec<String>) -> (Outcome, Status) {
    let mut status = change.status.clone();
    let why = if template.shadow {
        let would_add = status.summary();
        let what = match would_add.as_slice() {
            [] => "nothing".to_owned(),
            parts => parts.join("; "),
        };
        status = Status {
            would_add,
            ..Status::default()
        };
        let message = format!("nothing is applied in shadow mode; would add {what}");
        Refusal::new(Reason::ShadowMode, message)
    } else {
        added(&status)
    };
    status.describe(why.reason, &template.revision);
    (outcome(template, why, findings), status)
}

/// The outcome of a template that adds this.
fn added(status: &Status) -> Refusal {
    if status.adds_nothing() {
        let message = "the template has nothing to add to this pod";
        return Refusal::new(Reason::NothingToAdd, message);
    }
    let message = format!("added {}", status.summary().join("; "));
    Refusal::new(Reason::Applied, message)
}

/// Writes statuses and patch, unless the pod is refused. `is_again`: the pod carries statuses.
fn conclude(mut pod: WorkingPod<'_>, composed: &mut Composed, is_again: bool) {
    if composed.decision.verdict() == Verdict::Denied {
        return;
    }
    for outcome in &mut composed.decision.outcomes {
        let status = composed.statuses.get_mut(&outcome.template);
        // A template that adds nothing now has added what was claimed truly.
        if let (Reason::NothingToAdd, Some(status)) = (outcome.reason, status)
            && !status.adds_nothing()
        {
            let why = added(status);
            status.describe(why.reason, &outcome.revision);
            outcome.reason = why.reason;
            outcome.message = why.message;
            outcome.logged = why.logged;
        }
    }
    let outcomes = std::mem::take(&mut composed.decision.outcomes);
    composed.decision = verdict(outcomes);
    mark_evictable(&mut pod, &composed.statuses);
    let decision = &mut composed.decision;
    if let Err(message) = write_statuses(&mut pod, &composed.statuses) {
        decision.reason = Reason::AnnotationsTooLarge;
        decision.logged.clone_from(&message);
        decision.message = message;
        return;
    }
    decision.patch = pod.into_patch();
    if is_again && decision.patch.is_empty() {
        already(decision);
    }
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

/// The first verdict, by precedence, of the templates', with its reason.
fn verdict(outcomes: Vec<Outcome>) -> Decision {
    let first = outcomes
        .iter()
        .min_by_key(|outcome| outcome.reason.verdict());
    let Some(first) = first else {
        return Decision::plain(Reason::NothingToAdd, "no template was selected");
    };
    let reason = first.reason;
    let same = || {
        let same = |outcome: &&Outcome| outcome.reason.verdict() == reason.verdict();
        outcomes.iter().filter(same)
    };
    let joined = |text: fn(&Outcome) -> &str| {
        let texts = same().map(|outcome| format!("{}: {}", outcome.template, text(outcome)));
        texts.collect::<Vec<_>>().join("; ")
    };
    Decision {
        reason,
        message: joined(|outcome| &outcome.message),
        logged: joined(|outcome| &outcome.logged),
        outcomes,
        patch: Patch::default(),
    }
}

/// Unites our emptyDirs into the cluster autoscaler's list, behind what the user wrote there.
fn mark_evictable(pod: &mut WorkingPod<'_>, statuses: &BTreeMap<String, Status>) {
    let listed = pod.annotations.get(SAFE_TO_EVICT).unwrap_or_default();
    let mut whole = listed.to_owned();
    let known: BTreeSet<&str> = listed.split(',').map(str::trim).collect();
    for name in statuses.values().flat_map(|status| &status.safe_to_evict) {
        if !known.contains(name.as_str()) {
            if !whole.is_empty() {
                whole.push(',');
            }
            whole.push_str(name);
        }
    }
    if whole != listed {
        pod.annotations.set(SAFE_TO_EVICT, whole);
    }
}

/// Writes each template's status. A status of a template that added nothing is left out where the
/// annotations would exceed the API server's limit; one that is needed makes it a refusal.
fn write_statuses(
    pod: &mut WorkingPod<'_>,
    statuses: &BTreeMap<String, Status>,
) -> Result<(), String> {
    let injected = Verdict::Injected.as_str();
    let (needed, others): (Vec<_>, Vec<_>) = statuses
        .iter()
        .partition(|(_, status)| status.verdict == injected);
    for (template, status) in needed {
        pod.annotations
            .set(&Status::key(template), status.to_json());
    }
    let total = pod.annotations.size();
    if total > ANNOTATIONS_LIMIT {
        return Err(format!(
            "the pod's annotations would have {total} bytes, more than the {ANNOTATIONS_LIMIT} \
             that the API server takes; generate less configuration, or use a ConfigMap"
        ));
    }
    for (template, status) in others {
        let (key, value) = (Status::key(template), status.to_json());
        let present = pod
            .annotations
            .get(&key)
            .map_or(0, |text| key.len() + text.len());
        let size = pod.annotations.size() - present + key.len() + value.len();
        if size <= ANNOTATIONS_LIMIT {
            pod.annotations.set(&key, value);
        }
    }
    Ok(())
}
