//! The controls: which holds at which level and since which version.

use std::fmt;

use super::subject::AuditScope;
use super::violation::ControlViolation;
use super::{app_armor, baseline, restricted};
use crate::template::PodSecurityLevel as Level;

/// A judgement of one control at a minor version.
type Judge = fn(AuditScope<'_, '_>, u32) -> Option<ControlViolation>;

/// Declares the controls once, in the API server's order: baseline before restricted, each by
/// identifier.
macro_rules! controls {
    ($($(#[doc = $doc:literal])* $name:ident = $id:literal: $level:ident since $since:literal
       $(until restricted $until:literal)?, $judge:path;)*) => {
        /// A control of the Pod Security Standards.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Control { $($(#[doc = $doc])* $name,)* }

        impl Control {
            /// Every control, in the order in which violations are told.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The API server's identifier (psa:policy, `Check.ID`).
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// The level that it belongs to.
            pub(crate) fn level(self) -> Level {
                match self { $(Self::$name => Level::$level,)* }
            }

            /// The first minor version that has it.
            fn since(self) -> u32 {
                match self { $(Self::$name => $since,)* }
            }

            /// The minor version since which a stricter control takes its place at level restricted.
            fn overridden_since(self) -> Option<u32> {
                match self { $(Self::$name => controls!(@until $($until)?),)* }
            }

            fn judge(self) -> Judge {
                match self { $(Self::$name => $judge,)* }
            }
        }
    };
    (@until) => { None };
    (@until $until:literal) => { Some($until) };
}

controls! {
    /// `AppArmor` profiles other than the runtime's and the node's own.
    AppArmorProfile = "appArmorProfile": Baseline since 0, app_armor::check;
    /// Capabilities beyond the usual ones.
    CapabilitiesBaseline = "capabilities_baseline": Baseline since 0 until restricted 22,
        baseline::capabilities;
    /// The node's network, processes and inter-process communication.
    HostNamespaces = "hostNamespaces": Baseline since 0, baseline::host_namespaces;
    /// Files of the node.
    HostPathVolumes = "hostPathVolumes": Baseline since 0 until restricted 0,
        baseline::host_path_volumes;
    /// Ports of the node.
    HostPorts = "hostPorts": Baseline since 0, baseline::host_ports;
    /// Probes and hooks that call another host.
    HostProbesAndHostLifecycle = "hostProbesAndHostLifecycle": Baseline since 34,
        baseline::probe_hosts;
    /// Privileged containers.
    Privileged = "privileged": Baseline since 0, baseline::privileged;
    /// An unmasked `/proc`.
    ProcMount = "procMount": Baseline since 0 until restricted 35, baseline::proc_mount;
    /// `SELinux` types, users and roles.
    SeLinuxOptions = "seLinuxOptions": Baseline since 0, baseline::se_linux;
    /// No seccomp profile.
    SeccompProfileBaseline = "seccompProfile_baseline": Baseline since 0 until restricted 19,
        baseline::seccomp;
    /// Settings of the kernel beyond the safe ones.
    Sysctls = "sysctls": Baseline since 0, baseline::sysctls;
    /// Windows containers that run on the node itself.
    WindowsHostProcess = "windowsHostProcess": Baseline since 0, baseline::windows_host_process;
    /// Gaining privilege, as by set-user-ID.
    AllowPrivilegeEscalation = "allowPrivilegeEscalation": Restricted since 8,
        restricted::privilege_escalation;
    /// Any capability but that of binding low ports.
    CapabilitiesRestricted = "capabilities_restricted": Restricted since 22,
        restricted::capabilities;
    /// An unmasked `/proc`, in a user namespace too.
    ProcMountRestricted = "procMount_restricted": Restricted since 35,
        restricted::proc_mount;
    /// Volumes that reach beyond the cluster's own kinds.
    RestrictedVolumes = "restrictedVolumes": Restricted since 0, restricted::volumes;
    /// Not saying that it does not run as root.
    RunAsNonRoot = "runAsNonRoot": Restricted since 0, restricted::run_as_non_root;
    /// Running as root.
    RunAsUser = "runAsUser": Restricted since 23, restricted::run_as_user;
    /// No seccomp profile, or not saying which.
    SeccompProfileRestricted = "seccompProfile_restricted": Restricted since 19,
        restricted::seccomp;
}

/// One control that a pod violates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The control.
    pub control: Control,
    /// The containers concerned, by name, init containers first.
    pub(crate) containers: Vec<String>,
    /// The first field concerned, such as `spec.containers[0].securityContext.privileged`.
    pub(crate) path: String,
    /// What is wrong, in the API server's words: `allowPrivilegeEscalation != false`.
    pub(crate) reason: &'static str,
    /// The details, in the API server's words.
    pub(crate) detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.reason, self.detail)
    }
}

/// What the subject violates at a level, by the rules of a minor version.
pub(super) fn violations(subject: &AuditScope<'_, '_>, level: Level, minor: u32) -> Vec<Violation> {
    if level == Level::Privileged {
        return Vec::new();
    }
    let holding = Control::ALL.iter().copied().filter(|control| {
        let since = control.overridden_since();
        let is_overridden = level == Level::Restricted && since.is_some_and(|since| minor >= since);
        control.level() <= level && minor >= control.since() && !is_overridden
    });
    let violated = holding.filter_map(|control| {
        let found = control.judge()(*subject, minor)?;
        Some(Violation {
            control,
            containers: found.containers,
            path: found.path,
            reason: found.reason,
            detail: found.detail,
        })
    });
    violated.collect()
}
