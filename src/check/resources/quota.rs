//! ResourceQuotas: which of them count a pod, what they count, and when they refuse it
//! (pkg/quota/v1/evaluator/core/pods.go, apiserver:admission/plugin/resourcequota/controller.go).

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use super::limit_range::amounts;
use super::pod_resources::{PodResources, is_huge_pages, is_pod_level};
use super::qos::{QosClass, class};
use crate::check::pod::{Container, Pod, text};
use crate::kubernetes::quantity::Quantity;

/// A ResourceQuota of the namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    pub(crate) name: String,
    hard: BTreeMap<String, Quantity>,
    used: BTreeMap<String, Quantity>,
    scopes: Vec<Scope>,
}

/// Which pods a quota counts; all of its scopes must match.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Scope {
    /// Those with `activeDeadlineSeconds`, or without.
    Terminating(bool),
    /// Those of class `BestEffort`, or of another.
    BestEffort(bool),
    /// Those with a priority class, or without.
    HasPriorityClass(bool),
    /// Those with one of these priority classes, or with another or none.
    PriorityClass(bool, Vec<String>),
    /// Something that is not known here: such a quota says nothing.
    Unknown,
}

/// What a quota asks of every container, if it counts CPU or memory at all (`validationSet`).
const WANTED: [&str; 6] = [
    "cpu",
    "limits.cpu",
    "limits.memory",
    "memory",
    "requests.cpu",
    "requests.memory",
];

impl Quota {
    /// Reads a ResourceQuota. Without a status, as in a file, nothing of it is used.
    pub fn read(object: &Value) -> Self {
        let name = object.pointer("/metadata/name").and_then(Value::as_str);
        let counted = object.pointer("/status/hard");
        let list = |path: &str| {
            let list = object.pointer(path).and_then(Value::as_array);
            list.into_iter().flatten()
        };
        let plain = list("/spec/scopes").map(|scope| Scope::of(scope.as_str(), None, None));
        let selected = list("/spec/scopeSelector/matchExpressions").map(|expression| {
            let text = |field: &str| expression.get(field).and_then(Value::as_str);
            let values = expression.get("values");
            Scope::of(text("scopeName"), text("operator"), values)
        });
        Self {
            name: name.unwrap_or_default().to_owned(),
            hard: amounts(counted.or_else(|| object.pointer("/spec/hard"))),
            used: amounts(object.pointer("/status/used")),
            scopes: plain.chain(selected).collect(),
        }
    }

    /// Whether it counts this pod.
    pub(super) fn matches(&self, resources: PodResources<'_, '_>) -> bool {
        let mut counted = self.hard.keys();
        counted.any(|name| is_of_pods(name))
            && self.scopes.iter().all(|scope| scope.matches(resources))
    }

    /// What it asks of every container and this one lacks. Where the pod has resources of its own,
    /// it asks nothing.
    pub(super) fn lacking<'q>(
        &'q self,
        resources: PodResources<'_, '_>,
        container: &Container<'_>,
    ) -> Vec<&'q str> {
        let own = resources.pod.spec.resources.as_ref();
        if own.is_some_and(|own| own.names().any(is_pod_level)) {
            return Vec::new();
        }
        let mut containers = resources.containers();
        let Some(container) = containers.find(|known| known.place == container.place) else {
            return Vec::new();
        };
        WANTED
            .into_iter()
            .filter(|name| self.hard.contains_key(*name))
            .filter(|name| match name.strip_prefix("limits.") {
                Some(resource) => resources.limit(container, resource).is_none(),
                None => {
                    let resource = name.strip_prefix("requests.").unwrap_or(name);
                    resources.request(container, resource).is_none()
                }
            })
            .collect()
    }

    /// What the pod would take more of than is left.
    pub(super) fn exceeded(&self, resources: PodResources<'_, '_>) -> Vec<Exceeded<'_>> {
        if !self.matches(resources) {
            return Vec::new();
        }
        let nothing = Quantity::from(0);
        self.hard
            .iter()
            .filter_map(|(name, hard)| {
                let wanted = usage(resources, name).filter(|wanted| wanted.sign() != 0)?;
                let used = *self.used.get(name).unwrap_or(&nothing);
                (used.add(&wanted) > *hard).then_some(Exceeded {
                    resource: name,
                    wanted,
                    used,
                    hard: *hard,
                })
            })
            .collect()
    }
}

