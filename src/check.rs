//! Checks: what is wrong with the pod that would result, before it exists.
//!
//! Each family looks at the same view of the pod and says what it finds; what follows from a
//! finding is decided elsewhere, by policy. The checks know the pod, the templates that were
//! applied and what is known about the namespace, and nothing of how the pod came about.

mod environment;
mod images;
mod lifecycle;
mod network;
pub mod pod;
pub mod pod_security;
pub mod references;
pub mod resources;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod scene;
mod security;
pub mod settings;
mod storage;

use crate::finding::Finding;
use crate::template::Template;
pub use pod::Pod;
pub use settings::{Settings, Surroundings};

/// What a pod is checked with.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'c> {
    /// The installation's settings.
    pub settings: &'c Settings,
    /// Minor version of the cluster's Kubernetes 1.x.
    pub kubernetes_minor: u32,
    /// What is known about the namespace.
    pub surroundings: Surroundings<'c>,
    /// The templates that were applied, in the order of composition.
    pub templates: &'c [&'c Template],
}

impl<'c> Circumstances<'c> {
    /// The applied template of this name.
    pub fn template(&self, name: &str) -> Option<&'c Template> {
        let mut templates = self.templates.iter();
        templates.find(|template| template.name == name).copied()
    }

    /// Of two parts of a pod the one that a finding about both is attributed to: what a template
    /// adds and not what the user wrote, of two templates the later in the order of composition.
    pub fn later<'t>(&self, one: Option<&'t str>, other: Option<&'t str>) -> Option<&'t str> {
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

/// Everything that the checks find, family by family.
pub fn findings(pod: &Pod<'_>, with: &Circumstances<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    network::check(pod, with, &mut findings);
    storage::check(pod, with, &mut findings);
    lifecycle::check(pod, with, &mut findings);
    resources::check(pod, with, &mut findings);
    security::check(pod, with, &mut findings);
    images::check(pod, with, &mut findings);
    environment::check(pod, with, &mut findings);
    findings
}
