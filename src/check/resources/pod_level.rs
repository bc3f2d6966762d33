//! Pods with resources of their own (KEP-2837): those of the containers must fit into them.

use super::pod_resources::{PodResources, is_huge_pages, is_pod_level};
use super::{culprit, path_of};
use crate::check::CheckContext;
use crate::finding::{Code, Finding};
use crate::template::Template;

/// As validation of pods does (val:`validatePodResourceConsistency`).
pub(super) fn check<'c>(
    whole: PodResources<'c, '_>,
    with: &CheckContext<'c>,
    findings: &mut Vec<Finding>,
) {
    let Some(own) = &whole.pod.spec.resources else {
        return;
    };
    for name in own.requested() {
        let over = |resources: PodResources<'_, '_>| {
            let most = own.own_request(name)?;
            let total = resources.requests_of_containers(name)?;
            (total > most).then_some((total, most))
        };
        if let Some((total, most)) = over(whole)
            && let Some(template) = culprit(whole, with, |resources| over(resources).is_some())
        {
            let wants = format!("its containers together request {total} {name}");
            let allows = format!("spec.resources.requests has {most}");
            findings.push(found(whole, template, &wants, &allows));
        }
    }
    for name in own.limited() {
        let over = |resources: PodResources<'_, '_>| {
            let most = own.limit(name)?;
            let total = resources.limits_of_containers(name)?;
            (is_huge_pages(name) && total > most).then_some((total, most))
        };
        if let Some((total, most)) = over(whole)
            && let Some(template) = culprit(whole, with, |resources| over(resources).is_some())
        {
            let wants = format!("its containers together are limited to {total} {name}");
            let allows = format!("spec.resources.limits has {most}");
            findings.push(found(whole, template, &wants, &allows));
        }
        single_limits(whole, with, name, findings);
        request_follows(whole, with, name, findings);
    }
}

/// Where the pod has a limit and no request, its request follows from those of its containers
/// (pkg/api/pod/util.go, `defaultPodLevelRequests`), and may not be above the limit.
fn request_follows<'c>(
    whole: PodResources<'c, '_>,
    with: &CheckContext<'c>,
    name: &str,
    findings: &mut Vec<Finding>,
) {
    let own = whole.pod.spec.resources.as_ref();
    let limited = own.filter(|own| own.own_request(name).is_none() && is_pod_level(name));
    let Some(most) = limited.and_then(|own| own.limit(name)) else {
        return;
    };
    let over = |resources: PodResources<'_, '_>| {
        let total = resources.requests_of_containers(name)?;
        (!is_huge_pages(name) && total > most).then_some(total)
    };
    if let Some(total) = over(whole)
        && let Some(template) = culprit(whole, with, |resources| over(resources).is_some())
    {
        let wants = format!("its containers together request {total} {name}");
        let allows = format!("spec.resources.limits has {most}");
        findings.push(found(whole, template, &wants, &allows));
    }
}

/// No regular container may be limited to more than the pod is.
fn single_limits<'c>(
    whole: PodResources<'c, '_>,
    with: &CheckContext<'c>,
    name: &str,
    findings: &mut Vec<Finding>,
) {
    let own = whole.pod.spec.resources.as_ref();
    let Some(most) = own.and_then(|own| own.limit(name)) else {
        return;
    };
    for container in &whole.pod.containers {
        let over = |resources: PodResources<'_, '_>| {
            let counted = resources
                .containers()
                .find(|c| c.place == container.place)?;
            let limit = resources.limit(counted, name)?;
            (limit > most).then_some(limit)
        };
        let Some(limit) = over(whole) else {
            continue;
        };
        if let Some(template) = culprit(whole, with, |resources| over(resources).is_some()) {
            let message = format!(
                "the limit of {limit} {name} of {} is above that of the pod: spec.resources.limits \
                 has {most}",
                container.title()
            );
            let path = format!("{}.resources.limits.{name}", container.place);
            let finding = Finding::new(Code::PodResourcesExceeded, path, message);
            findings.push(finding.of(Some(&template.name)));
        }
    }
}

fn found(whole: PodResources<'_, '_>, template: &Template, wants: &str, allows: &str) -> Finding {
    let name = &template.name;
    let message = format!(
        "the pod's own resources leave no room for the template {name}: with it {wants}, and {allows}"
    );
    let path = path_of(whole.pod, template);
    Finding::new(Code::PodResourcesExceeded, path, message).of(Some(name))
}
