//! The entries as they are shipped: what an entry of a cluster is compared with.

use crate::kubernetes::selector::{LabelSelector, Operator, Requirement};

use super::NOT_A_MIRROR_POD;
use crate::kubernetes::keys::{INJECT, INJECTION, MANDATORY, NAMESPACE_NAME};

/// Match conditions that narrow what the API server calls for, by their expression: a pod that says
/// nothing of Pillion does not meet the first.
const ASKS: &str = "object.metadata.?annotations['pillion.dev/inject'].hasValue()";

/// What may stand in `failurePolicy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Policy {
    /// `Fail`: a pod that asks is never bare.
    Fail,
    /// `Ignore`: advice is no reason to refuse.
    Ignore,
    /// Either; the chart has a value for it.
    Either,
}

/// One shipped entry.
#[derive(Debug)]
pub(super) struct Shipped {
    pub(super) name: &'static str,
    /// Its path of the Service.
    pub(super) path: &'static str,
    /// Its failure policy.
    pub(super) policy: Policy,
    /// What its rules name.
    pub(super) scope: Scope,
    /// Requirements of its namespaceSelector, without the excluded names.
    pub(super) namespaces: LabelSelector,
    /// Requirements of its objectSelector.
    pub(super) objects: LabelSelector,
}

impl Shipped {
    /// Whether its rules name a resource.
    pub(super) fn names(&self, group: &str, resource: &str) -> bool {
        self.scope
            .resources
            .iter()
            .any(|(known, resources)| *known == group && resources.contains(&resource))
    }
}

/// What rules may name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope {
    pub(super) operations: &'static [&'static str],
    /// Groups with their resources.
    pub(super) resources: &'static [(&'static str, &'static [&'static str])],
    /// Whether the resources are cluster-scoped.
    pub(super) is_cluster: bool,
}

/// Pods when they are created.
pub(super) const PODS: Scope = Scope {
    operations: &["CREATE"],
    resources: &[("", &["pods"])],
    is_cluster: false,
};

/// Workloads when they are applied.
pub(super) const WORKLOADS: Scope = Scope {
    operations: &["CREATE", "UPDATE"],
    resources: &[
        ("apps", &["deployments", "statefulsets", "daemonsets"]),
        ("batch", &["jobs", "cronjobs"]),
    ],
    is_cluster: false,
};

/// Namespaces when they are applied.
const NAMESPACES: Scope = Scope {
    operations: &["CREATE", "UPDATE"],
    resources: &[("", &["namespaces"])],
    is_cluster: true,
};

fn pods(
    name: &'static str,
    policy: Policy,
    namespaces: &[Requirement],
    objects: &[Requirement],
) -> Shipped {
    Shipped {
        name,
        path: "/mutate",
        policy,
        scope: PODS,
        namespaces: LabelSelector(namespaces.to_vec()),
        objects: LabelSelector(objects.to_vec()),
    }
}

fn workloads(name: &'static str, namespaces: &[Requirement]) -> Shipped {
    Shipped {
        name,
        path: "/advise",
        policy: Policy::Ignore,
        scope: WORKLOADS,
        namespaces: LabelSelector(namespaces.to_vec()),
        objects: LabelSelector::default(),
    }
}

/// The entries about pods.
pub(super) fn mutating() -> Vec<Shipped> {
    let not_mandatory = requirement(MANDATORY, Operator::DoesNotExist);
    let not_disabled = requirement(INJECTION, Operator::NotIn(vec!["disabled".to_owned()]));
    let enabled = requirement(INJECTION, Operator::In(vec!["enabled".to_owned()]));
    let has_label = requirement(INJECT, Operator::Exists);
    let not_out = requirement(INJECT, Operator::NotIn(vec!["false".to_owned()]));
    let no_label = requirement(INJECT, Operator::DoesNotExist);
    vec![
        pods(
            "mandatory.pillion.dev",
            Policy::Fail,
            &[requirement(MANDATORY, Operator::Exists)],
            &[],
        ),
        pods(
            "pod.pillion.dev",
            Policy::Fail,
            std::slice::from_ref(&not_mandatory),
            &[has_label, not_out],
        ),
        pods(
            "annotation.pillion.dev",
            Policy::Fail,
            &[not_mandatory.clone(), not_disabled],
            std::slice::from_ref(&no_label),
        ),
        pods(
            "namespace.pillion.dev",
            Policy::Either,
            &[not_mandatory, enabled],
            std::slice::from_ref(&no_label),
        ),
    ]
}

/// The entries about workloads and namespaces.
pub(super) fn validating() -> Vec<Shipped> {
    let not_mandatory = requirement(MANDATORY, Operator::DoesNotExist);
    let values = vec!["enabled".to_owned()];
    vec![
        workloads(
            "advise-mandatory.pillion.dev",
            &[requirement(MANDATORY, Operator::Exists)],
        ),
        workloads(
            "advise-namespace.pillion.dev",
            &[
                not_mandatory.clone(),
                requirement(INJECTION, Operator::In(values.clone())),
            ],
        ),
        workloads(
            "advise-pod.pillion.dev",
            &[
                not_mandatory,
                requirement(INJECTION, Operator::NotIn(values)),
            ],
        ),
        Shipped {
            scope: NAMESPACES,
            ..workloads("advise-on-namespaces.pillion.dev", &[])
        },
    ]
}

fn requirement(key: &str, operator: Operator) -> Requirement {
    Requirement {
        key: key.to_owned(),
        operator,
    }
}

/// Whether a match condition is known to leave out the mirror pods of nodes.
pub(super) fn leaves_out_mirror_pods(expression: &str) -> bool {
    // Every request has a requester; to ask whether it has means the same.
    same(
        &expression.replace("request.?userInfo", "request.userInfo"),
        NOT_A_MIRROR_POD,
    )
}

/// Whether a match condition is known to leave out pods that do not ask.
pub(super) fn leaves_out_who_does_not_ask(expression: &str) -> bool {
    same(expression, ASKS)
}

/// White space outside of quotes means nothing, and ours has none inside.
fn same(one: &str, other: &str) -> bool {
    one.split_whitespace()
        .flat_map(str::chars)
        .eq(other.split_whitespace().flat_map(str::chars))
}

/// Who is known to add this requirement to selectors by itself: AKS since 2020 (Azure/AKS#1771,
/// #4002), GKE Autopilot with the names of its own namespaces (Dynatrace/dynatrace-operator#2194).
pub(super) fn platform(requirement: &Requirement) -> Option<&'static str> {
    match (requirement.key.as_str(), &requirement.operator) {
        ("control-plane", Operator::DoesNotExist | Operator::NotIn(_))
        | ("kubernetes.azure.com/managedby", Operator::NotIn(_)) => Some("AKS"),
        (NAMESPACE_NAME, Operator::NotIn(names))
            if names.iter().any(|name| name.starts_with("gke-")) =>
        {
            Some("GKE Autopilot")
        }
        _ => None,
    }
}
