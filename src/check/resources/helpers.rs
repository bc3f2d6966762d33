//! What the helpers' own resources do to the pod: its scaling, its class, its size.

use super::pod_resources::{CountedTemplates, PodResources, is_pod_level};
use super::qos::{QosClass, class};
use super::{COMPUTE, culprit, path_of};
use crate::check::CheckContext;
use crate::check::pod::Container;
use crate::finding::{Code, Finding};
use crate::kubernetes::quantity::Quantity;

/// Finds requests that helpers lack, and what they cost the pod.
pub(super) fn check<'c>(
    whole: PodResources<'c, '_>,
    with: &CheckContext<'c>,
    findings: &mut Vec<Finding>,
) {
    if whole.pod.helpers().next().is_some() {
        requests_missing(whole, findings);
        larger_than_app(whole, with, findings);
    }
    class_lost(whole, with, findings);
}

/// A `HorizontalPodAutoscaler` on the utilisation of the whole pod fails on the first container
/// without a request (`podautoscaler/replica_calculator.go`, `calculateRequests`), so that a helper
/// without one breaks what worked: where the app has one, and the pod has none of its own.
fn requests_missing(whole: PodResources<'_, '_>, findings: &mut Vec<Finding>) {
    let own = whole.pod.spec.resources.as_ref();
    if own.is_some_and(|own| own.names().any(is_pod_level)) {
        return;
    }
    let scalable = COMPUTE.map(|name| {
        let mut users = whole
            .pod
            .running()
            .filter(|c| c.added_by.is_none())
            .peekable();
        users.peek().is_some() && users.all(|user| whole.request(user, name).is_some())
    });
    let helpers = whole.pod.helpers().filter(|helper| helper.runs_beside());
    for helper in helpers {
        let compute = COMPUTE.into_iter().zip(scalable);
        let mut lacking = compute.filter_map(|(name, scalable)| {
            (scalable && whole.request(helper, name).is_none()).then_some(name)
        });
        let Some(first) = lacking.next() else {
            continue;
        };
        let words = match lacking.next() {
            Some(second) => format!("{first} or {second}"),
            None => first.to_owned(),
        };
        let message = format!(
            "{} has no {words} request, and the app has: a HorizontalPodAutoscaler on the pod's \
             {words} utilisation stops working; scale on the app's ContainerResource instead, or \
             give the helper a request",
            helper.title()
        );
        let path = format!("{}.resources.requests", helper.place);
        let finding = Finding::new(Code::RequestsMissing, path, message);
        findings.push(finding.of(helper.added_by));
    }
}

/// A helper can only take the best class away: one that has requests lifts a pod out of `BestEffort`,
/// which harms nobody.
fn class_lost<'c>(
    whole: PodResources<'c, '_>,
    with: &CheckContext<'c>,
    findings: &mut Vec<Finding>,
) {
    let after = class(whole);
    if after == QosClass::Guaranteed {
        return;
    }
    let before = class(whole.counting(CountedTemplates::First(with.templates, 0)));
    if before <= after {
        return;
    }
    let culprit = culprit(whole, with, |resources| class(resources) < before);
    if let Some(template) = culprit {
        let message = format!(
            "the pod's quality-of-service class falls from {before} to {after} by the template \
             {}: it would be evicted earlier",
            template.name
        );
        let path = path_of(whole.pod, template);
        let finding = Finding::new(Code::QosClassChanged, path, message);
        findings.push(finding.of(Some(&template.name)));
    }
}

/// What the containers beside each other request, the user's or the helpers'.
fn requested(
    resources: PodResources<'_, '_>,
    name: &str,
    whose: fn(&Container<'_>) -> bool,
) -> Quantity {
    let beside = resources
        .containers()
        .filter(|c| c.runs_beside() && whose(c));
    let amounts = beside.filter_map(|container| resources.request(container, name));
    amounts.fold(Quantity::from(0), |total, amount| total.add(&amount))
}

fn larger_than_app<'c>(
    whole: PodResources<'c, '_>,
    with: &CheckContext<'c>,
    findings: &mut Vec<Finding>,
) {
    for name in COMPUTE {
        let larger = |resources: PodResources<'_, '_>| {
            let app = requested(resources, name, |container| container.added_by.is_none());
            let helpers = requested(resources, name, |container| container.added_by.is_some());
            (app.sign() > 0 && helpers > app).then_some((helpers, app))
        };
        let Some((helpers, app)) = larger(whole) else {
            continue;
        };
        if let Some(template) = culprit(whole, with, |resources| larger(resources).is_some()) {
            let message = format!(
                "with the template {} the helpers request {helpers} {name}, and the app itself \
                 {app}",
                template.name
            );
            let path = path_of(whole.pod, template);
            let finding = Finding::new(Code::HelperLargerThanApp, path, message);
            findings.push(finding.of(Some(&template.name)));
            return;
        }
    }
}
