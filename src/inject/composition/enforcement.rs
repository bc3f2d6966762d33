//! Enforcement: the policies of findings, and what follows from them.
//!
//! The policy of a finding is chosen by the namespace, else by the template, else by the
//! installation, else it is the code's own. A mandatory template is never skipped: where it would
//! be, the pod is refused. A finding that belongs to no template only warns.

use std::collections::BTreeMap;

use super::apply::{apply_all, nothing_applied};
use super::{ComposeOptions, Composed, CompositionInput};
use crate::check::{self, NamespaceFacts};
use crate::finding::{Code, Family, Finding, Policies, Policy};
use crate::inject::pod::WorkingPod;
use crate::inject::verdict::{Decision, EnforcedFinding, Reason, Refusal, Verdict};
use crate::kubernetes::keys::FINDINGS;
use crate::review::Pod;
use crate::template::Template;

/// How many templates are left out one by one. Each takes another composition.
const ONE_BY_ONE: usize = 4;

/// How many findings a status names, and how many of one code a refusal.
const MOST_NAMED: (usize, usize) = (16, 4);

/// Templates that are left out, each with its reason.
pub(super) type Skipped = BTreeMap<String, EnforcedFinding>;

/// Applies policies to the findings of the composition and of the checks. Returns the templates to leave
/// out; the caller composes again without them.
pub(super) fn enforce(
    input: CompositionInput<'_>,
    options: ComposeOptions<'_>,
    pod: &Pod<'_>,
    evaluated: &WorkingPod<'_>,
    composed: &mut Composed,
) -> Result<Skipped, serde_json::Error> {
    let mut found = std::mem::take(&mut composed.found);
    if composed.decision.verdict() == Verdict::Denied {
        return Ok(Skipped::new());
    }
    let (chosen, invalid) = chosen_by_namespace(input);
    found.extend(invalid);
    match checked(input, evaluated, &composed.decision) {
        Ok(checked) => found.extend(checked),
        Err(why) => {
            refuse(&mut composed.decision, why);
            return Ok(Skipped::new());
        }
    }
    let judged = judged(input, options, &chosen, found);
    let to_skip = to_skip(input, options, &judged);
    if !to_skip.is_empty() {
        return Ok(to_skip);
    }
    assign(&mut composed.decision, judged);
    for (template, why) in options.skipped {
        assign_to(&mut composed.decision, template, vec![why.clone()]);
    }
    deny(input, options, &mut composed.decision);
    if composed.decision.verdict() != Verdict::Denied {
        shadows(input, options, &chosen, pod, &mut composed.decision)?;
    }
    describe(composed);
    Ok(Skipped::new())
}

/// The templates to leave out: one at a time, as the others may have findings only because of it, and all
/// at once after [`ONE_BY_ONE`].
fn to_skip(
    input: CompositionInput<'_>,
    options: ComposeOptions<'_>,
    judged: &[EnforcedFinding],
) -> Skipped {
    let skip = judged.iter().filter_map(|judged| {
        let template = judged.finding.template.clone()?;
        (judged.policy == Policy::Skip && !is_shadow(input, options, &template))
            .then(|| (template, judged.clone()))
    });
    let at_once = if options.skipped.len() < ONE_BY_ONE {
        1
    } else {
        usize::MAX
    };
    skip.take(at_once).collect()
}

/// The namespace's policies, and findings about its annotation.
pub(super) fn chosen_by_namespace(input: CompositionInput<'_>) -> (Policies, Vec<Finding>) {
    let Some(text) = input.namespace.annotations.get(FINDINGS) else {
        return (Policies::default(), Vec::new());
    };
    let (policies, errors) = Policies::parse(text);
    let path = format!("metadata.annotations['{FINDINGS}']");
    let findings = errors.iter().map(|error| {
        let message = format!("the annotation {FINDINGS} of the namespace: {error}");
        let logged = format!("the annotation {FINDINGS} of the namespace has a bad entry");
        Finding::new(Code::PolicyInvalid, path.as_str(), message).logged_as(logged)
    });
    (policies, findings.collect())
}

/// The templates that are applied.
pub(super) fn applied<'g>(input: CompositionInput<'g>, decision: &Decision) -> Vec<&'g Template> {
    let templates = input.templates.iter().map(AsRef::as_ref);
    let is_applied = |template: &&Template| {
        let mut outcomes = decision.outcomes.iter();
        outcomes
            .any(|outcome| outcome.template == template.name && outcome.reason == Reason::Applied)
    };
    templates.filter(is_applied).collect()
}

/// What a pod is checked with.
pub(super) fn check_context<'c>(
    input: CompositionInput<'c>,
    templates: &'c [&'c Template],
) -> check::CheckContext<'c> {
    check::CheckContext {
        settings: &input.settings.checks,
        kubernetes_minor: input.settings.kubernetes_minor,
        surroundings: NamespaceFacts {
            namespace: &input.context.namespace,
            labels: &input.namespace.labels,
            annotations: &input.namespace.annotations,
            limit_ranges: &input.namespace.limit_ranges,
            quotas: &input.namespace.quotas,
            pulling_accounts: &input.namespace.pulling_accounts,
            user: input.context.user.as_deref(),
        },
        templates,
    }
}

