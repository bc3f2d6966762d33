//! Security contexts, of a container and of a pod.

use serde::Deserialize;

use super::text;
use super::view::view;
use crate::review::Text;

view! {
    /// `securityContext` of a container.
    SecurityContext<'a> {
        pub(crate) capabilities: Option<Capabilities<'a>>,
        pub(crate) privileged: Option<bool>,
        pub(crate) allow_privilege_escalation: Option<bool>,
        pub(crate) proc_mount: Option<Text<'a>>,
        pub(crate) run_as_non_root: Option<bool>,
        pub(crate) run_as_user: Option<i64>,
        pub(crate) run_as_group: Option<i64>,
        pub(crate) se_linux_options: Option<SeLinux<'a>>,
        pub(crate) seccomp_profile: Option<Profile<'a>>,
        pub(crate) app_armor_profile: Option<Profile<'a>>,
        pub(crate) windows_options: Option<WindowsOptions<'a>>,
    }

    /// `spec.securityContext`.
    PodSecurityContext<'a> {
        pub(crate) run_as_non_root: Option<bool>,
        pub(crate) run_as_user: Option<i64>,
        pub(crate) run_as_group: Option<i64>,
        pub(crate) fs_group: Option<i64>,
        pub(crate) se_linux_options: Option<SeLinux<'a>>,
        pub(crate) seccomp_profile: Option<Profile<'a>>,
        pub(crate) app_armor_profile: Option<Profile<'a>>,
        pub(crate) supplemental_groups_policy: Option<Text<'a>>,
        pub(crate) sysctls: Option<Vec<Sysctl<'a>>>,
        pub(crate) windows_options: Option<WindowsOptions<'a>>,
    }

    Capabilities<'a> {
        add: Option<Vec<Text<'a>>>,
        pub(crate) drop: Option<Vec<Text<'a>>>,
    }

    /// `seLinuxOptions`.
    SeLinux<'a> {
        #[serde(rename = "type")]
        pub(crate) kind: Option<Text<'a>>,
        pub(crate) user: Option<Text<'a>>,
        pub(crate) role: Option<Text<'a>>,
    }

    /// `seccompProfile` or `appArmorProfile`.
    Profile<'a> {
        #[serde(rename = "type")]
        pub(crate) kind: Option<Text<'a>>,
        pub(crate) localhost_profile: Option<Text<'a>>,
    }

    /// `windowsOptions`.
    WindowsOptions<'a> {
        pub(crate) host_process: Option<bool>,
        pub(crate) run_as_user_name: Option<Text<'a>>,
        pub(crate) gmsa_credential_spec_name: Option<Text<'a>>,
    }

    /// An entry of `sysctls`.
    Sysctl<'a> {
        pub(crate) name: Option<Text<'a>>,
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
