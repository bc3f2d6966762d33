//! The answer to the question that people ask: what happened to my pod, and why.
//!
//! Every pod that is seen ends in exactly one [`Verdict`] with one [`Reason`]. The reason's code is
//! stable: the admission response, the status annotation, the log line, the metric label and the
//! command line all print [`Reason::code`], so that one search finds them all.

use std::fmt;

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
    pub fn as_str(self) -> &'static str {
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

/// Declares the reasons once: code, verdict and the HTTP code of a refusal.
macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident => $verdict:ident, $code:expr;)*) => {
        /// Why a verdict was given. Codes are stable: scripts, alerts and searches rely on them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason { $($(#[$doc])* $name,)* }

        impl Reason {
            /// Every reason, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable code, printed everywhere.
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// The verdict that this reason belongs to.
            pub fn verdict(self) -> Verdict {
                match self { $(Self::$name => Verdict::$verdict,)* }
            }

            /// The HTTP code in `status.code` of a refusal (403 or 422, never one that the
            /// API server or its clients would retry), 200 for every other verdict.
            pub fn http_code(self) -> u16 {
                match self { $(Self::$name => $code,)* }
            }
        }
    };
}

reasons! {
    /// The templates' content was added.
    Applied => Injected, 200;
    /// Everything that the templates add is in the pod already (the API server's second call).
    AlreadyInjected => Unchanged, 200;
    /// The templates were evaluated and have nothing to add to this pod.
    NothingToAdd => Unchanged, 200;
    /// No label, annotation, namespace or selector asked for a template.
    NotRequested => Unchanged, 200;
    /// The pod's label `pillion.dev/inject` is `false`.
    OptedOut => Unchanged, 200;
    /// The namespace's label `pillion.dev/injection` is `disabled`.
    NamespaceDisabled => Unchanged, 200;
    /// Pods of this namespace are never touched.
    NamespaceExcluded => Unchanged, 200;
    /// A static pod's mirror, which the kubelet made.
    MirrorPod => Unchanged, 200;
    /// The template would apply, but another one refuses the pod.
    PodRefused => Unchanged, 200;
    /// The request is not about a pod.
    NotAPod => Unchanged, 200;
    /// The request is not the creation of a pod.
    NotACreation => Unchanged, 200;
    /// An object that a controller made is not judged: its owner was, when it was applied.
    MadeByController => Unchanged, 200;
    /// An update of a workload that leaves its pod template as it is.
    PodTemplateUnchanged => Unchanged, 200;
    /// A match condition of the template is false.
    MatchConditionFalse => Skipped, 200;
    /// The pod must end and only a classic sidecar, which would keep it from ending, is possible.
    PodMustEnd => Skipped, 200;
    /// The pod runs on Windows and the template is for Linux.
    PodForWindows => Skipped, 200;
    /// The template is in shadow mode.
    ShadowMode => Shadowed, 200;
    /// The review could not be read as the creation of a pod.
    ReviewInvalid => Denied, 422;
    /// The label `pillion.dev/inject` is neither `true` nor `false`.
    LabelInvalid => Denied, 422;
    /// An annotation of Pillion's cannot be read.
    AnnotationInvalid => Denied, 422;
    /// A template that is asked for does not exist.
    TemplateNotFound => Denied, 422;
    /// A template that is asked for does not compile and has no good revision.
    TemplateBroken => Denied, 422;
    /// An annotation names a parameter that the template does not have.
    ParameterUnknown => Denied, 422;
    /// A required parameter has no value.
    ParameterMissing => Denied, 422;
    /// A parameter's value is not what its declaration allows.
    ParameterInvalid => Denied, 422;
    /// A parameter is set where its `setBy` does not allow it.
    ParameterNotAllowed => Denied, 403;
    /// A validation of the template is false.
    ValidationFailed => Denied, 422;
    /// An expression failed, or gave a value that its field cannot hold.
    EvaluationFailed => Denied, 422;
    /// `pillion.dev/containers` names a container that the pod does not have.
    ContainerNotFound => Denied, 422;
    /// The volume that a template adopts is not in the pod, or cannot be shared.
    VolumeNotAdoptable => Denied, 422;
    /// The pod overrides a field of an injected container that the template keeps for itself.
    OverrideNotAllowed => Denied, 403;
    /// What the template adds contradicts what the pod, or another template, already has.
    Conflict => Denied, 422;
    /// What the containers need together exceeds the pod's own resources.
    PodResourcesExceeded => Denied, 422;
    /// A pod that must end is refused where only a classic sidecar is possible.
    PodMustEndDenied => Denied, 422;
    /// The annotations would exceed the API server's limit of 256 KiB.
    AnnotationsTooLarge => Denied, 422;
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// How one selected template ended on one pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The template's name.
    pub template: String,
    /// The revision that was used; empty where there is none to name.
    pub revision: String,
    /// Why, and with it the verdict.
    pub reason: Reason,
    /// One sentence for the person who must act: what, where, and what would be right.
    pub message: String,
    /// The same for the log, without values of annotations.
    pub logged: String,
    /// What the person should know although it was no reason to refuse, one sentence each.
    pub findings: Vec<String>,
}

/// The pod's verdict, made from the outcomes of its templates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Why, and with it the verdict.
    pub reason: Reason,
    /// One sentence for the person who must act.
    pub message: String,
    /// The same for the log, without values of annotations.
    pub logged: String,
    /// One entry for each selected template, in the order of composition.
    pub outcomes: Vec<Outcome>,
    /// What to change in the pod; empty unless something is added.
    pub patch: super::Patch,
}

impl Decision {
    /// A decision without any template's part in it.
    pub fn plain(reason: Reason, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            reason,
            logged: message.clone(),
            message,
            outcomes: Vec::new(),
            patch: super::Patch::default(),
        }
    }

    /// A decision for a reason that concerns the pod as a whole.
    pub fn refused(why: super::refusal::Refusal) -> Self {
        Self {
            logged: why.logged,
            ..Self::plain(why.reason, why.message)
        }
    }

    /// The pod's verdict.
    pub fn verdict(&self) -> Verdict {
        self.reason.verdict()
    }

    /// The sentences that the person who created the pod is shown besides a refusal: skipped and
    /// shadowed templates, and findings.
    pub fn warnings(&self) -> Vec<String> {
        let told = |outcome: &Outcome| {
            matches!(
                outcome.reason.verdict(),
                Verdict::Skipped | Verdict::Shadowed
            )
            .then(|| {
                format!(
                    "{}: {}: {}",
                    outcome.template, outcome.reason, outcome.message
                )
            })
            .into_iter()
            .chain(
                outcome
                    .findings
                    .iter()
                    .map(|finding| format!("{}: {finding}", outcome.template)),
            )
            .collect::<Vec<_>>()
        };
        self.outcomes.iter().flat_map(told).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_no_refusal_is_retried() {
        let codes: std::collections::BTreeSet<_> = Reason::ALL.iter().map(|r| r.code()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
        for reason in Reason::ALL {
            let refused = reason.verdict() == Verdict::Denied;
            assert_eq!(refused, matches!(reason.http_code(), 403 | 422), "{reason}");
        }
    }

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
