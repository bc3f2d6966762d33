//! The reasons, each with its verdict and the HTTP code of a refusal.

use std::fmt;

use super::Verdict;
use crate::finding::{Code, Refusal};

/// Declares the reasons once: code, verdict and the HTTP code of a refusal.
macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident => $verdict:ident, $code:expr;)*) => {
        /// Why a verdict was given. Codes are stable: scripts, alerts and searches rely on them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $($(#[$doc])* $name,)*
            /// The budget of templates in shadow mode has ended.
            ShadowBudgetExceeded,
            /// A check found something for which pods are refused.
            Finding(Code),
            /// A check found something for which the template is not applied.
            FindingSkipped(Code),
        }

        impl Reason {
            /// The reasons that are no finding's, in the order of declaration.
            pub const OWN: &'static [Self] = &[$(Self::$name,)*];

            /// The stable code, printed everywhere.
            pub fn code(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                    Self::ShadowBudgetExceeded => Self::BudgetExceeded.code(),
                    Self::Finding(code) | Self::FindingSkipped(code) => code.as_str(),
                }
            }

            /// The verdict that this reason belongs to.
            pub fn verdict(self) -> Verdict {
                match self {
                    $(Self::$name => Verdict::$verdict,)*
                    Self::ShadowBudgetExceeded => Verdict::Shadowed,
                    Self::Finding(_) => Verdict::Denied,
                    Self::FindingSkipped(_) => Verdict::Skipped,
                }
            }

            /// The HTTP code in `status.code` of a refusal (403 or 422, never one that the
            /// API server or its clients would retry), 200 for every other verdict.
            pub fn http_code(self) -> u16 {
                match self {
                    $(Self::$name => $code,)*
                    Self::Finding(code) if code.refusal() == Some(Refusal::Forbidden) => 403,
                    Self::Finding(_) => 422,
                    Self::ShadowBudgetExceeded | Self::FindingSkipped(_) => 200,
                }
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
    /// The request is not about a pod. About a Namespace Pillion gives advice and decides nothing.
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
    /// The templates' expressions take more steps, data or time than one review may have, or add
    /// more to the pod than the API server takes; or a list of the pod is too long to be gone over.
    BudgetExceeded => Denied, 422;
    /// `pillion.dev/containers` names a container that the pod does not have.
    ContainerNotFound => Denied, 422;
    /// The pod has no container of the app's own: what it has are helpers, of other injectors or by
    /// their names of the template.
    NoAppContainer => Denied, 422;
    /// The volume that a template adopts is not in the pod, or cannot be shared.
    VolumeNotAdoptable => Denied, 422;
    /// The pod overrides a field of an injected container, or has a volume, that the template keeps for
    /// itself.
    OverrideNotAllowed => Denied, 403;
    /// What the template adds contradicts what the pod, or another template, already has.
    Conflict => Denied, 422;
    /// A pod that must end is refused where only a classic sidecar is possible.
    PodMustEndDenied => Denied, 422;
    /// The pod runs on Windows, and a mandatory template, which is for Linux, is never skipped.
    PodForWindowsDenied => Denied, 422;
    /// The annotations would exceed the API server's limit of 256 KiB.
    AnnotationsTooLarge => Denied, 422;
}

impl Reason {
    /// Whether no template is selected because nobody asks for one.
    pub(crate) fn is_unselected(self) -> bool {
        matches!(
            self,
            Self::NotRequested | Self::OptedOut | Self::NamespaceDisabled
        )
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_no_refusal_is_retried() {
        let codes = Code::ALL.iter();
        let of_findings =
            codes.flat_map(|code| [Reason::Finding(*code), Reason::FindingSkipped(*code)]);
        let words = Reason::OWN.iter().map(|reason| reason.code());
        let words: std::collections::BTreeSet<_> = words
            .chain(Code::ALL.iter().map(|code| code.as_str()))
            .collect();
        assert_eq!(words.len(), Reason::OWN.len() + Code::ALL.len());
        for reason in Reason::OWN.iter().copied().chain(of_findings) {
            let refused = reason.verdict() == Verdict::Denied;
            assert_eq!(refused, matches!(reason.http_code(), 403 | 422), "{reason}");
        }
    }
}
