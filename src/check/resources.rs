//! Resources: what the pod requests and may use with the helpers and without them, and what the
//! namespace says to that.
//!
//! Every amount is what the API server will see at last: with requests that follow from limits,
//! with the defaults that the LimitRanges of the namespace give to our containers in the second
//! round of admission, and with the pod's own `spec.resources` and overhead.

mod effect;
mod helpers;
mod limit_range;
mod namespace;
mod pod_level;
mod pod_resources;
mod qos;
mod quota;

use std::collections::BTreeMap;

use super::CheckContext;
use super::pod::{Container, Pod};
use crate::finding::Finding;
use crate::kubernetes::quantity::Quantity;
use crate::template::Template;
pub use effect::{Amounts, Effect, effect};
pub use limit_range::LimitRange;
use pod_resources::{CountedTemplates, PodResources};
pub use quota::Quota;

/// The resources that classes, averages and quotas are about.
const COMPUTE: [&str; 2] = ["cpu", "memory"];

/// Finds amounts that the pod, its class or the namespace does not allow.
pub(super) fn check(pod: &Pod<'_>, with: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    let whole = PodResources {
        pod,
        limit_ranges: with.surroundings.limit_ranges,
        counted: CountedTemplates::All,
        kubernetes_minor: with.kubernetes_minor,
    };
    pod_level::check(whole, with, findings);
    helpers::check(whole, with, findings);
    namespace::limit_ranges(whole, with, findings);
    namespace::quotas(whole, with, findings);
}

/// The requests that the API server gives to a pod with limits of its own, beside those that are written
/// (pkg/apis/core/v1/defaults.go, `defaultPodRequests`).
pub(crate) fn default_pod_requests(pod: &Pod<'_>) -> BTreeMap<String, Quantity> {
    let resources = PodResources {
        pod,
        limit_ranges: &[],
        counted: CountedTemplates::All,
        kubernetes_minor: 0,
    };
    let own = pod.spec.resources.as_ref();
    let Some(own) = own.filter(|own| own.limited().next().is_some()) else {
        return BTreeMap::new();
    };
    let names = COMPUTE.into_iter().chain(own.limited());
    names
        .filter(|name| own.own_request(name).is_none())
        .filter_map(|name| Some((name.to_owned(), resources.pod_request(name)?)))
        .collect()
}

/// The template with which, and before which not, something holds: the one to blame. `None` where
/// it holds without any, as it is the user's own then, or not even with all.
fn culprit<'c>(
    whole: PodResources<'c, '_>,
    with: &CheckContext<'c>,
    mut holds: impl FnMut(PodResources<'c, '_>) -> bool,
) -> Option<&'c Template> {
    let until = |count| whole.counting(CountedTemplates::First(with.templates, count));
    if holds(until(0)) {
        return None;
    }
    let first = (1..=with.templates.len()).find(|count| holds(until(*count)))?;
    with.templates.get(first - 1).copied()
}

/// The first container that a template added, and what of it a finding is about.
fn first_of<'p, 'a>(pod: &'p Pod<'a>, template: &Template) -> Option<&'p Container<'a>> {
    let mut all = pod.all();
    all.find(|container| container.added_by == Some(template.name.as_str()))
}

/// The resources that a template adds: of its first container, or of the user's that it edits.
fn path_of(pod: &Pod<'_>, template: &Template) -> String {
    let container = first_of(pod, template)
        .or_else(|| pod.all().find(|c| c.changed("resources", &template.name)));
    container.map_or_else(
        || "spec".to_owned(),
        |container| format!("{}.resources", container.place),
    )
}

#[cfg(test)]
mod tests;
