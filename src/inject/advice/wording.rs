//! How a decision about pods to come is told, the most important first.

use crate::inject::verdict::{Decision, Outcome, Verdict};

/// One line for each thing that the person should know: a refusal, templates that are not applied,
/// findings, and last what will be added.
pub(super) fn lines(kind: &str, decision: &Decision) -> Vec<String> {
    let verdict = decision.verdict();
    let told = told(kind, decision);
    let of_its_own = |outcome: &&Outcome| outcome.reason.verdict() == verdict;
    let said: Vec<String> = decision
        .outcomes
        .iter()
        .filter(of_its_own)
        .map(start)
        .collect();
    let (not_applied, findings) = further(decision);
    // What the first lines say of a template is not said again.
    let not_applied = not_applied
        .into_iter()
        .filter(|warning| !said.iter().any(|said| warning.starts_with(said)));
    let further = not_applied.chain(findings);
    let further = further.map(|warning| format!("pillion: {warning}"));
    if matches!(verdict, Verdict::Injected | Verdict::Unchanged) {
        further.chain(told).collect()
    } else {
        told.into_iter().chain(further).collect()
    }
}

/// The verdict: one line for each template that it is of, where any is.
fn told(kind: &str, decision: &Decision) -> Vec<String> {
    let verdict = decision.verdict();
    let says = |reason, text: &str| {
        format!("pillion: pods of this {kind} will be {verdict} ({reason}): {text}")
    };
    let own: Vec<&Outcome> = decision
        .outcomes
        .iter()
        .filter(|outcome| outcome.reason.verdict() == verdict)
        .collect();
    // A pod that has everything is Unchanged for another reason than its templates.
    if own.is_empty() || verdict == Verdict::Unchanged {
        return vec![says(decision.reason, &decision.message)];
    }
    own.into_iter()
        .map(|outcome| {
            let text = format!("{}: {}", outcome.template, outcome.message);
            says(outcome.reason, &text)
        })
        .collect()
}

/// How a warning about a template that is not applied begins.
fn start(outcome: &Outcome) -> String {
    format!("{}: {}: ", outcome.template, outcome.reason)
}

/// The warnings that the pod itself would give: those about templates that are not applied, and
/// the others, which are findings.
fn further(decision: &Decision) -> (Vec<String>, Vec<String>) {
    let starts: Vec<String> = decision.outcomes.iter().map(start).collect();
    let is_not_applied = |warning: &String| starts.iter().any(|start| warning.starts_with(start));
    decision.warnings().into_iter().partition(is_not_applied)
}
