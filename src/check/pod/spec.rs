//! The fields of the spec other than containers and volumes.

use std::collections::BTreeMap;

use super::amount::Amounts;
use super::container::Resources;
use super::field::{ObjectView as _, views};
use super::reference::LocalReference;
use super::security::{PodSecurityContext, WindowsOptions};
use super::source::Source;
use super::text;
use crate::review::Text;

views! {
    /// What the checks read of the spec.
    Spec<'a> {
        pub(crate) active_deadline_seconds: Option<i64> = "activeDeadlineSeconds",
        pub(crate) affinity: Option<Affinity<'a>> = "affinity",
        pub(crate) automount_service_account_token: Option<bool> = "automountServiceAccountToken",
        pub(crate) host_ipc: bool = "hostIPC",
        pub(crate) host_network: bool = "hostNetwork",
        pub(crate) host_pid: bool = "hostPID",
        pub(crate) host_users: Option<bool> = "hostUsers",
        pub(crate) image_pull_secrets: Vec<LocalReference<'a>> = "imagePullSecrets",
        pub(crate) node_name: Option<Text<'a>> = "nodeName",
        pub(crate) node_selector: BTreeMap<Text<'a>, Text<'a>> = "nodeSelector",
        pub(crate) os: Option<Os<'a>> = "os",
        pub(crate) overhead: Amounts<'a> = "overhead",
        pub(crate) priority_class_name: Option<Text<'a>> = "priorityClassName",
        pub(crate) resource_claims: Vec<LocalReference<'a>> = "resourceClaims",
        pub(crate) resources: Option<Resources<'a>> = "resources",
        pub(crate) restart_policy: Option<Text<'a>> = "restartPolicy",
        pub(crate) runtime_class_name: Option<Text<'a>> = "runtimeClassName",
        pub(crate) security: PodSecurityContext<'a> = "securityContext",
        pub(crate) service_account_name: Option<Text<'a>> = "serviceAccountName",
        pub(crate) share_process_namespace: bool = "shareProcessNamespace",
        pub(crate) termination_grace_period_seconds: Option<i64> = "terminationGracePeriodSeconds",
        pub(crate) tolerations: Vec<Toleration<'a>> = "tolerations",
    } + {
        /// `securityContext` as the user wrote it, where templates added to it.
        pub(crate) security_before: Option<PodSecurityContext<'a>>,
    }
}

views! {
    /// `spec.os`.
    Os<'a> {
        pub(crate) name: Option<Text<'a>> = "name",
    }

    Toleration<'a> {
        pub(crate) key: Option<Text<'a>> = "key",
    }

    /// `spec.affinity`, as far as it keeps the pod from nodes.
    Affinity<'a> {
        node_affinity: Option<NodeAffinity<'a>> = "nodeAffinity",
    }

    /// `spec.affinity.nodeAffinity`.
    NodeAffinity<'a> {
        required_during_scheduling_ignored_during_execution: Option<NodeSelector<'a>> = "requiredDuringSchedulingIgnoredDuringExecution",
    }

    /// Terms of which a node must meet one.
    NodeSelector<'a> {
        node_selector_terms: Option<Vec<NodeSelectorTerm<'a>>> = "nodeSelectorTerms",
    }

    /// Requirements that a node must meet all.
    NodeSelectorTerm<'a> {
        match_expressions: Option<Vec<NodeRequirement<'a>>> = "matchExpressions",
    }

    /// A requirement on one label of a node.
    NodeRequirement<'a> {
        pub(crate) key: Option<Text<'a>> = "key",
        pub(crate) operator: Option<Text<'a>> = "operator",
        pub(crate) values: Option<Vec<Text<'a>>> = "values",
    }
}

impl<'a> Spec<'a> {
    pub(crate) fn read(source: Source<'a>) -> Self {
        let mut spec = Self {
            security_before: source.before("securityContext"),
            ..Self::default()
        };
        source.each(&mut |name, field| spec.take(name, field));
        spec
    }

