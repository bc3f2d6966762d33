//! The scheduler's formula for what a pod requests and may use.
//!
//! Regular containers and native sidecars run side by side; each init container runs beside the sidecars
//! that stand before it; the larger of the two counts. Resources of the pod itself (KEP-2837) take
//! the place of the sum, and the overhead of its runtime comes on top. It is part of the API:
//! component-helpers:resource/helpers.go, `PodRequests` and `PodLimits`.

use super::limit_range::{self, LimitRange};
use crate::check::pod::{Container, Pod, Resources};
use crate::kubernetes::quantity::Quantity;
use crate::template::Template;

/// How much of the composition counts.
#[derive(Debug, Clone, Copy)]
pub(super) enum CountedTemplates<'m> {
    /// The user's part and every template's.
    All,
    /// The user's part, and the first so many of these templates.
    First(&'m [&'m Template], usize),
}

impl CountedTemplates<'_> {
    /// Whether what this template added counts.
    fn has(self, template: &str) -> bool {
        match self {
            Self::All => true,
            Self::First(templates, count) => {
                let mut first = templates.iter().take(count);
                first.any(|known| known.name == template)
            }
        }
    }
}

/// What a pod requests and may use, as far as its composition counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct PodResources<'m, 'a> {
    pub(super) pod: &'m Pod<'a>,
    /// What fills in amounts that containers lack.
    pub(super) limit_ranges: &'m [LimitRange],
    /// How much of it counts.
    pub(super) counted: CountedTemplates<'m>,
    /// The minor version of the cluster.
    pub(super) kubernetes_minor: u32,
}

/// Since then the API server fills in pod-level limits (KEP-2837).
const POD_LIMITS_FILLED: u32 = 37;

/// Whether a pod can have this resource as a whole (`IsSupportedPodLevelResource`).
pub(super) fn is_pod_level(name: &str) -> bool {
    name == "cpu" || name == "memory" || is_huge_pages(name)
}

/// Whether this is memory in huge pages, which is never overcommitted.
pub(super) fn is_huge_pages(name: &str) -> bool {
    name.starts_with("hugepages-")
}

fn sum(one: Option<Quantity>, other: Option<Quantity>) -> Option<Quantity> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.add(&other)),
        (one, other) => one.or(other),
    }
}

impl<'m, 'a> PodResources<'m, 'a> {
    /// The same, with less or more of the composition.
    pub(super) fn counting(self, counted: CountedTemplates<'m>) -> Self {
        Self { counted, ..self }
    }

    /// The containers that count, init containers first.
    pub(super) fn containers(self) -> impl Iterator<Item = &'m Container<'a>> {
        self.pod.all().filter(move |c| self.counts(c))
    }

    fn counts(self, container: &Container<'a>) -> bool {
        container
            .added_by
            .is_none_or(|template| self.counted.has(template))
    }

    /// The resources of a container, without what templates added that do not count.
    fn resources(self, container: &'m Container<'a>) -> &'m Resources<'a> {
        let Some(before) = &container.resources_before else {
            return &container.resources;
        };
        let mut by = container.fields_by.iter();
        let everything = matches!(self.counted, CountedTemplates::All);
        if everything || by.any(|(field, by)| *field == "resources" && self.counted.has(by)) {
            return &container.resources;
        }
        before
    }

    /// A container's request: its own, else its limit, else what a LimitRange gives it.
    pub(super) fn request(self, container: &'m Container<'a>, name: &str) -> Option<Quantity> {
        let own = self.resources(container).request(name);
        own.or_else(|| limit_range::default_request(self.limit_ranges, name))
    }

    /// A container's limit: its own, else what a LimitRange gives it.
    pub(super) fn limit(self, container: &'m Container<'a>, name: &str) -> Option<Quantity> {
        let own = self.resources(container).limit(name);
        own.or_else(|| limit_range::default_limit(self.limit_ranges, name))
    }

    /// What the containers request together.
    pub(super) fn requests_of_containers(self, name: &str) -> Option<Quantity> {
        self.together(|container| self.request(container, name))
    }

    /// What the containers may use together, as far as they have limits.
    pub(super) fn limits_of_containers(self, name: &str) -> Option<Quantity> {
        self.together(|container| self.limit(container, name))
    }

    /// The formula itself, for one resource; `None` where no container has an amount.
    fn together(self, amount: impl Fn(&'m Container<'a>) -> Option<Quantity>) -> Option<Quantity> {
        let apps = self.pod.containers.iter().filter(|c| self.counts(c));
        let mut running = apps.fold(None, |total, app| sum(total, amount(app)));
        let mut sidecars = None;
        let mut starting = None;
        for container in self.pod.init_containers.iter().filter(|c| self.counts(c)) {
            let own = amount(container);
            let with_this = sum(sidecars, own);
            if container.is_sidecar() {
                running = sum(running, own);
                sidecars = with_this;
            }
            starting = starting.max(with_this);
        }
        running.max(starting)
    }

    /// The request of the pod itself, as the API server fills it in (pkg/api/pod/util.go,
    /// `DefaultPodLevelResources`).
    pub(super) fn pod_request(self, name: &str) -> Option<Quantity> {
        let own = self.pod_resources(name)?;
        let overcommitted = (!is_huge_pages(name)).then_some(());
        own.own_request(name)
            .or_else(|| overcommitted.and_then(|()| self.requests_of_containers(name)))
            .or_else(|| self.written_pod_limit(own, name))
    }

    /// The limit of the pod itself, as the API server fills it in.
    pub(super) fn pod_limit(self, name: &str) -> Option<Quantity> {
        let own = self.pod_resources(name)?;
        let written = self.written_pod_limit(own, name);
        if written.is_some() || self.kubernetes_minor < POD_LIMITS_FILLED {
            return written;
        }
        let request = self.pod_request(name)?;
        let mut containers = self.containers();
        let all = containers.all(|container| self.limit(container, name).is_some());
        let together = self.limits_of_containers(name)?;
        all.then(|| together.max(request))
    }

    fn written_pod_limit(self, own: &Resources<'a>, name: &str) -> Option<Quantity> {
        let written = own.limit(name);
        if written.is_some() || !is_huge_pages(name) || own.own_request(name).is_some() {
            return written;
        }
        self.limits_of_containers(name)
    }

    /// The resources of the pod itself, where it has any and can have this one.
    fn pod_resources(self, name: &str) -> Option<&'m Resources<'a>> {
        let own = self.pod.spec.resources.as_ref();
        own.filter(|own| is_pod_level(name) && own.names().any(is_pod_level))
    }

    /// What the pod requests, without overhead.
    pub(super) fn request_of_pod(self, name: &str) -> Option<Quantity> {
        self.pod_request(name)
            .or_else(|| self.requests_of_containers(name))
    }

    /// What the pod may use, without overhead.
    pub(super) fn limit_of_pod(self, name: &str) -> Option<Quantity> {
        self.pod_limit(name)
            .or_else(|| self.limits_of_containers(name))
    }

    /// The effective request: what the scheduler looks for on a node.
    pub(super) fn effective_request(self, name: &str) -> Option<Quantity> {
        sum(self.request_of_pod(name), self.overhead(name))
    }

    /// The effective limit; overhead comes on top where there is a limit.
    pub(super) fn effective_limit(self, name: &str) -> Option<Quantity> {
        let limit = self.limit_of_pod(name)?;
        if limit.sign() == 0 {
            return Some(limit);
        }
        sum(Some(limit), self.overhead(name))
    }

    fn overhead(self, name: &str) -> Option<Quantity> {
        self.pod.spec.overhead.get(name)?.0
    }
}
