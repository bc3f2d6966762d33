//! What could bring the cluster, or Pillion itself, to a halt.

use super::expected::{Shipped, leaves_out_mirror_pods, leaves_out_who_does_not_ask};
use super::satisfiability::{Reach, reach};
use super::scope::{is_about, touches};
use super::{Findings, Installation, MisconfigurationKind, Severity};
use crate::kubernetes::keys::NAMESPACE_NAME;
use crate::kubernetes::webhook_configuration::FailurePolicy;

/// Where the control plane and the cluster's own add-ons run.
const SYSTEM: &str = "kube-system";

/// Where every node says that it lives.
const NODE_LEASES: &str = "kube-node-lease";

/// No namespace has this name, so a selector that matches it names none.
const ANY_NAMESPACE: &str = "(any namespace)";

/// What nodes, network, authentication and authorization need, whatever the namespace.
const CONTROL_PLANE: [(&str, &str); 6] = [
    ("", "nodes"),
    ("", "namespaces"),
    ("discovery.k8s.io", "endpointslices"),
    ("authentication.k8s.io", "tokenreviews"),
    ("authorization.k8s.io", "subjectaccessreviews"),
    ("certificates.k8s.io", "certificatesigningrequests"),
];

pub(super) fn find(
    found: &mut Findings<'_>,
    shipped: Option<&Shipped>,
    installation: &Installation,
) {
    // An objectSelector that nothing satisfies keeps the entry from ever being called.
    if reach(&found.entry.object_selector, &[]) == Reach::Never {
        return;
    }
    namespace(
        found,
        &installation.namespace,
        MisconfigurationKind::OwnNamespace,
    );
    if installation.namespace != SYSTEM {
        namespace(found, SYSTEM, MisconfigurationKind::SystemNamespace);
    }
    leases(found);
    control_plane(found, shipped);
    mirror_pods(found);
    every_pod(found, installation);
}

fn namespace(found: &mut Findings<'_>, name: &str, kind: MisconfigurationKind) {
    let condition = match reach(&found.entry.namespace_selector, &[(NAMESPACE_NAME, name)]) {
        Reach::Never => return,
        Reach::Plain => String::new(),
        Reach::WithLabels(labels) => format!(" once its labels say `{}`", labels.join("`, `")),
    };
    let whose = match kind {
        MisconfigurationKind::OwnNamespace => "Pillion's own namespace",
        _ => "the namespace",
    };
    let what = format!("it could match {whose} `{name}`{condition}");
    let remedy = format!(
        "add the requirement `{NAMESPACE_NAME} not in ({name})` to the entry's namespaceSelector, as it is \
         shipped"
    );
    found.halts(kind, &what, &remedy);
}

fn leases(found: &mut Findings<'_>) {
    let entry = found.entry;
    if !touches(entry, "coordination.k8s.io", "leases")
        || reach(&entry.namespace_selector, &[(NAMESPACE_NAME, NODE_LEASES)]) == Reach::Never
    {
        return;
    }
    found.halts(
        MisconfigurationKind::Leases,
        "it could match the leases by which nodes say that they live",
        "let the entry's rules name nothing but what Pillion decides about, and its \
         namespaceSelector leave out `kube-node-lease`",
    );
}

fn control_plane(found: &mut Findings<'_>, shipped: Option<&Shipped>) {
    let entry = found.entry;
    // Advice is worth the wait where it is asked for as shipped.
    let advice = shipped.filter(|_| entry.failure_policy == FailurePolicy::Ignore);
    let touched: Vec<_> = CONTROL_PLANE
        .iter()
        .filter(|(group, resource)| {
            touches(entry, group, resource)
                && !advice.is_some_and(|shipped| shipped.names(group, resource))
        })
        .map(|(_, resource)| *resource)
        .collect();
    if touched.is_empty() {
        return;
    }
    let what = format!(
        "its rules name {}, which the control plane itself needs and of which most have no \
         namespace to leave out",
        touched.join(", ")
    );
    found.halts(
        MisconfigurationKind::ControlPlane,
        &what,
        "let the entry's rules name nothing but what Pillion decides about",
    );
}

fn mirror_pods(found: &mut Findings<'_>) {
    let entry = found.entry;
    let left_out = entry
        .match_conditions
        .iter()
        .any(|condition| leaves_out_mirror_pods(&condition.expression));
    // A namespaceSelector that no namespace satisfies leaves nothing to match.
    let nowhere = reach(&entry.namespace_selector, &[]) == Reach::Never;
    if left_out || nowhere || !is_about(entry, "CREATE", "", "pods") {
        return;
    }
    let remedy = format!(
        "add the match condition `{}`, as it is shipped",
        super::NOT_A_MIRROR_POD
    );
    found.halts(
        MisconfigurationKind::MirrorPods,
        "it could match the mirror pods by which a node shows its static pods",
        &remedy,
    );
}

fn every_pod(found: &mut Findings<'_>, installation: &Installation) {
    let entry = found.entry;
    let narrowed = entry
        .match_conditions
        .iter()
        .any(|condition| leaves_out_who_does_not_ask(&condition.expression));
    let Some(replicas @ 0..=1) = installation.replicas else {
        return;
    };
    if narrowed
        || entry.failure_policy != FailurePolicy::Fail
        || !is_about(entry, "CREATE", "", "pods")
        || reach(&entry.object_selector, &[]) != Reach::Plain
        || reach(
            &entry.namespace_selector,
            &[(NAMESPACE_NAME, ANY_NAMESPACE)],
        ) != Reach::Plain
    {
        return;
    }
    found.add(
        Severity::Deadlock,
        MisconfigurationKind::EveryPod,
        format!(
            "it matches every pod of the cluster, failurePolicy is Fail, and the Deployment has \
             {replicas} replica(s): while that one is away no pod can be created"
        ),
        "restore the entry's selectors as they are shipped, and run two replicas or more",
    );
}