/// What the checks find in the resulting pod, or why it is too long for them.
fn checked(
    input: CompositionInput<'_>,
    pod: &WorkingPod<'_>,
    decision: &Decision,
) -> Result<Vec<Finding>, Refusal> {
    let templates = applied(input, decision);
    if templates.is_empty() || !input.settings.checks.enabled {
        return Ok(Vec::new());
    }
    let with = check_context(input, &templates);
    let resulting = pod.resulting();
    if let Some(problem) = resulting.too_long() {
        return Err(Refusal::new(Reason::BudgetExceeded, problem));
    }
    if let Some(trace) = input.trace {
        trace.references(check::references::references(&resulting));
        trace.effect(check::resources::effect(&resulting));
    }
    let mut findings = check::findings(&resulting, &with);
    check::references::check(&resulting, &input.namespace.missing, &mut findings);
    Ok(findings)
}

/// Findings with their policies, strictest and most severe first.
fn judged(
    input: CompositionInput<'_>,
    options: ComposeOptions<'_>,
    chosen: &Policies,
    found: Vec<Finding>,
) -> Vec<EnforcedFinding> {
    let mut judged: Vec<EnforcedFinding> = Vec::with_capacity(found.len());
    // They are few: the checks say no more than some of each code.
    for finding in found {
        if judged.iter().all(|known| known.finding != finding) {
            let policy = policy(input, options, chosen, &finding);
            judged.push(EnforcedFinding { finding, policy });
        }
    }
    judged.sort_by_key(|judged| (judged.policy, judged.finding.code.severity()));
    judged
}

pub(super) fn policy(
    input: CompositionInput<'_>,
    options: ComposeOptions<'_>,
    chosen: &Policies,
    finding: &Finding,
) -> Policy {
    let code = finding.code;
    let template = finding
        .template
        .as_ref()
        .and_then(|name| template_of(input, name));
    let policy = chosen
        .get(code)
        .or_else(|| template?.findings.get(code))
        .or_else(|| input.settings.findings.get(code))
        .unwrap_or_else(|| match template {
            None if is_of_user(code) => of_user(input),
            _ => code.default_policy(),
        });
    match (policy, template) {
        (Policy::Deny | Policy::Skip, None) => Policy::Warn,
        (Policy::Skip, Some(template)) if template.mandatory => Policy::Deny,
        // What an earlier call added cannot be left out any more.
        (Policy::Skip, Some(template)) if is_claimed(options, template) => Policy::Warn,
        (policy, _) => policy,
    }
}

/// Whether a finding without a template is about the user's own part of the pod.
fn is_of_user(code: Code) -> bool {
    !matches!(code.family(), Family::Composition | Family::References)
}

/// What follows from a mistake of the user's own: whoever applies a file or a workload is told, and at
/// admission, where templates are the matter, nothing is said.
fn of_user(input: CompositionInput<'_>) -> Policy {
    if input.context.is_admission {
        Policy::Ignore
    } else {
        Policy::Warn
    }
}

/// Whether the pod carries what the template added at an earlier call.
fn is_claimed(options: ComposeOptions<'_>, template: &Template) -> bool {
    let claimed = options.claims.get(&template.name);
    claimed.is_some_and(|claimed| !claimed.adds_nothing())
}

fn template_of<'g>(input: CompositionInput<'g>, name: &str) -> Option<&'g Template> {
    let mut templates = input.templates.iter();
    templates
        .find(|template| template.name == name)
        .map(AsRef::as_ref)
}

fn is_shadow(input: CompositionInput<'_>, options: ComposeOptions<'_>, template: &str) -> bool {
    template_of(input, template).is_some_and(|template| options.is_shadow(template))
}

/// Gives each finding to the outcome of its template, the others to the pod.
pub(super) fn assign(decision: &mut Decision, judged: Vec<EnforcedFinding>) {
    let mut nobodys = Vec::new();
    for judged in judged {
        let mut outcomes = decision.outcomes.iter_mut();
        let of = judged.finding.template.as_ref();
        match outcomes.find(|outcome| Some(&outcome.template) == of) {
            Some(outcome) => outcome.findings.push(judged),
            None => nobodys.push(judged),
        }
    }
    decision.findings.extend(nobodys);
}

fn assign_to(decision: &mut Decision, template: &str, judged: Vec<EnforcedFinding>) {
    let mut outcomes = decision.outcomes.iter_mut();
    if let Some(outcome) = outcomes.find(|outcome| outcome.template == template) {
        outcome.findings = judged;
    }
}

