//! Security contexts, of a container and of a pod.

use serde::Deserialize;

use super::view::view;
use crate::review::Text;

view! {
    /// `securityContext` of a container.
    SecurityContext<'a> {
        pub capabilities: Option<Capabilities<'a>>,
        pub privileged: Option<bool>,
        pub allow_privilege_escalation: Option<bool>,
        pub proc_mount: Option<Text<'a>>,
        pub run_as_non_root: Option<bool>,
        pub run_as_user: Option<i64>,
        pub run_as_group: Option<i64>,
        pub se_linux_options: Option<SeLinux<'a>>,
        pub seccomp_profile: Option<Profile<'a>>,
        pub app_armor_profile: Option<Profile<'a>>,
        pub windows_options: Option<WindowsOptions<'a>>,
    }

    /// `spec.securityContext`.
    PodSecurityContext<'a> {
        pub run_as_non_root: Option<bool>,
        pub run_as_user: Option<i64>,
        pub run_as_group: Option<i64>,
        pub fs_group: Option<i64>,
        pub se_linux_options: Option<SeLinux<'a>>,
        pub seccomp_profile: Option<Profile<'a>>,
        pub app_armor_profile: Option<Profile<'a>>,
        pub sysctls: Option<Vec<Sysctl<'a>>>,
        pub windows_options: Option<WindowsOptions<'a>>,
    }

    /// `capabilities`.
    Capabilities<'a> {
        pub add: Option<Vec<Text<'a>>>,
        pub drop: Option<Vec<Text<'a>>>,
    }

    /// `seLinuxOptions`.
    SeLinux<'a> {
        #[serde(rename = "type")]
        pub kind: Option<Text<'a>>,
        pub user: Option<Text<'a>>,
        pub role: Option<Text<'a>>,
    }

    /// `seccompProfile` or `appArmorProfile`.
    Profile<'a> {
        #[serde(rename = "type")]
        pub kind: Option<Text<'a>>,
    }

    /// `windowsOptions`.
    WindowsOptions<'a> {
        pub host_process: Option<bool>,
        pub run_as_user_name: Option<Text<'a>>,
        pub gmsa_credential_spec_name: Option<Text<'a>>,
    }

    /// An entry of `sysctls`.
    Sysctl<'a> {
        pub name: Option<Text<'a>>,
    }
}

impl WindowsOptions<'_> {
    /// Whether anything is set: the API server refuses these options where `spec.os` is Linux.
    pub fn is_used(&self) -> bool {
        self.host_process == Some(true)
            || self.run_as_user_name.is_some()
            || self.gmsa_credential_spec_name.is_some()
    }
}
