//! What does not work as it is meant to, although nothing comes to a halt.

use super::expected::{PODS, Policy, Scope, Shipped, WORKLOADS, platform};
use super::scope::{beyond, is_about};
use super::{Findings, Installation, MisconfigurationKind, Severity};
use crate::kubernetes::keys::NAMESPACE_NAME;
use crate::kubernetes::selector::{LabelSelector, Operator, Requirement};
use crate::kubernetes::webhook_configuration::FailurePolicy;

/// A decision takes microseconds; a longer wait holds up whoever creates a pod, for nothing.
const LONGEST_WAIT: i64 = 10;

/// The remedy for most mistakes.
const RESTORE: &str = "restore the entry as it is shipped: apply the chart or the manifests again";

pub(super) fn find(
    found: &mut Findings<'_>,
    mutating: bool,
    shipped: Option<&Shipped>,
    installation: &Installation,
) {
    let of_kind = if mutating { PODS } else { WORKLOADS };
    rules(found, shipped.map_or(of_kind, |shipped| shipped.scope));
    settings(found, mutating);
    match shipped {
        Some(shipped) => {
            policy(found, shipped);
            service(found, shipped, installation);
            selectors(found, shipped);
        }
        None => found.add(
            Severity::Mistake,
            MisconfigurationKind::UnknownEntry,
            "Pillion has no entry of this name, and writes no caBundle into it",
            "remove the entry, or give it a configuration of its own",
        ),
    }
}

fn rules(found: &mut Findings<'_>, scope: Scope) {
    let beyond = beyond(found.entry, scope);
    if !beyond.is_empty() {
        let what = format!(
            "its rules name more than Pillion decides about: {}",
            beyond.join(", ")
        );
        found.add(
            Severity::Mistake,
            MisconfigurationKind::WideRules,
            what,
            RESTORE,
        );
    }
    let (operations, groups) = (scope.operations, scope.resources);
    let names_all = operations.iter().all(|operation| {
        groups.iter().all(|(group, resources)| {
            let mut resources = resources.iter();
            resources.all(|resource| is_about(found.entry, operation, group, resource))
        })
    });
    if !names_all {
        let what = "its rules do not name everything that Pillion decides about";
        found.add(
            Severity::Mistake,
            MisconfigurationKind::NarrowRules,
            what,
            RESTORE,
        );
    }
}

fn settings(found: &mut Findings<'_>, mutating: bool) {
    let entry = found.entry;
    if entry.timeout_seconds > LONGEST_WAIT {
        let what = format!(
            "timeoutSeconds is {}: who creates a pod waits so long when the network is broken, and \
             all webhooks of a request share 34 seconds",
            entry.timeout_seconds
        );
        let remedy = "set timeoutSeconds to 5";
        found.add(
            Severity::Mistake,
            MisconfigurationKind::Timeout,
            what,
            remedy,
        );
    }
    if entry.match_policy.as_deref() == Some("Exact") {
        let what = "matchPolicy is Exact: a request by another version of the API passes by";
        let remedy = "set matchPolicy to Equivalent, the default";
        found.add(
            Severity::Mistake,
            MisconfigurationKind::MatchPolicy,
            what,
            remedy,
        );
    }
    if mutating && entry.reinvocation_policy.as_deref() != Some("IfNeeded") {
        let what = "reinvocationPolicy is not IfNeeded: what other webhooks do to a pod afterwards \
                    is not seen";
        let remedy = "set reinvocationPolicy to IfNeeded";
        found.add(
            Severity::Mistake,
            MisconfigurationKind::Reinvocation,
            what,
            remedy,
        );
    }
}

fn policy(found: &mut Findings<'_>, shipped: &Shipped) {
    let (what, remedy) = match (shipped.policy, found.entry.failure_policy) {
        (Policy::Fail, FailurePolicy::Ignore) => (
            "failurePolicy is Ignore: a pod that asks comes out bare while Pillion is away",
            "set failurePolicy to Fail",
        ),
        (Policy::Ignore, FailurePolicy::Fail) => (
            "failurePolicy is Fail: what is applied is refused while Pillion is away, although this \
             entry only gives advice",
            "set failurePolicy to Ignore",
        ),
        _ => return,
    };
    found.add(
        Severity::Mistake,
        MisconfigurationKind::FailurePolicy,
        what,
        remedy,
    );
}

fn service(found: &mut Findings<'_>, shipped: &Shipped, installation: &Installation) {
    // A URL instead of a Service is a way to install, too.
    let Some(service) = &found.entry.client_config.service else {
        return;
    };
    let called = format!("{}/{}{}", service.namespace, service.name, service.path);
    let right = format!(
        "{}/{}{}",
        installation.namespace, installation.service, shipped.path
    );
    if called != right {
        let what = format!("it calls the Service {called}, not {right}");
        found.add(
            Severity::Mistake,
            MisconfigurationKind::Service,
            what,
            RESTORE,
        );
    }
}

fn selectors(found: &mut Findings<'_>, shipped: &Shipped) {
    let entry = found.entry;
    selector(
        found,
        "namespaceSelector",
        &entry.namespace_selector,
        &shipped.namespaces,
    );
    selector(
        found,
        "objectSelector",
        &entry.object_selector,
        &shipped.objects,
    );
}

fn selector(found: &mut Findings<'_>, field: &str, has: &LabelSelector, shipped: &LabelSelector) {
    for requirement in &shipped.0 {
        if !has.0.contains(requirement) {
            let what = format!(
                "its {field} lacks the requirement `{requirement}`, so that a pod can meet two \
                 entries, or one that it did not ask for"
            );
            found.add(
                Severity::Mistake,
                MisconfigurationKind::SelectorLost,
                what,
                RESTORE,
            );
        }
    }
    for requirement in &has.0 {
        if !shipped.0.contains(requirement) {
            added(found, field, requirement);
        }
    }
}

fn added(found: &mut Findings<'_>, field: &str, requirement: &Requirement) {
    if let Some(platform) = platform(requirement) {
        found.add(
            Severity::Tolerated,
            MisconfigurationKind::SelectorAdded,
            format!("{platform} added `{requirement}` to its {field}"),
            "nothing to do: it leaves out the platform's own namespaces",
        );
        return;
    }
    // Leaving out further namespaces by name is a value of the chart.
    if requirement.key == NAMESPACE_NAME && matches!(requirement.operator, Operator::NotIn(_)) {
        return;
    }
    found.add(
        Severity::Mistake,
        MisconfigurationKind::SelectorAdded,
        format!(
            "its {field} has the requirement `{requirement}`, which is not shipped: a pod that \
             asks stays bare where it does not hold"
        ),
        "take the requirement out, or know that it leaves pods out",
    );
}
