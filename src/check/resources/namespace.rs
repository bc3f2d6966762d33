//! What the LimitRanges and ResourceQuotas of the namespace say to the resulting pod.

use super::limit_range::{Item, Kind, LimitRange, default_limit};
use super::pod_resources::{CountedTemplates, PodResources};
use super::{culprit, first_of, path_of};
use crate::check::CheckContext;
use crate::check::pod::Container;
use crate::finding::{Code, Finding};
use crate::kubernetes::quantity::Quantity;
use crate::template::Template;

/// Finds what a LimitRange refuses with our part and not without it.
pub(super) fn limit_ranges<'c>(
    whole: PodResources<'c, '_>,
    with: &CheckContext<'c>,
    findings: &mut Vec<Finding>,
) {
    for range in whole.limit_ranges {
        for item in &range.items {
            for name in item.names() {
                match item.kind {
                    Kind::Container => containers(whole, with, (range, item, name), findings),
                    Kind::Pod => pods(whole, with, (range, item, name), findings),
                }
            }
        }
    }
    crossed_defaults(whole, findings);
}

/// A LimitRange, one of its entries, and a resource that this bounds.
type Bound<'r> = (&'r LimitRange, &'r Item, &'r str);

fn containers<'c>(
    whole: PodResources<'c, '_>,
    with: &CheckContext<'c>,
    (range, item, name): Bound<'_>,
    findings: &mut Vec<Finding>,
) {
    for container in whole.pod.all() {
        let refusal = |resources: PodResources<'c, '_>| {
            let request = resources.request(container, name);
            item.refusal(name, request, resources.limit(container, name))
        };
        let Some(why) = refusal(whole) else {
            continue;
        };
        if crossed(whole, container, name).is_some() {
            // Validation refuses it before LimitRanges are asked.
            continue;
        }
        let by = container.added_by.or_else(|| {
            container.resources_before.as_ref()?;
            let by = culprit(whole, with, |resources| refusal(resources).is_some());
            by.map(|template| template.name.as_str())
        });
        if let Some(by) = by {
            let message = format!(
                "LimitRange `{}` of the namespace does not allow {}: {why}",
                range.name,
                container.title()
            );
            let path = format!("{}.resources", container.place);
            let finding = Finding::new(Code::LimitRangeViolated, path, message);
            findings.push(finding.of(Some(by)));
        }
    }
}

fn pods<'c>(
    whole: PodResources<'c, '_>,
    with: &CheckContext<'c>,
    (range, item, name): Bound<'_>,
    findings: &mut Vec<Finding>,
) {
    let refusal = |resources: PodResources<'_, '_>| {
        item.refusal(
            name,
            resources.request_of_pod(name),
            resources.limit_of_pod(name),
        )
    };
    let Some(why) = refusal(whole) else {
        return;
    };
    if let Some(template) = culprit(whole, with, |resources| refusal(resources).is_some()) {
        let message = format!(
            "LimitRange `{}` of the namespace does not allow the pod with the template {}: {why}",
            range.name, template.name
        );
        let path = path_of(whole.pod, template);
        let finding = Finding::new(Code::LimitRangeViolated, path, message);
        findings.push(finding.of(Some(&template.name)));
    }
}

/// The request of a container, and the limit below it that a LimitRange gives the container.
fn crossed<'c>(
    whole: PodResources<'c, '_>,
    container: &Container<'_>,
    name: &str,
) -> Option<(Quantity, Quantity, &'c LimitRange)> {
    let request = container.resources.own_request(name)?;
    if container.resources.limit(name).is_some() {
        return None;
    }
    let given = whole.limit_ranges.iter().find_map(|range| {
        let limit = default_limit(std::slice::from_ref(range), name)?;
        Some((request, limit, range))
    });
    given.filter(|(request, limit, _)| request > limit)
}

/// A LimitRange that gives a container a limit below its own request makes it invalid.
fn crossed_defaults(whole: PodResources<'_, '_>, findings: &mut Vec<Finding>) {
    if whole.limit_ranges.is_empty() {
        return;
    }
    for helper in whole.pod.helpers() {
        for name in helper.resources.requested() {
            let Some((request, limit, range)) = crossed(whole, helper, name) else {
                continue;
            };
            let message = format!(
                "LimitRange `{}` of the namespace gives {} a limit of {limit} {name}, and it \
                 requests {request}",
                range.name,
                helper.title()
            );
            let path = format!("{}.resources.requests.{name}", helper.place);
            let finding = Finding::new(Code::LimitRangeViolated, path, message);
            findings.push(finding.of(helper.added_by));
        }
    }
}

/// Finds what a ResourceQuota refuses with our part and not without it.
pub(super) fn quotas<'c>(
    whole: PodResources<'c, '_>,
    with: &CheckContext<'c>,
    findings: &mut Vec<Finding>,
) {
    for quota in with.surroundings.quotas {
        if !quota.matches(whole) {
            continue;
        }
        findings.extend(whole.pod.helpers().filter_map(|helper| {
            let lacking = quota.lacking(whole, helper);
            lacks(&quota.name, helper, &lacking)
        }));
        let exceeded = quota.exceeded(whole);
        let Some(first) = exceeded.first() else {
            continue;
        };
        let by = culprit(whole, with, |resources| {
            !quota.exceeded(resources).is_empty()
        });
        let Some(template) = by else {
            continue;
        };
        let alone = whole.counting(CountedTemplates::First(with.templates, 0));
        let without = if quota.matches(alone) {
            String::new()
        } else {
            ", and does not count the pod without it".to_owned()
        };
        let amounts: Vec<String> = exceeded.iter().map(ToString::to_string).collect();
        let message = format!(
            "ResourceQuota `{}` of the namespace has no room for the pod with the template {} \
             ({}){without}",
            quota.name,
            template.name,
            amounts.join("; ")
        );
        let path = quota_path(whole, template, first.resource);
        let finding = Finding::new(Code::QuotaExceeded, path, message);
        findings.push(finding.of(Some(&template.name)));
    }
}

fn lacks(quota: &str, helper: &Container<'_>, lacking: &[&str]) -> Option<Finding> {
    lacking.first()?;
    let message = format!(
        "ResourceQuota `{quota}` of the namespace wants {} of every container, and {} does not say",
        lacking.join(", "),
        helper.title()
    );
    let path = format!("{}.resources", helper.place);
    Some(Finding::new(Code::QuotaExceeded, path, message).of(helper.added_by))
}

fn quota_path(whole: PodResources<'_, '_>, template: &Template, resource: &str) -> String {
    let part = match resource.strip_prefix("limits.") {
        Some(name) => format!("limits.{name}"),
        None => {
            let name = resource.strip_prefix("requests.").unwrap_or(resource);
            format!("requests.{name}")
        }
    };
    match first_of(whole.pod, template) {
        Some(container) if !part.contains("pods") => {
            format!("{}.resources.{part}", container.place)
        }
        _ => path_of(whole.pod, template),
    }
}
