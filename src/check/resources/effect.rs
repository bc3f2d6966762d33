//! What the helpers change in what the pod requests and may use: before and after.

use std::collections::BTreeSet;

use super::pod_resources::{CountedTemplates, PodResources};
use super::qos::{QosClass, class};
use crate::check::pod::{Pod, Resources};
use crate::kubernetes::quantity::Quantity;
use crate::review::Text;

/// What the helpers change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// The amounts, by the name of the resource.
    pub amounts: Vec<Amounts>,
    /// The class without the helpers.
    pub(crate) class_before: QosClass,
    /// The class with them.
    pub(crate) class_after: QosClass,
}

/// One resource, with the helpers and without them; `None` where nothing is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amounts {
    /// The resource.
    pub resource: String,
    /// The effective request without the helpers.
    pub request_before: Option<Quantity>,
    /// The effective request with them.
    pub request_after: Option<Quantity>,
    /// The effective limit without the helpers.
    pub limit_before: Option<Quantity>,
    /// The effective limit with them.
    pub limit_after: Option<Quantity>,
}

/// The effect of the helpers on a pod, by the scheduler's formula, in a namespace without
/// LimitRanges and with the newest Kubernetes' way to fill in the pod's own resources.
pub fn effect(pod: &Pod<'_>) -> Effect {
    let after = PodResources {
        pod,
        limit_ranges: &[],
        counted: CountedTemplates::All,
        kubernetes_minor: u32::MAX,
    };
    let before = after.counting(CountedTemplates::First(&[], 0));
    let of_containers = pod.all().flat_map(|container| {
        let written = container.resources_before.iter().flat_map(Resources::names);
        container.resources.names().chain(written)
    });
    let of_pod = pod.spec.resources.iter().flat_map(Resources::names);
    let overhead = pod.spec.overhead.keys().map(Text::as_str);
    let names: BTreeSet<&str> = of_containers.chain(of_pod).chain(overhead).collect();
    let amounts = names.into_iter().map(|name| Amounts {
        resource: name.to_owned(),
        request_before: before.effective_request(name),
        request_after: after.effective_request(name),
        limit_before: before.effective_limit(name),
        limit_after: after.effective_limit(name),
    });
    Effect {
        amounts: amounts.collect(),
        class_before: class(before),
        class_after: class(after),
    }
}