    /// Seconds until a container that does not end is killed.
    pub(crate) fn grace_period(&self) -> i64 {
        self.termination_grace_period_seconds
            .unwrap_or(DEFAULT_GRACE_PERIOD)
    }

    /// The operating system that the pod says it is for, by `spec.os`; empty where it says none.
    pub(crate) fn os_name(&self) -> &str {
        text(self.os.as_ref().and_then(|os| os.name.as_ref()))
    }

    /// Why the pod surely runs on Windows nodes; `None` where it may run on Linux.
    pub(crate) fn windows_reason(&self) -> Option<&'static str> {
        if self.os_name() == WINDOWS {
            return Some("spec.os");
        }
        if OS_LABELS
            .iter()
            .any(|label| text(self.node_selector.get(*label)) == WINDOWS)
            || self.node_selector.contains_key(BUILD_LABEL)
        {
            return Some("spec.nodeSelector");
        }
        if self.requires_nodes(NodeRequirement::is_windows) {
            return Some("spec.affinity");
        }
        if self
            .security
            .windows_options
            .as_ref()
            .is_some_and(WindowsOptions::is_used)
        {
            return Some("spec.securityContext.windowsOptions");
        }
        // A class's name is free, but who calls it so means it.
        text(self.runtime_class_name.as_ref())
            .to_ascii_lowercase()
            .contains(WINDOWS)
            .then_some("spec.runtimeClassName")
    }

    /// The field that keeps the pod to nodes with this label; `None` where it may run on others.
    pub(crate) fn keeps_to(&self, label: &str, value: &str) -> Option<&'static str> {
        if self.node_selector.get(label).map(Text::as_str) == Some(value) {
            return Some("node selector");
        }
        self.requires_nodes(|requirement| requirement.is_only(label, value))
            .then_some("required node affinity")
    }

    /// Whether every node that the required affinity allows meets such a requirement.
    fn requires_nodes(&self, is_such: impl Fn(&NodeRequirement<'a>) -> bool) -> bool {
        let required = self
            .affinity
            .as_ref()
            .and_then(|affinity| affinity.node_affinity.as_ref())
            .and_then(|nodes| {
                nodes
                    .required_during_scheduling_ignored_during_execution
                    .as_ref()
            });
        let terms = required.and_then(|nodes| nodes.node_selector_terms.as_deref());
        terms.is_some_and(|terms| {
            !terms.is_empty()
                && terms
                    .iter()
                    .all(|term| term.match_expressions.iter().flatten().any(&is_such))
        })
    }
}

/// What the API server gives a pod without `terminationGracePeriodSeconds`.
pub(crate) const DEFAULT_GRACE_PERIOD: i64 = 30;

/// The operating system that helpers cannot run on.
const WINDOWS: &str = "windows";
/// Labels of nodes with their operating system.
const OS_LABELS: [&str; 2] = ["kubernetes.io/os", "beta.kubernetes.io/os"];
/// Label that only Windows nodes have.
const BUILD_LABEL: &str = "node.kubernetes.io/windows-build";

impl NodeRequirement<'_> {
    /// Whether only nodes whose label has this value meet it.
    fn is_only(&self, label: &str, value: &str) -> bool {
        let mut values = self.values.iter().flatten().map(Text::as_str).peekable();
        text(self.key.as_ref()) == label
            && text(self.operator.as_ref()) == "In"
            && values.peek().is_some()
            && values.all(|own| own == value)
    }

    /// Whether only Windows nodes meet it.
    fn is_windows(&self) -> bool {
        let (key, operator) = (text(self.key.as_ref()), text(self.operator.as_ref()));
        if key == BUILD_LABEL {
            return matches!(operator, "In" | "Exists" | "Gt" | "Lt");
        }
        let mut values = self.values.iter().flatten().map(Text::as_str);
        OS_LABELS.iter().any(|label| self.is_only(label, WINDOWS))
            || (OS_LABELS.contains(&key)
                && operator == "NotIn"
                && values.any(|value| value == "linux"))
    }
}
