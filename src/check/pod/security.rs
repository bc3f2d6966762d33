//! Security contexts, of a container and of a pod, as far as Pod Security reads them.

use serde::Deserialize;

use crate::review::Text;

/// `securityContext` of a container.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecurityContext<'a> {
    /// `capabilities`.
    #[serde(borrow, default)]
    pub capabilities: Option<Capabilities<'a>>,
    /// `privileged`.
    #[serde(default)]
    pub privileged: Option<bool>,
    /// `allowPrivilegeEscalation`.
    #[serde(default)]
    pub allow_privilege_escalation: Option<bool>,
    /// `procMount`.
    #[serde(borrow, default)]
    pub proc_mount: Option<Text<'a>>,
    /// `runAsNonRoot`.
    #[serde(default)]
    pub run_as_non_root: Option<bool>,
    /// `runAsUser`.
    #[serde(default)]
    pub run_as_user: Option<i64>,
    /// `seLinuxOptions`.
    #[serde(borrow, default)]
    pub se_linux_options: Option<SeLinux<'a>>,
    /// `seccompProfile`.
    #[serde(borrow, default)]
    pub seccomp_profile: Option<Profile<'a>>,
    /// `appArmorProfile`.
    #[serde(borrow, default)]
    pub app_armor_profile: Option<Profile<'a>>,
    /// `windowsOptions`.
    #[serde(default)]
    pub windows_options: Option<WindowsOptions>,
}

/// `spec.securityContext`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodSecurityContext<'a> {
    /// `runAsNonRoot`.
    #[serde(default)]
    pub run_as_non_root: Option<bool>,
    /// `runAsUser`.
    #[serde(default)]
    pub run_as_user: Option<i64>,
    /// `seLinuxOptions`.
    #[serde(borrow, default)]
    pub se_linux_options: Option<SeLinux<'a>>,
    /// `seccompProfile`.
    #[serde(borrow, default)]
    pub seccomp_profile: Option<Profile<'a>>,
    /// `appArmorProfile`.
    #[serde(borrow, default)]
    pub app_armor_profile: Option<Profile<'a>>,
    /// `sysctls`.
    #[serde(borrow, default)]
    pub sysctls: Option<Vec<Sysctl<'a>>>,
    /// `windowsOptions`.
    #[serde(default)]
    pub windows_options: Option<WindowsOptions>,
}

/// `capabilities`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Capabilities<'a> {
    /// `add`.
    #[serde(borrow, default)]
    pub add: Option<Vec<Text<'a>>>,
    /// `drop`.
    #[serde(borrow, default)]
    pub drop: Option<Vec<Text<'a>>>,
}

/// `seLinuxOptions`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct SeLinux<'a> {
    /// `type`.
    #[serde(borrow, default, rename = "type")]
    pub kind: Option<Text<'a>>,
    /// `user`.
    #[serde(borrow, default)]
    pub user: Option<Text<'a>>,
    /// `role`.
    #[serde(borrow, default)]
    pub role: Option<Text<'a>>,
}

/// `seccompProfile` or `appArmorProfile`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Profile<'a> {
    /// `type`.
    #[serde(borrow, default, rename = "type")]
    pub kind: Option<Text<'a>>,
}

/// `windowsOptions`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WindowsOptions {
    /// `hostProcess`.
    #[serde(default)]
    pub host_process: Option<bool>,
}

/// An entry of `sysctls`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Sysctl<'a> {
    /// `name`.
    #[serde(borrow, default)]
    pub name: Option<Text<'a>>,
}
