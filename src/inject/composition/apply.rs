//! Applying templates one after another, each on the pod as the ones before it left it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use super::{ComposeOptions, Composed, CompositionInput};
use crate::finding::Finding;
use crate::inject::Patch;
use crate::inject::evaluation::{EvaluationContext, evaluate};
use crate::inject::plan::plan;
use crate::inject::pod::WorkingPod;
use crate::inject::selection::List;
use crate::inject::status::{ASKED_BY_FLAG, Status};
use crate::inject::verdict::{
    Decision, EnforcedFinding, Reason, Refusal, TemplateOutcome, Verdict,
};
use crate::kubernetes::keys::INJECT;
use crate::template::Template;

/// What became of one template.
struct Applied {
    outcome: TemplateOutcome,
    status: Status,
    findings: Vec<Finding>,
}

/// Applies every selected template.
pub(super) fn apply_all(
    input: CompositionInput<'_>,
    options: ComposeOptions<'_>,
    evaluated: &mut WorkingPod<'_>,
) -> Composed {
    let mut outcomes = Vec::with_capacity(input.templates.len());
    let mut composed = Composed {
        decision: Decision::plain(Reason::NothingToAdd, ""),
        statuses: BTreeMap::new(),
        found: Vec::new(),
    };
    if let Some(trace) = input.trace {
        trace.restart();
    }
    input.budget.restart_patch();
    for template in input.templates {
        let in_shadow = options.enforced.is_some() || options.is_shadow(template);
        input.budget.set_in_shadow(in_shadow);
        if let Some(trace) = input.trace {
            trace.next_template(options.skipped.contains_key(&template.name));
        }
        let helpers = helpers(input.templates, template, options);
        let with = EvaluationContext {
            settings: input.settings,
            namespace_name: &input.context.namespace,
            namespace: input.namespace,
            annotations: input.annotations,
            helpers: &helpers,
            known_apps: known_apps(input, template, options.claims),
            trace: input.trace,
            budget: input.budget,
        };
        let mut applied = match options.skipped.get(&template.name) {
            Some(judged) => stop(template, options, skip(judged)),
            None => apply(evaluated, template, options, with),
        };
        if is_asked_by_flag(input, template) {
            ASKED_BY_FLAG.clone_into(&mut applied.status.asked_by);
        }
        let of_template = applied.findings.into_iter();
        composed
            .found
            .extend(of_template.map(|finding| finding.of(Some(&template.name))));
        let name = template.name.clone();
        outcomes.push(applied.outcome);
        composed.statuses.insert(name, applied.status);
    }
    input.budget.set_in_shadow(false);
    composed.decision = verdict(outcomes);
    if composed.decision.verdict() == Verdict::Denied {
        nothing_applied(&mut composed.decision);
    }
    composed
}

/// Whether a flag of the command line asks for a template.
fn is_asked_by_flag(input: CompositionInput<'_>, template: &Template) -> bool {
    let list = input.context.annotations.get(INJECT);
    list.is_some_and(|list| {
        List::read(Some(list))
            .wanted
            .contains(&template.name.as_str())
    })
}

/// The reason to leave a template out for what was found about it.
fn skip(judged: &EnforcedFinding) -> Refusal {
    let finding = &judged.finding;
    Refusal::with_value(
        Reason::FindingSkipped(finding.code),
        finding.message.clone(),
        finding.logged.clone(),
    )
}

/// Where one template refuses the pod, no other is applied.
pub(super) fn nothing_applied(decision: &mut Decision) {
    for outcome in &mut decision.outcomes {
        if outcome.reason == Reason::Applied {
            let message = "nothing is applied, as another template refuses the pod";
            outcome.reason = Reason::PodRefused;
            message.clone_into(&mut outcome.message);
            message.clone_into(&mut outcome.logged);
        }
    }
}

/// The app containers of an earlier call with this revision and these parameters. A file is a person's:
/// what stands in it since is theirs and not another webhook's.
fn known_apps<'c>(
    input: CompositionInput<'_>,
    template: &Template,
    claims: &'c BTreeMap<String, Status>,
) -> &'c [String] {
    match claims.get(&template.name) {
        Some(claimed) if input.context.is_admission => &claimed.apps,
        _ => &[],
    }
}

/// The names of containers that are helpers, not the app's, for a template. A namespace's template,
/// or one in shadow mode, can take no container away from another template, and none but another
/// mandatory one from a mandatory template.
fn helpers<'t>(
    templates: &'t [Arc<Template>],
    of: &Arc<Template>,
    options: ComposeOptions<'_>,
) -> Vec<&'t str> {
    templates
        .iter()
        .filter(|other| {
            let is_trusted = other.namespace.is_none() && !options.is_shadow(other);
            Arc::ptr_eq(other, of) || (is_trusted && (other.mandatory || !of.mandatory))
        })
        .flat_map(|template| template.helpers())
        .map(|container| container.name.as_str())
        .collect()
}

