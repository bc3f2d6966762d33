//! The registry: every code of lint with what it means and what to do.
//!
//! Codes are stable: annotations and scripts name them.

use std::fmt;

use crate::finding::{Code, Refusal};

/// Declares the codes once; `as found`: those that mean what the checks mean by them.
macro_rules! codes {
    (as found: $($found:ident)*; $($name:ident: $meaning:literal; $help:literal;)*) => {
        /// What lint can find.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum LintCode {
            $(#[doc = $meaning] $name,)*
            $(#[doc = concat!("What [`Code::", stringify!($found), "`] is.")] $found,)*
        }

        impl LintCode {
            /// Every code, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$name,)* $(Self::$found,)*];

            /// The word that is printed everywhere.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                    $(Self::$found => stringify!($found),)*
                }
            }

            /// One sentence: what the template has.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$name => $meaning,)*
                    $(Self::$found => Code::$found.meaning(),)*
                }
            }

            /// What to do about it.
            pub fn help(self) -> &'static str {
                match self {
                    $(Self::$name => $help,)*
                    $(Self::$found => Code::$found.help(),)*
                }
            }
        }
    };
}

codes! {
    as found: ImageTagFloating ImageInvalid RequestsMissing EmptyDirUnbounded MemoryVolumeUnbounded
        MemoryVolumeOverLimit EphemeralStorageLimit MountOverFile PortConflict PortNameConflict
        SidecarNotAwaited PreStopTooLong RootForbidden EnvReferenceBroken EnvDuplicate
        PodInvalid ProbePortNotFound ProbeOnNode GracePeriodShortened ResourceFieldBroken
        MountWritable SubPathNotFound FilesUnreadable CommandNotExecutable;

    LimitMissing: "A helper has no memory limit, so its leak takes the node's memory, and the app's.";
        "Give `resources.limits.memory`.";
    ProbeMissing: "A sidecar has no probe, so nobody notices when it hangs.";
        "Give it a `livenessProbe` or `startupProbe`; a `readinessProbe` where the app needs it.";
    ReadinessNotNeeded: "A sidecar that the app does not need has a readiness probe: when it fails, the app is taken out of its Service.";
        "Use a `livenessProbe` or `startupProbe`, or say `waitForReady: true` where the app does need it.";
    ProbeOnLoopback: "A probe calls a port on which the helper listens for the pod itself alone, so that it fails for ever.";
        "Let the helper listen on all addresses, give the probe a listener of its own, or use `exec`.";
    StopSignalIgnored: "A container has a `lifecycle.stopSignal`, which most clusters drop.";
        "Trap SIGTERM, or stop the program in a `preStop` hook.";
    PodNameAssumed: "An expression reads `pod.metadata.name`, which the pods of controllers do not have when they are decided about.";
        "Read `pod.metadata.?name` with a default, or use a `fieldRef`.";
    VolumeUnused: "No container mounts the volume.";
        "Mount it or remove it.";
    PodSecurityExceeded: "A container or volume needs more than the Pod Security level that the template states.";
        "Add what the level asks for, or state the level with `podSecurityLevel` and say why in the README.";
    ParameterUnused: "No expression reads the parameter, so an annotation sets nothing.";
        "Use it or remove it.";
    ParameterUndescribed: "The parameter has no description, so nobody knows what to set.";
        "Give it a `description`.";
    ParameterUnconstrained: "A text parameter without `pattern` and `enum` stands inside text, where a value can become syntax of the program that reads it.";
        "Give it a `pattern` or an `enum`, or pass it as an argument or a value of its own.";
    SecretExposed: "A parameter that looks like a secret stands in a plain value, where everybody who may read the pod can read it.";
        "Take the name of a Secret as parameter, and use `secretKeyRef` or a `secret` volume.";
    PatternNotKept: "The template does not do what its pattern promises.";
        "An Ambassador has a port and tells the app of it by `app.env`, or shares a volume with it, in which its socket is; an Adapter has a sidecar, and its ports have names; a Sidecar has something that stays; an Init has only steps that end.";
    PortTaken: "Another template of those that are checked together uses the port, so that the two cannot be in one pod.";
        "Choose another port.";
    ReadOtherwise: "A word of the file is one that kubectl does not read, or reads otherwise.";
        "Put it in quotes.";
    NotRendered: "No sample pod has this part of the template, so that the checks do not see it. This is a note, and the template may be right.";
        "Give parameters an `enum`, a `default` or a `pattern` from which a value can be made, or ignore the note.";
    IgnoreUnknown: "The annotation `pillion.dev/lint-ignore` names a code that does not exist.";
        "Name codes of this page, separated by commas.";
    IgnoreUnused: "The annotation `pillion.dev/lint-ignore` names a code that finds nothing.";
        "Remove the code from the annotation.";
    IgnoreUnexplained: "The annotation `pillion.dev/lint-ignore` has no comment that says why.";
        "Write the reason as a comment above it or behind it.";
}

impl LintCode {
    /// What lint calls what a check has found about a template; `None`: it is about the pod as much.
    pub(super) fn of_check(code: Code) -> Option<Self> {
        match code {
            Code::PodSecurityViolated => Some(Self::PodSecurityExceeded),
            Code::InitNeverEnds => Some(Self::PatternNotKept),
            code => {
                let is_invalid = code.refusal() == Some(Refusal::Invalid);
                Self::named(code.as_str()).or_else(|| is_invalid.then_some(Self::PodInvalid))
            }
        }
    }

    /// Whether this is no fault of the template's, so that nobody needs to mend it.
    pub(crate) fn is_note(self) -> bool {
        self == Self::NotRendered
    }

    /// The code of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == name)
    }
}

impl fmt::Display for LintCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
