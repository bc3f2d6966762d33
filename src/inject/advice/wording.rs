//! How a decision about pods to come is told, the most important first.

use crate::inject::verdict::{Decision, TemplateOutcome, Verdict};

/// One line for each thing that the person should know: a refusal, templates that are not applied,
/// findings, and last what will be added.
pub(super) fn lines(kind: &str, decision: &Decision) -> Vec<String> {
    let verdict = decision.verdict();
    let says = |reason, text: &str| {
        format!("pillion: pods of this {kind} will be {verdict} ({reason}): {text}")
    };
    let own: Vec<&TemplateOutcome> = decision
        .outcomes
        .iter()
        .filter(|outcome| outcome.reason.verdict() == verdict)
        .collect();
    // A pod that has everything is Unchanged for another reason than its templates; otherwise each
    // template that the verdict is of has a line.
    let told: Vec<String> = if own.is_empty() || verdict == Verdict::Unchanged {
        vec![says(decision.reason, &decision.message)]
    } else {
        own.iter()
            .map(|outcome| {
                let text = format!("{}: {}", outcome.template, outcome.message);
                says(outcome.reason, &text)
            })
            .collect()
    };
    let further = decision
        .warnings()
        .into_iter()
        .filter(|warning| !own.iter().any(|outcome| *warning == of_a_pod(outcome)))
        .map(|warning| format!("pillion: {warning}"));
    if matches!(verdict, Verdict::Injected | Verdict::Unchanged) {
        further.chain(told).collect()
    } else {
        told.into_iter().chain(further).collect()
    }
}

/// The warning that a pod itself would give of a template that is not applied.
fn of_a_pod(outcome: &TemplateOutcome) -> String {
    let TemplateOutcome {
        template,
        reason,
        message,
        ..
    } = outcome;
    format!("{template}: {reason}: {message}")
}
