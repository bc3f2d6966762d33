//! Checks: what is wrong with the pod that would result, before it exists.
//!
//! Each family looks at the same view of the pod and says what it finds; what follows from a
//! finding is decided elsewhere, by policy. The checks know the pod, the templates that were
//! applied and what is known about the namespace, and nothing of how the pod came about.

mod environment;
mod images;
mod lifecycle;
mod network;
mod own;
pub(crate) mod pod;
pub mod pod_security;
pub(crate) mod references;
pub mod resources;
mod security;
pub(crate) mod settings;
mod storage;
#[cfg(test)]
mod test_support;
mod validity;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use crate::finding::{Code, Finding};
use crate::template::Template;
pub use pod::Pod;
pub use settings::{NamespaceFacts, Settings};

/// What a pod is checked with.
#[derive(Debug, Clone, Copy)]
pub struct CheckContext<'c> {
    /// The installation's settings.
    pub settings: &'c Settings,
    /// Minor version of the cluster's Kubernetes 1.x.
    pub kubernetes_minor: u32,
    /// What is known about the namespace.
    pub surroundings: NamespaceFacts<'c>,
    /// The templates that were applied, in the order of composition.
    pub templates: &'c [&'c Template],
}

impl<'c> CheckContext<'c> {
    /// The applied template of this name.
    pub(crate) fn template(&self, name: &str) -> Option<&'c Template> {
        let mut templates = self.templates.iter();
        templates.find(|template| template.name == name).copied()
    }

    /// The last of the applied templates that name this annotation.
    pub(crate) fn annotation_by(&self, key: &str) -> Option<&'c str> {
        let last = self.templates.iter().rfind(|template| {
            let annotations = template.annotations.as_ref();
            annotations.is_some_and(|annotations| annotations.has_field(key))
        });
        last.map(|template| template.name.as_str())
    }

    /// Of two parts of a pod the one that a finding about both is attributed to: what a template
    /// adds and not what the user wrote, of two templates the later in the order of composition.
    pub(crate) fn later<'t>(
        &self,
        one: Option<&'t str>,
        other: Option<&'t str>,
    ) -> Option<&'t str> {
        let (Some(first), Some(second)) = (one, other) else {
            return one.or(other);
        };
        let place = |name: &str| {
            let mut templates = self.templates.iter();
            templates.position(|template| template.name == name)
        };
        Some(if place(first) > place(second) {
            first
        } else {
            second
        })
    }
}

/// As many findings of one code about one template are told; more say nothing new.
const MOST_ALIKE: usize = 8;

/// Everything that the checks find, family by family.
pub fn findings(pod: &Pod<'_>, with: &CheckContext<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    network::check(pod, with, &mut findings);
    storage::check(pod, with, &mut findings);
    lifecycle::check(pod, with, &mut findings);
    resources::check(pod, with, &mut findings);
    security::check(pod, with, &mut findings);
    images::check(pod, with, &mut findings);
    environment::check(pod, with, &mut findings);
    validity::check(pod, with, &mut findings);
    own::check(pod, with, &mut findings);
    bounded(findings)
}

/// What is wrong with a pod by itself, whatever templates would add; `kubernetes_minor`: of the
/// cluster's Kubernetes 1.x.
pub(crate) fn of_pod(pod: &Value, settings: &Settings, kubernetes_minor: u32) -> Vec<Finding> {
    let nothing = BTreeMap::new();
    let with = CheckContext {
        settings,
        kubernetes_minor,
        surroundings: NamespaceFacts {
            namespace: "",
            labels: &nothing,
            annotations: &nothing,
            limit_ranges: &[],
            quotas: &[],
            pulling_accounts: &BTreeSet::new(),
            user: None,
        },
        templates: &[],
    };
    let mut found = findings(&Pod::read(pod, &|_| None), &with);
    found.sort_by_key(|finding| finding.code.severity());
    found
}

/// At most [`MOST_ALIKE`] findings of each code and template; the last of them counts the others, so
/// that one pod cannot fill the answer and the log.
fn bounded(findings: Vec<Finding>) -> Vec<Finding> {
    if findings.len() <= MOST_ALIKE {
        return findings;
    }
    let mut alike: HashMap<(Code, Option<String>), Alike> = HashMap::new();
    let mut kept: Vec<Finding> = Vec::new();
    for finding in findings {
        let key = (finding.code, finding.template.clone());
        let alike = alike.entry(key).or_default();
        if alike.kept == MOST_ALIKE {
            alike.more += 1;
            continue;
        }
        alike.kept += 1;
        alike.last = kept.len();
        kept.push(finding);
    }
    for alike in alike.values().filter(|alike| alike.more > 0) {
        if let Some(last) = kept.get_mut(alike.last) {
            let more = format!("; and {} more like it", alike.more);
            last.message.push_str(&more);
            last.logged.push_str(&more);
        }
    }
    kept
}

/// The findings of one code and template: how many are kept, where the last of them is, and how many
/// are only counted.
#[derive(Default)]
struct Alike {
    kept: usize,
    last: usize,
    more: usize,
}

#[cfg(test)]
mod tests;
