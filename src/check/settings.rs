//! What checks are made with besides the pod: settings of the installation, and what is known about
//! the namespace.

use std::collections::{BTreeMap, BTreeSet};

use super::pod_security::Defaults;
use super::resources::{LimitRange, Quota};

/// More helpers than these beside one app are found.
const MOST_HELPERS: usize = 8;

/// Settings of one installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Whether resulting pods are checked at all; what composing meets is told in any case.
    pub enabled: bool,
    /// What the API server's configuration says about Pod Security.
    pub(crate) pod_security: Defaults,
    /// How many helpers may run beside one app without being found.
    pub(crate) most_helpers: usize,
    /// Starts of image references that need a pull secret, such as `registry.example.com/team/`.
    pub(crate) private_registries: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            pod_security: Defaults::default(),
            most_helpers: MOST_HELPERS,
            private_registries: Vec::new(),
        }
    }
}

/// What is known about the namespace of the pod, and about who creates it.
#[derive(Debug, Clone, Copy)]
pub struct NamespaceFacts<'c> {
    /// The namespace's name.
    pub namespace: &'c str,
    /// The namespace's labels.
    pub labels: &'c BTreeMap<String, String>,
    /// The namespace's annotations.
    pub annotations: &'c BTreeMap<String, String>,
    /// The LimitRanges of the namespace that are known.
    pub limit_ranges: &'c [LimitRange],
    /// The ResourceQuotas of the namespace that are known.
    pub quotas: &'c [Quota],
    /// The ServiceAccounts that are known to have imagePullSecrets.
    pub pulling_accounts: &'c BTreeSet<String>,
    /// The user that creates the pod; `None` where nobody knows.
    pub user: Option<&'c str>,
}
