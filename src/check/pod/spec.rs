//! The fields of the spec other than containers and volumes.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::amount::Amounts;
use super::container::Resources;
use super::security::PodSecurityContext;
use super::source::{Field, Source};
use crate::review::Text;

/// What the checks read of the spec.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a field of the API with two choices"
)]
pub struct Spec<'a> {
    /// `hostNetwork`.
    pub host_network: bool,
    /// `hostPID`.
    pub host_pid: bool,
    /// `hostIPC`.
    pub host_ipc: bool,
    /// `hostUsers`.
    pub host_users: Option<bool>,
    /// `shareProcessNamespace`.
    pub share_process_namespace: bool,
    /// `automountServiceAccountToken`.
    pub automount_service_account_token: Option<bool>,
    /// `serviceAccountName`.
    pub service_account_name: Option<Text<'a>>,
    /// `terminationGracePeriodSeconds`.
    pub termination_grace_period_seconds: Option<i64>,
    /// `securityContext`.
    pub security: PodSecurityContext<'a>,
    /// `securityContext` as the user wrote it, where templates added to it.
    pub security_before: Option<PodSecurityContext<'a>>,
    /// `imagePullSecrets`.
    pub image_pull_secrets: Vec<LocalReference<'a>>,
    /// `os.name`.
    pub os: Option<Os<'a>>,
    /// `nodeSelector`.
    pub node_selector: BTreeMap<Text<'a>, Text<'a>>,
    /// `tolerations`.
    pub tolerations: Vec<Toleration<'a>>,
    /// `resources`: the pod's own (KEP-2837).
    pub resources: Option<Resources<'a>>,
    /// `overhead`.
    pub overhead: Amounts<'a>,
    /// `runtimeClassName`.
    pub runtime_class_name: Option<Text<'a>>,
    /// `priorityClassName`.
    pub priority_class_name: Option<Text<'a>>,
    /// `activeDeadlineSeconds`.
    pub active_deadline_seconds: Option<i64>,
}

/// `spec.os`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Os<'a> {
    /// `name`.
    #[serde(borrow, default)]
    pub name: Option<Text<'a>>,
}

/// A reference by name in the same namespace.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct LocalReference<'a> {
    /// `name`.
    #[serde(borrow, default)]
    pub name: Option<Text<'a>>,
}

/// A toleration.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Toleration<'a> {
    /// `key`.
    #[serde(borrow, default)]
    pub key: Option<Text<'a>>,
}

impl<'a> Spec<'a> {
    /// Reads the fields.
    pub fn read(source: Source<'a>) -> Self {
        let mut spec = Self {
            security_before: source.before("securityContext"),
            ..Self::default()
        };
        source.each(|name, field| spec.take(name, field));
        spec
    }

    fn take(&mut self, name: &str, field: Field<'a>) {
        match name {
            "hostNetwork" => self.host_network = field.read_or_default(),
            "hostPID" => self.host_pid = field.read_or_default(),
            "hostIPC" => self.host_ipc = field.read_or_default(),
            "hostUsers" => self.host_users = field.read(),
            "shareProcessNamespace" => self.share_process_namespace = field.read_or_default(),
            "automountServiceAccountToken" => {
                self.automount_service_account_token = field.read();
            }
            "serviceAccountName" => self.service_account_name = field.read(),
            "terminationGracePeriodSeconds" => {
                self.termination_grace_period_seconds = field.read();
            }
            "securityContext" => self.security = field.read_or_default(),
            "imagePullSecrets" => self.image_pull_secrets = field.read_or_default(),
            "os" => self.os = field.read(),
            "nodeSelector" => self.node_selector = field.read_or_default(),
            "tolerations" => self.tolerations = field.read_or_default(),
            "resources" => self.resources = field.read(),
            "overhead" => self.overhead = field.read_or_default(),
            "runtimeClassName" => self.runtime_class_name = field.read(),
            "priorityClassName" => self.priority_class_name = field.read(),
            "activeDeadlineSeconds" => self.active_deadline_seconds = field.read(),
            _ => {}
        }
    }

    /// Seconds until a container that does not end is killed; the API server's default is 30.
    pub fn grace_period(&self) -> i64 {
        self.termination_grace_period_seconds.unwrap_or(30)
    }

    /// Whether the pod says that it runs on Windows.
    pub fn is_windows(&self) -> bool {
        let os = self.os.as_ref().and_then(|os| os.name.as_ref());
        let selected = self.node_selector.get("kubernetes.io/os");
        let selected = selected.or_else(|| self.node_selector.get("beta.kubernetes.io/os"));
        [os, selected]
            .into_iter()
            .flatten()
            .any(|name| name.as_str() == "windows")
    }
}
