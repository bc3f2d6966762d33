//! The first thing that stops an injection, and what to change.

use serde::Serialize;

use super::Gates;
use super::gates::{Call, EntryGates, GateResult};
use super::template::TemplateExplanation;
use crate::explain::rules::{Rule, RuleName};
use crate::inject::verdict::{Reason, Verdict};
use crate::kubernetes::keys::{INJECT, INJECTION};

/// What stops an injection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Stop {
    /// Which step stops it.
    pub(crate) step: Step,
    /// What stops it: a gate of an entry, a rule of the selection, or a template.
    pub(crate) what: String,
    /// Why, in one sentence.
    pub(crate) why: String,
    /// What to change for the pod to be injected.
    pub(crate) change: String,
}

/// A step of the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum Step {
    /// The API server does not call Pillion.
    Gates,
    /// No template is selected.
    Selection,
    /// The selected templates are not applied.
    Templates,
}

/// The first stop; `None` where the pod is injected, or has everything, and where no reason is known.
pub(super) fn find(
    gates: &Gates,
    rules: &[Rule],
    templates: &[TemplateExplanation],
    reason: Option<Reason>,
    message: &str,
) -> Option<Stop> {
    at_gates(gates, reason).or_else(|| match reason? {
        Reason::Applied | Reason::AlreadyInjected => None,
        reason if templates.is_empty() => Some(at_selection(rules, reason, message)),
        reason => Some(at_template(templates, reason, message)),
    })
}

fn at_gates(gates: &Gates, reason: Option<Reason>) -> Option<Stop> {
    if !matches!(gates.call, Call::NotCalled | Call::Refused) {
        return None;
    }
    let Some(entry) = nearest(&gates.entries) else {
        return Some(Stop {
            step: Step::Gates,
            what: "the webhook's registration".to_owned(),
            why: gates.problem.clone().unwrap_or_default(),
            change: "install Pillion's MutatingWebhookConfiguration (deploy/kustomize/base/mutating-webhook.yaml)"
                .to_owned(),
        });
    };
    let gate = entry.first_stop()?;
    let name = gate.name.as_ref().map(|name| format!(" `{name}`"));
    Some(Stop {
        step: Step::Gates,
        what: format!(
            "{}{} of the webhook `{}` ({})",
            gate.gate,
            name.unwrap_or_default(),
            entry.entry,
            entry.configuration
        ),
        why: gate.why.clone(),
        change: match reason {
            // The engine would inject, or may: the selectors are another installation's.
            None | Some(Reason::Applied | Reason::AlreadyInjected) => {
                "change the selector or condition so that it matches the pod, or change the pod"
                    .to_owned()
            }
            Some(reason) => change(reason),
        },
    })
}

/// The entry that comes nearest to calling: the one with the fewest gates that do not let the pod
/// pass, of several the last, as the first are for rarer cases.
fn nearest(entries: &[EntryGates]) -> Option<&EntryGates> {
    let refusing = entries.iter().find(|entry| entry.call == Call::Refused);
    refusing.or_else(|| {
        entries.iter().rev().min_by_key(|entry| {
            let gates = entry.gates.iter();
            gates
                .filter(|gate| gate.result != GateResult::Match)
                .count()
        })
    })
}

fn at_selection(rules: &[Rule], reason: Reason, message: &str) -> Stop {
    let rule = rules.iter().find(|rule| rule.decides);
    let what = rule.map_or("the selection", |rule| words(rule.rule));
    Stop {
        step: Step::Selection,
        what: what.to_owned(),
        why: message.to_owned(),
        change: change(reason),
    }
}

fn at_template(templates: &[TemplateExplanation], reason: Reason, message: &str) -> Stop {
    let mut templates = templates.iter();
    let template = templates.find(|template| template.reason == reason.code());
    let (what, why) = match template {
        Some(template) => (
            format!("the template `{}`", template.name),
            template.message.clone(),
        ),
        None => ("the templates together".to_owned(), message.to_owned()),
    };
    Stop {
        step: Step::Templates,
        what,
        why,
        change: change(reason),
    }
}

/// A rule in words.
pub(crate) fn words(rule: RuleName) -> &'static str {
    match rule {
        RuleName::ExcludedNamespace => "excluded namespaces",
        RuleName::MirrorPod => "mirror pods",
        RuleName::MandatoryTemplates => "mandatory templates",
        RuleName::PodLabel => "the pod's label",
        RuleName::NamespaceLabel => "the namespace's label",
        RuleName::PodAnnotation => "the pod's annotation",
        RuleName::NamespaceAnnotation => "the namespace's annotation",
        RuleName::Selectors => "selectors of templates",
    }
}

/// What to change where this is the reason.
fn change(reason: Reason) -> String {
    match reason {
        Reason::NotRequested => format!(
            "ask for a template: annotate the pod (the pod template of a workload) with \
             {INJECT}=<template>, or label its namespace {INJECTION}=enabled and give it that \
             annotation"
        ),
        Reason::OptedOut => {
            format!("remove the pod's label {INJECT}, or set it to \"true\"")
        }
        Reason::NamespaceDisabled => format!(
            "set the namespace's label {INJECTION} to enabled or remove it, or opt this pod in by \
             the label {INJECT}=true"
        ),
        Reason::NamespaceExcluded => {
            "run the pod in another namespace: this one is never touched".to_owned()
        }
        Reason::MirrorPod => {
            "nothing: a static pod is defined by a file on its node; change that file".to_owned()
        }
        Reason::NotAPod | Reason::NotACreation => {
            "ask about the creation of a pod: nothing else is changed".to_owned()
        }
        Reason::NothingToAdd => {
            "nothing, if the pod is as it should be: the template adds nothing to it".to_owned()
        }
        Reason::PodMustEnd | Reason::PodMustEndDenied => {
            "the sentence says what keeps the sidecar from being native; where it is the cluster's \
             version, its operator can run Kubernetes 1.32 or newer, or set \
             --native-sidecars=always once every node is at 1.29 or newer"
                .to_owned()
        }
        Reason::MatchConditionFalse => {
            "make the match condition true for this pod; it stands in the template".to_owned()
        }
        Reason::ShadowMode => "set the template's `mode` to Enforce".to_owned(),
        Reason::Finding(code) | Reason::FindingSkipped(code) => code.help().to_owned(),
        reason if reason.verdict() == Verdict::Denied => {
            "follow the message above; the pod is refused until then".to_owned()
        }
        _ => "follow the message above".to_owned(),
    }
}
