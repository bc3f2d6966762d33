//! The answer to the question that people ask: what happened to my pod, and why.
//!
//! Every pod that is seen ends in exactly one [`Verdict`] with one [`Reason`]. The reason's code is
//! stable: the admission response, the status annotation, the log line, the metric label and the
//! command line all print [`Reason::code`], so that one search finds them all.

mod reason;

use std::fmt;

use crate::finding::{Finding, Policy};
pub use reason::Reason;

/// What was done with a pod, or with one template on it.
///
/// The order is the order of precedence when several templates end differently: the first present
/// of `Denied`, `Injected`, `Shadowed`, `Skipped`, `Unchanged` is the pod's verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// The pod is refused; nothing is created.
    Denied,
    /// Something was added to the pod.
    Injected,
    /// Everything was computed, nothing but the status was applied.
    Shadowed,
    /// The template was selected but does not apply to this pod.
    Skipped,
    /// Nothing is added but, where a template was selected, its status.
    Unchanged,
}

impl Verdict {
    /// The word that is printed everywhere.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "Denied",
            Self::Injected => "Injected",
            Self::Shadowed => "Shadowed",
            Self::Skipped => "Skipped",
            Self::Unchanged => "Unchanged",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a template is not applied: in full for the person, and without values for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The reason, and with it the verdict.
    pub reason: Reason,
    /// What the person is told; it may repeat the value of an annotation.
    pub(crate) message: String,
    /// The same without values: someone may have put a secret into the wrong annotation.
    pub(crate) logged: String,
}

impl Refusal {
    /// A refusal whose message holds no value.
    pub(crate) fn new(reason: Reason, message: impl Into<String>) -> Self {
        let message = message.into();
        let logged = message.clone();
        Self {
            reason,
            message,
            logged,
        }
    }

    /// A refusal whose message holds a value that the log must not repeat.
    pub(crate) fn with_value(reason: Reason, message: String, logged: String) -> Self {
        Self {
            reason,
            message,
            logged,
        }
    }
}

/// A finding with what follows from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnforcedFinding {
    /// What was found.
    pub finding: Finding,
    /// What follows.
    pub(crate) policy: Policy,
}

impl EnforcedFinding {
    /// Whether the person who creates the pod is told of it.
    pub fn is_told(&self) -> bool {
        self.policy != Policy::Ignore
    }
}

/// How one selected template ended on one pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateOutcome {
    /// The template's name.
    pub template: String,
    /// The revision that was used; empty where there is none to name.
    pub(crate) revision: String,
    /// Why, and with it the verdict.
    pub reason: Reason,
    /// One sentence for the person who must act: what, where, and what would be right.
    pub message: String,
    /// The same for the log, without values of annotations.
    pub(crate) logged: String,
    /// What was found about what it adds, most severe first; ignored findings too.
    pub findings: Vec<EnforcedFinding>,
}

/// The pod's verdict, made from the outcomes of its templates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Why, and with it the verdict.
    pub reason: Reason,
    /// One sentence for the person who must act.
    pub message: String,
    /// The same for the log, without values of annotations.
    pub(crate) logged: String,
    /// One entry for each selected template, in the order of composition.
    pub outcomes: Vec<TemplateOutcome>,
    /// What was found that is no template's doing, most severe first; ignored findings too.
    pub(crate) findings: Vec<EnforcedFinding>,
    /// What to change in the pod; empty unless something is added.
    pub patch: super::Patch,
}

