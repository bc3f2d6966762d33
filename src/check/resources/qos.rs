//! The quality-of-service class, which decides what is evicted first
//! (pkg/apis/core/v1/helper/qos/qos.go, `ComputePodQOS`).

use std::fmt;

use super::COMPUTE;
use super::pod_resources::{PodResources, is_pod_level};
use crate::kubernetes::quantity::Quantity;

/// The class, that which is evicted first at the front.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum QosClass {
    /// No CPU or memory is requested or limited.
    BestEffort,
    /// Some is.
    Burstable,
    /// Every container has limits of both that equal its requests.
    Guaranteed,
}

impl QosClass {
    /// The word of `status.qosClass`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::BestEffort => "BestEffort",
            Self::Burstable => "Burstable",
            Self::Guaranteed => "Guaranteed",
        }
    }
}

impl fmt::Display for QosClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The class of a pod with these resources.
pub(super) fn class(resources: PodResources<'_, '_>) -> QosClass {
    let own = resources.pod.spec.resources.as_ref();
    if own.is_some_and(|own| own.names().any(is_pod_level)) {
        return common(
            COMPUTE.map(|name| shape(resources.pod_request(name), resources.pod_limit(name))),
        );
    }
    let containers = resources.containers();
    let classes = containers.map(|container| {
        common(COMPUTE.map(|name| {
            shape(
                resources.request(container, name),
                resources.limit(container, name),
            )
        }))
    });
    common(classes)
}

/// What one resource says: nothing, less than its limit, or exactly its limit.
fn shape(request: Option<Quantity>, limit: Option<Quantity>) -> QosClass {
    let amount = |amount: Option<Quantity>| amount.map_or(0, |amount| amount.nanos());
    match (amount(request), amount(limit)) {
        (0, 0) => QosClass::BestEffort,
        (request, limit) if request == limit => QosClass::Guaranteed,
        _ => QosClass::Burstable,
    }
}

/// The class that all share; where they differ, the one between.
fn common(classes: impl IntoIterator<Item = QosClass>) -> QosClass {
    let mut classes = classes.into_iter();
    let Some(first) = classes.next() else {
        return QosClass::BestEffort;
    };
    if classes.all(|class| class == first) {
        return first;
    }
    QosClass::Burstable
}