/// Refuses the pod where a policy says so: the most severe finding is the reason.
fn deny(input: CompositionInput<'_>, options: ComposeOptions<'_>, decision: &mut Decision) {
    if decision
        .unsorted()
        .all(|judged| judged.policy != Policy::Deny)
    {
        return;
    }
    let denying: Vec<EnforcedFinding> = decision
        .judged()
        .into_iter()
        .filter(|judged| {
            let template = judged.finding.template.as_deref();
            judged.policy == Policy::Deny
                && !template.is_some_and(|template| is_shadow(input, options, template))
        })
        .cloned()
        .collect();
    let Some(first) = denying.first() else {
        return;
    };
    let code = first.finding.code;
    for outcome in &mut decision.outcomes {
        let mut own = outcome.findings.iter();
        if let Some(why) = own.find(|judged| judged.policy == Policy::Deny)
            && outcome.reason == Reason::Applied
        {
            outcome.reason = Reason::Finding(why.finding.code);
            outcome.message.clone_from(&why.finding.message);
            outcome.logged.clone_from(&why.finding.logged);
        }
    }
    let findings: Vec<&Finding> = denying
        .iter()
        .map(|judged| &judged.finding)
        .filter(|finding| finding.code == code)
        .collect();
    let message = joined(&findings, |finding| &finding.message);
    let logged = joined(&findings, |finding| &finding.logged);
    refuse(
        decision,
        Refusal::with_value(Reason::Finding(code), message, logged),
    );
}

/// Refuses the pod as a whole.
fn refuse(decision: &mut Decision, why: Refusal) {
    nothing_applied(decision);
    decision.reason = why.reason;
    decision.message = why.message;
    decision.logged = why.logged;
}

fn joined(findings: &[&Finding], text: fn(&Finding) -> &str) -> String {
    let texts = findings.iter().map(|one| one.attributed(text(one)));
    let named = texts.take(MOST_NAMED.1).collect::<Vec<_>>().join("; ");
    match findings.len().saturating_sub(MOST_NAMED.1) {
        0 => named,
        more => format!("{named}; and {more} more"),
    }
}

/// What the worst finding would do outside of shadow mode.
fn would_end(worst: &EnforcedFinding) -> String {
    let code = worst.finding.code;
    match worst.policy {
        Policy::Deny => format!("; the pod would be refused ({code})"),
        Policy::Skip => format!("; the template would be skipped ({code})"),
        Policy::Warn | Policy::Ignore => String::new(),
    }
}

/// Checks the pod that would result if each template in shadow mode were applied.
fn shadows(
    input: CompositionInput<'_>,
    options: ComposeOptions<'_>,
    chosen: &Policies,
    pod: &Pod<'_>,
    decision: &mut Decision,
) -> Result<(), serde_json::Error> {
    // What is noted is what was decided, not what would be.
    let input = CompositionInput {
        trace: None,
        ..input
    };
    for template in input.templates {
        if !options.is_shadow(template) || options.skipped.contains_key(&template.name) {
            continue;
        }
        let enforced = ComposeOptions {
            enforced: Some(&template.name),
            ..options
        };
        let mut working = WorkingPod::new(pod)?;
        let mut would = apply_all(input, enforced, &mut working);
        let mut found = std::mem::take(&mut would.found);
        match checked(input, &working, &would.decision) {
            Ok(checked) => found.extend(checked),
            Err(why) => refuse(&mut would.decision, why),
        }
        found.retain(|finding| finding.template.as_ref() == Some(&template.name));
        let judged = judged(input, enforced, chosen, found);
        let mut outcomes = decision.outcomes.iter_mut();
        let outcome = outcomes.find(|outcome| outcome.template == template.name);
        let Some(outcome) = outcome.filter(|outcome| outcome.reason == Reason::ShadowMode) else {
            continue;
        };
        if would.decision.reason == Reason::BudgetExceeded {
            outcome.reason = Reason::ShadowBudgetExceeded;
            outcome.message.clone_from(&would.decision.message);
            outcome.logged.clone_from(&would.decision.logged);
            continue;
        }
        if let Some(worst) = judged.first() {
            let would = would_end(worst);
            outcome.message.push_str(&would);
            outcome.logged.push_str(&would);
        }
        outcome.findings = judged;
    }
    Ok(())
}

/// Writes the outcome of each template into its status, without values.
fn describe(composed: &mut Composed) {
    for outcome in &composed.decision.outcomes {
        let Some(status) = composed.statuses.get_mut(&outcome.template) else {
            continue;
        };
        let verdict = outcome.reason.verdict();
        let is_told = matches!(verdict, Verdict::Skipped | Verdict::Shadowed);
        if is_told && status.would_add.is_empty() {
            status.message.clone_from(&outcome.logged);
        }
        let mut lines: Vec<_> = outcome
            .findings
            .iter()
            .filter(|judged| judged.is_told())
            .map(|judged| &judged.finding)
            // What a template is skipped for stands in the message.
            .filter(|finding| finding.logged != outcome.logged)
            .map(|finding| format!("{}: {}", finding.code, finding.logged))
            .collect();
        lines.dedup();
        let more = lines.len().saturating_sub(MOST_NAMED.0);
        lines.truncate(MOST_NAMED.0);
        if more > 0 {
            lines.push(format!("and {more} more"));
        }
        status.findings = lines;
    }
}

#[cfg(test)]
mod tests;