impl Decision {
    /// A decision without any template's part in it.
    pub(crate) fn plain(reason: Reason, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            reason,
            logged: message.clone(),
            message,
            outcomes: Vec::new(),
            findings: Vec::new(),
            patch: super::Patch::default(),
        }
    }

    /// A decision for a reason that concerns the pod as a whole.
    pub(crate) fn refused(why: Refusal) -> Self {
        Self {
            reason: why.reason,
            message: why.message,
            logged: why.logged,
            outcomes: Vec::new(),
            findings: Vec::new(),
            patch: super::Patch::default(),
        }
    }

    /// The decision about a pod that cannot be read. It does not repeat what the parser says, as that
    /// may hold values.
    pub(crate) fn unreadable(error: &serde_json::Error) -> Self {
        let message = format!(
            "the pod cannot be read: something at line {}, column {} of its JSON has another type than \
             the API gives it",
            error.line(),
            error.column()
        );
        Self::plain(Reason::ReviewInvalid, message)
    }

    /// Adds to the sentence of each template that refuses the pod what `of` says of the template.
    pub(super) fn add_to_refusals(&mut self, of: impl Fn(&str) -> Option<String>) {
        for outcome in &mut self.outcomes {
            if outcome.reason.verdict() != Verdict::Denied {
                continue;
            }
            if let Some(text) = of(&outcome.template) {
                let is_the_pods = self.message.ends_with(&outcome.message);
                let pod = [&mut self.message, &mut self.logged].into_iter();
                for sentence in pod.filter(|_| is_the_pods) {
                    sentence.push_str(&text);
                }
                outcome.message.push_str(&text);
                outcome.logged.push_str(&text);
            }
        }
    }

    /// The same decision without what to change.
    pub fn without_patch(&self) -> Self {
        Self {
            reason: self.reason,
            message: self.message.clone(),
            logged: self.logged.clone(),
            outcomes: self.outcomes.clone(),
            findings: self.findings.clone(),
            patch: super::Patch::default(),
        }
    }

    /// The pod's verdict.
    pub fn verdict(&self) -> Verdict {
        self.reason.verdict()
    }

    /// Every finding, with the template that it is about, most severe first.
    pub fn judged(&self) -> Vec<&EnforcedFinding> {
        let mut judged: Vec<_> = self.unsorted().collect();
        judged.sort_by_key(|judged| (judged.policy, judged.finding.code.severity()));
        judged
    }

    /// Every finding, in any order.
    pub fn unsorted(&self) -> impl Iterator<Item = &EnforcedFinding> {
        let of_templates = self.outcomes.iter().flat_map(|outcome| &outcome.findings);
        of_templates.chain(&self.findings)
    }

    /// The sentences that the person who created the pod is shown besides a refusal, most important
    /// first: skipped and shadowed templates, then findings.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let stopped = self
            .outcomes
            .iter()
            .filter(|outcome| {
                let verdict = outcome.reason.verdict();
                matches!(verdict, Verdict::Skipped | Verdict::Shadowed)
            })
            .map(|outcome| {
                let (template, reason) = (&outcome.template, outcome.reason);
                format!("{template}: {reason}: {}", outcome.message)
            });
        let told = self
            .judged()
            .into_iter()
            // What is the reason of a refusal or a skip was said with that.
            .filter(|judged| judged.is_told() && !self.says(&judged.finding))
            .map(|judged| judged.finding.attributed(&judged.finding));
        let mut warnings: Vec<String> = Vec::new();
        for warning in stopped.chain(told) {
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
        warnings
    }

    /// What was found and told, without values, for logs and audit: `TEMPLATE: CODE: sentence`.
    pub(crate) fn logged_findings(&self) -> Vec<String> {
        self.judged()
            .into_iter()
            .filter(|judged| judged.is_told())
            .map(|EnforcedFinding { finding, .. }| {
                finding.attributed(format_args!("{}: {}", finding.code, finding.logged))
            })
            .collect()
    }

    /// Whether the refusal says this already.
    fn says(&self, finding: &Finding) -> bool {
        let sentence = finding.attributed(&finding.message);
        self.reason == Reason::Finding(finding.code) && self.message.contains(&sentence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precedence_is_the_order_of_the_verdicts() {
        let mut all = [
            Verdict::Unchanged,
            Verdict::Shadowed,
            Verdict::Denied,
            Verdict::Skipped,
            Verdict::Injected,
        ];
        all.sort();
        let words: Vec<_> = all.iter().map(|verdict| verdict.as_str()).collect();
        assert_eq!(
            words,
            ["Denied", "Injected", "Shadowed", "Skipped", "Unchanged"]
        );
    }
}