/// Evaluates and, unless it is in shadow mode, applies one template.
fn apply(
    evaluated: &mut WorkingPod<'_>,
    template: &Template,
    options: ComposeOptions<'_>,
    with: EvaluationContext<'_>,
) -> Applied {
    let minor = with.settings.kubernetes_minor;
    let planned = evaluate(evaluated, template, with)
        .and_then(|wanted| plan(evaluated, template, wanted, minor));
    let mut change = match planned {
        Ok(change) => change,
        Err(refusal) => {
            let ended = with.budget.ended();
            let exhausted =
                ended.map(|ended| Refusal::new(Reason::BudgetExceeded, ended.to_string()));
            return stop(template, options, exhausted.unwrap_or(refusal));
        }
    };
    if let Some(trace) = with.trace {
        trace.additions(change.additions(&|list, index| evaluated.name_of(list, index)));
    }
    let status = std::mem::take(&mut change.status);
    let (outcome, status) = finish(template, options, status);
    let applied = Applied {
        outcome,
        status,
        findings: std::mem::take(&mut change.findings),
    };
    if !options.is_shadow(template) {
        change.apply(evaluated, template);
    }
    applied
}

/// A template that is not applied. In shadow mode it never refuses a pod.
fn stop(template: &Template, options: ComposeOptions<'_>, mut refusal: Refusal) -> Applied {
    if options.is_shadow(template) && refusal.reason.verdict() == Verdict::Denied {
        let would = format!("would be refused in enforcing mode: {}: ", refusal.reason);
        refusal.message.insert_str(0, &would);
        refusal.logged.insert_str(0, &would);
        refusal.reason = match refusal.reason {
            Reason::BudgetExceeded => Reason::ShadowBudgetExceeded,
            _ => Reason::ShadowMode,
        };
    }
    let mut status = Status::default();
    status.describe(refusal.reason, &template.revision);
    Applied {
        outcome: outcome(template, refusal),
        status,
        findings: Vec::new(),
    }
}

fn outcome(template: &Template, why: Refusal) -> TemplateOutcome {
    TemplateOutcome {
        template: template.name.clone(),
        revision: template.revision.clone(),
        reason: why.reason,
        message: why.message,
        logged: why.logged,
        findings: Vec::new(),
    }
}

/// The outcome of a template that applies.
fn finish(
    template: &Template,
    options: ComposeOptions<'_>,
    mut status: Status,
) -> (TemplateOutcome, Status) {
    let why = if options.is_shadow(template) {
        let would_add: Vec<_> = status.summary().map(|part| part.to_string()).collect();
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
    (outcome(template, why), status)
}

/// Room for a sentence, in bytes: most are shorter.
const USUAL_SENTENCE: usize = 256;

/// The outcome of a template that adds this.
fn added(status: &Status) -> Refusal {
    if status.adds_nothing() {
        let message = "the template has nothing to add to this pod";
        return Refusal::new(Reason::NothingToAdd, message);
    }
    let mut message = String::with_capacity(USUAL_SENTENCE);
    for (index, part) in status.summary().enumerate() {
        let before = if index == 0 { "added " } else { "; " };
        // Writing to a string cannot fail.
        let _ = write!(message, "{before}{part}");
    }
    Refusal::new(Reason::Applied, message)
}

/// The first verdict, by precedence, of the templates', with its reason.
fn verdict(outcomes: Vec<TemplateOutcome>) -> Decision {
    let first = outcomes
        .iter()
        .min_by_key(|outcome| outcome.reason.verdict());
    let Some(first) = first else {
        return Decision::plain(Reason::NothingToAdd, "no template was selected");
    };
    let reason = first.reason;
    let joined = |text: fn(&TemplateOutcome) -> &str| {
        let mut whole = String::with_capacity(USUAL_SENTENCE);
        let same = |outcome: &&TemplateOutcome| outcome.reason.verdict() == reason.verdict();
        for outcome in outcomes.iter().filter(same) {
            if !whole.is_empty() {
                whole.push_str("; ");
            }
            whole.extend([outcome.template.as_str(), ": ", text(outcome)]);
        }
        whole
    };
    Decision {
        reason,
        message: joined(|outcome| &outcome.message),
        logged: joined(|outcome| &outcome.logged),
        outcomes,
        findings: Vec::new(),
        patch: Patch::default(),
    }
}
