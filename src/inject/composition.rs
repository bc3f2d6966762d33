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
use super::trace::Trace;
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
    /// What the pod as it came has that differs from what its template wants.
    pub kept: BTreeMap<String, Status>,
    /// What the pod as it came lacks of what its template wants.
    pub lacked: BTreeMap<String, Status>,
}

/// What became of one template.
struct Applied {
    outcome: Outcome,
    status: Status,
    kept: Status,
    lacked: Status,
}

/// Composes on the pod as it came, whatever its statuses say.
pub fn compose(given: Given<'_>, pod: &Pod<'_>) -> Result<Composed, serde_json::Error> {
    let mut working = WorkingPod::new(pod)?;
    let mut composed = apply_all(given, &mut working, None, &BTreeMap::new());
    conclude(working, &mut composed);
    Ok(composed)
}

/// Composes on a pod without what its statuses claim, for the pod as it came. Where that has
/// everything, and the statuses say so, they stay as they are if `may_keep`.
pub fn compose_apart(
    given: Given<'_>,
    without: &Pod<'_>,
    received: &Pod<'_>,
    claims: &BTreeMap<String, Status>,
    may_keep: bool,
) -> Result<Composed, serde_json::Error> {
    let mut evaluated = WorkingPod::new(without)?;
    let mut working = WorkingPod::new(received)?;
    let mut composed = apply_all(given, &mut evaluated, Some(&mut working), claims);
    let says_so = |(template, status): (&String, &Status)| {
        let claimed = claims.get(template);
        claimed.is_some_and(|claimed| claimed.tells_the_same_end(status))
    };
    if may_keep && working.is_unchanged() && composed.statuses.iter().all(says_so) {
        already(&mut composed.decision);
        return Ok(composed);
    }
    conclude(working, &mut composed);
    if composed.decision.patch.is_empty() {
        already(&mut composed.decision);
    }
    Ok(composed)
}

fn apply_all<'p>(
    given: Given<'_>,
    evaluated: &mut WorkingPod<'p>,
    mut received: Option<&mut WorkingPod<'p>>,
    claims: &BTreeMap<String, Status>,
) -> Composed {
    let mut outcomes = Vec::with_capacity(given.templates.len());
    let mut composed = Composed {
        decision: Decision::plain(Reason::NothingToAdd, ""),
        statuses: BTreeMap::new(),
        kept: BTreeMap::new(),
        lacked: BTreeMap::new(),
    };
    if let Some(trace) = given.trace {
        trace.restart();
    }
    for template in given.templates {
        if let Some(trace) = given.trace {
            trace.next_template();
        }
        let helpers = helpers(given.templates, template);
        let with = Circumstances {
            settings: given.settings,
            namespace_name: &given.subject.namespace,
            namespace: given.namespace,
            annotations: given.annotations,
            helpers: &helpers,
            known_apps: known_apps(template, claims),
            trace: given.trace,
        };
        let applied = apply(evaluated, received.as_deref_mut(), template, with);
        let name = || template.name.clone();
        outcomes.push(applied.outcome);
        composed.statuses.insert(name(), applied.status);
        composed.kept.insert(name(), applied.kept);
        composed.lacked.insert(name(), applied.lacked);
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

/// The app containers that an earlier call of this revision edited: containers that others added
/// since are not the user's. A mandatory template believes no status.
fn known_apps<'c>(
    template: &Template,
    claims: &'c BTreeMap<String, Status>,
) -> Option<&'c BTreeMap<String, Vec<String>>> {
    let claimed = claims.get(&template.name)?;
    let is_meant = !template.mandatory && claimed.revision == template.revision;
    (is_meant && !claimed.edited.is_empty()).then_some(&claimed.edited)
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

/// Evaluates and, unless it is in shadow mode, applies one template.
fn apply(
    evaluated: &mut WorkingPod<'_>,
    received: Option<&mut WorkingPod<'_>>,
    template: &Template,
    with: Circumstances<'_>,
) -> Applied {
    let plans = |received: Option<&WorkingPod<'_>>| -> Result<(Change, Option<Change>), Refusal> {
        let wanted = evaluate(evaluated, template, with)?;
        let for_received = received.map(|pod| plan(pod, template, wanted.clone()));
        let for_received = for_received.transpose()?;
        Ok((plan(evaluated, template, wanted)?, for_received))
    };
    let (change, for_received) = match plans(received.as_deref()) {
        Ok(changes) => changes,
        Err(refusal) => return stop(template, refusal),
    };
    if let Some(trace) = with.trace {
        trace.additions(change.additions(&|list, index| evaluated.name_of(list, index)));
    }
    let shown = for_received.as_ref().unwrap_or(&change);
    let (outcome, status) = finish(template, &change, shown.findings.clone());
    let applied = Applied {
        outcome,
        status,
        kept: shown.kept.clone(),
        lacked: shown.status.clone(),
    };
    if !template.shadow {
        change.apply(evaluated, template);
        if let (Some(pod), Some(change)) = (received, for_received) {
            change.apply(pod, template);
        }
    }
    applied
}

/// A template that is not applied. In shadow mode it never refuses a pod.
fn stop(template: &Template, mut refusal: Refusal) -> Applied {
    if template.shadow && refusal.reason.verdict() == Verdict::Denied {
        let would = format!("would be refused in enforcing mode: {}: ", refusal.reason);
        refusal.message.insert_str(0, &would);
        refusal.logged.insert_str(0, &would);
        refusal.reason = Reason::ShadowMode;
    }
    let mut status = Status::default();
    status.describe(refusal.reason, &template.revision);
    Applied {
        outcome: outcome(template, refusal, Vec::new()),
        status,
        kept: Status::default(),
        lacked: Status::default(),
    }
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

/// Writes statuses and patch, unless the pod is refused.
fn conclude(mut pod: WorkingPod<'_>, composed: &mut Composed) {
    let decision = &mut composed.decision;
    if decision.verdict() == Verdict::Denied {
        return;
    }
    mark_evictable(&mut pod, &composed.statuses);
    match write_statuses(&mut pod, &composed.statuses) {
        Ok(()) => decision.patch = pod.into_patch(),
        Err(message) => {
            decision.reason = Reason::AnnotationsTooLarge;
            decision.logged.clone_from(&message);
            decision.message = message;
        }
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
    let adds = !needed.is_empty();
    for (template, status) in needed {
        pod.annotations
            .set(&Status::key(template), status.to_json());
    }
    let total = pod.annotations.size();
    if adds && total > ANNOTATIONS_LIMIT {
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
        let size = pod.annotations.size().saturating_sub(present) + key.len() + value.len();
        if size <= ANNOTATIONS_LIMIT {
            pod.annotations.set(&key, value);
        }
    }
    Ok(())
}