/// A resource of which a quota has not enough left.
#[derive(Debug)]
pub(super) struct Exceeded<'q> {
    /// As the quota calls it.
    pub(super) resource: &'q str,
    wanted: Quantity,
    used: Quantity,
    hard: Quantity,
}

impl fmt::Display for Exceeded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: the pod needs {}, {} of {} are used",
            self.resource, self.wanted, self.used, self.hard
        )
    }
}

impl Scope {
    /// A scope by its words; `operator`: that of a scope selector.
    fn of(name: Option<&str>, operator: Option<&str>, values: Option<&Value>) -> Self {
        let classes = || {
            let values = values.and_then(Value::as_array).into_iter().flatten();
            values
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect()
        };
        match (name.unwrap_or_default(), operator.unwrap_or("Exists")) {
            ("Terminating", "Exists") => Self::Terminating(true),
            ("NotTerminating", "Exists") => Self::Terminating(false),
            ("BestEffort", "Exists") => Self::BestEffort(true),
            ("NotBestEffort", "Exists") => Self::BestEffort(false),
            ("PriorityClass", "Exists") => Self::HasPriorityClass(true),
            ("PriorityClass", "DoesNotExist") => Self::HasPriorityClass(false),
            ("PriorityClass", "In") => Self::PriorityClass(true, classes()),
            ("PriorityClass", "NotIn") => Self::PriorityClass(false, classes()),
            _ => Self::Unknown,
        }
    }

    fn matches(&self, resources: PodResources<'_, '_>) -> bool {
        let pod = resources.pod;
        match self {
            Self::Terminating(wanted) => is_terminating(pod) == *wanted,
            Self::BestEffort(wanted) => (class(resources) == QosClass::BestEffort) == *wanted,
            Self::HasPriorityClass(wanted) => priority_class(pod).is_some() == *wanted,
            Self::PriorityClass(wanted, values) => {
                let class = priority_class(pod);
                let among = class.is_some_and(|class| values.iter().any(|value| value == class));
                among == *wanted
            }
            Self::Unknown => false,
        }
    }
}

fn is_terminating(pod: &Pod<'_>) -> bool {
    pod.spec
        .active_deadline_seconds
        .is_some_and(|seconds| seconds >= 0)
}

fn priority_class<'p>(pod: &'p Pod<'_>) -> Option<&'p str> {
    let class = text(pod.spec.priority_class_name.as_ref());
    (!class.is_empty()).then_some(class)
}

/// What a pod takes of a resource as a quota calls it; `None`: nothing, or it is none of a pod's.
fn usage(resources: PodResources<'_, '_>, name: &str) -> Option<Quantity> {
    let request = |resource: &str| resources.effective_request(resource);
    match name {
        "pods" | "count/pods" => Some(Quantity::from(1)),
        "cpu" | "memory" | "ephemeral-storage" => request(name),
        "limits.cpu" | "limits.memory" | "limits.ephemeral-storage" => {
            resources.effective_limit(name.strip_prefix("limits.")?)
        }
        name if is_huge_pages(name) => request(name),
        name => name.strip_prefix("requests.").and_then(request),
    }
}

/// Whether a quota's resource is counted for pods at all.
fn is_of_pods(name: &str) -> bool {
    let requested = name.strip_prefix("requests.");
    let native = ["cpu", "memory", "ephemeral-storage"];
    matches!(name, "pods" | "count/pods")
        || native.contains(&name)
        || is_huge_pages(name)
        || requested
            .is_some_and(|name| native.contains(&name) || is_huge_pages(name) || is_extended(name))
        || name
            .strip_prefix("limits.")
            .is_some_and(|name| native.contains(&name))
}

/// Whether this is the resource of a device (`IsNativeResource`): it has a domain, which is not
/// Kubernetes' own. So `requests.storage`, which is about claims, is none.
fn is_extended(name: &str) -> bool {
    name.contains('/') && !name.contains("kubernetes.io/")
}
