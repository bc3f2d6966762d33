//! Security contexts, of a container and of a pod.

use super::field::views;
use super::text;
use crate::review::Text;

views! {
    /// `securityContext` of a container.
    SecurityContext<'a> {
        pub(crate) capabilities: Option<Capabilities<'a>> = "capabilities",
        pub(crate) privileged: Option<bool> = "privileged",
        pub(crate) allow_privilege_escalation: Option<bool> = "allowPrivilegeEscalation",
        pub(crate) proc_mount: Option<Text<'a>> = "procMount",
        pub(crate) run_as_non_root: Option<bool> = "runAsNonRoot",
        pub(crate) run_as_user: Option<i64> = "runAsUser",
        pub(crate) run_as_group: Option<i64> = "runAsGroup",
        pub(crate) se_linux_options: Option<SeLinux<'a>> = "seLinuxOptions",
        pub(crate) seccomp_profile: Option<Profile<'a>> = "seccompProfile",
        pub(crate) app_armor_profile: Option<Profile<'a>> = "appArmorProfile",
        pub(crate) windows_options: Option<WindowsOptions<'a>> = "windowsOptions",
    }

    /// `spec.securityContext`.
    PodSecurityContext<'a> {
        pub(crate) run_as_non_root: Option<bool> = "runAsNonRoot",
        pub(crate) run_as_user: Option<i64> = "runAsUser",
        pub(crate) run_as_group: Option<i64> = "runAsGroup",
        pub(crate) fs_group: Option<i64> = "fsGroup",
        pub(crate) se_linux_options: Option<SeLinux<'a>> = "seLinuxOptions",
        pub(crate) seccomp_profile: Option<Profile<'a>> = "seccompProfile",
        pub(crate) app_armor_profile: Option<Profile<'a>> = "appArmorProfile",
        pub(crate) supplemental_groups_policy: Option<Text<'a>> = "supplementalGroupsPolicy",
        pub(crate) sysctls: Option<Vec<Sysctl<'a>>> = "sysctls",
        pub(crate) windows_options: Option<WindowsOptions<'a>> = "windowsOptions",
    }

    Capabilities<'a> {
        add: Option<Vec<Text<'a>>> = "add",
        pub(crate) drop: Option<Vec<Text<'a>>> = "drop",
    }

    /// `seLinuxOptions`.
    SeLinux<'a> {
        pub(crate) kind: Option<Text<'a>> = "type",
        pub(crate) user: Option<Text<'a>> = "user",
        pub(crate) role: Option<Text<'a>> = "role",
    }

    /// `seccompProfile` or `appArmorProfile`.
    Profile<'a> {
        pub(crate) kind: Option<Text<'a>> = "type",
        pub(crate) localhost_profile: Option<Text<'a>> = "localhostProfile",
    }

    /// `windowsOptions`.
    WindowsOptions<'a> {
        pub(crate) host_process: Option<bool> = "hostProcess",
        pub(crate) run_as_user_name: Option<Text<'a>> = "runAsUserName",
        pub(crate) gmsa_credential_spec_name: Option<Text<'a>> = "gmsaCredentialSpecName",
    }

    /// An entry of `sysctls`.
    Sysctl<'a> {
        pub(crate) name: Option<Text<'a>> = "name",
    }
}

impl SecurityContext<'_> {
    pub(crate) fn added_capabilities(&self) -> impl Iterator<Item = &str> {
        let all = self.capabilities.iter().flat_map(|all| &all.add);
        all.flatten().map(Text::as_str)
    }
}

impl PodSecurityContext<'_> {
    pub(crate) fn sysctl_names(&self) -> impl Iterator<Item = &str> {
        let sysctls = self.sysctls.iter().flatten();
        sysctls.map(|sysctl| text(sysctl.name.as_ref()))
    }
}

impl WindowsOptions<'_> {
    /// Whether anything is set: the API server refuses these options where `spec.os` is Linux.
    pub(crate) fn is_used(&self) -> bool {
        self.host_process == Some(true)
            || self.run_as_user_name.is_some()
            || self.gmsa_credential_spec_name.is_some()
    }
}
