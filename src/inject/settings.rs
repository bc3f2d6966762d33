//! What an installation decides once: the cluster's version, the namespaces that are left alone and
//! what is known about the others.

mod foreign_helpers;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Weak};

use serde_json::Value;

use crate::check;
use crate::check::references::Missing;
use crate::check::resources::{LimitRange, Quota};
use crate::finding::Policies;
use crate::kubernetes::keys::{INJECT, INJECTION, NAMESPACE_NAME};
pub use foreign_helpers::{ForeignHelper, ForeignHelpers};

/// Settings of one installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Minor version of the cluster's Kubernetes 1.x, default 37.
    pub kubernetes_minor: u32,
    /// Whether every kubelet knows native sidecars; `None` derives it from the version: API server
    /// 1.32 or newer, as kubelets lag by at most three minors (KEP-753: beta and on since 1.29).
    pub native_sidecars: Option<bool>,
    /// Namespaces whose pods are never touched, by any template.
    pub excluded_namespaces: BTreeSet<String>,
    /// Values of parameters, by `(template, parameter)`: they win over the template's default and
    /// are the only way to set a parameter with `setBy: []`.
    pub parameters: BTreeMap<(String, String), String>,
    /// The containers of other injectors, which are never the app.
    pub foreign_helpers: ForeignHelpers,
    /// The registry, with a path where it has one, that the images of templates are pulled from
    /// instead of their own.
    pub registry: Option<String>,
    /// What follows from findings, where neither namespace nor template says it.
    pub findings: Policies,
    /// What the resulting pod is checked with.
    pub checks: check::Settings,
    /// What is known about namespaces.
    pub namespaces: Namespaces,
}

impl Default for Settings {
    fn default() -> Self {
        let excluded = [
            "kube-system",
            "kube-public",
            "kube-node-lease",
            "pillion-system",
        ];
        Self {
            kubernetes_minor: 37,
            native_sidecars: None,
            excluded_namespaces: excluded.map(str::to_owned).into(),
            parameters: BTreeMap::new(),
            foreign_helpers: ForeignHelpers::default(),
            registry: None,
            findings: Policies::default(),
            checks: check::Settings::default(),
            namespaces: Namespaces::default(),
        }
    }
}

impl Settings {
    /// The settings without the namespaces, of which there may be many.
    pub(crate) fn without_namespaces(&self) -> Self {
        Self {
            kubernetes_minor: self.kubernetes_minor,
            native_sidecars: self.native_sidecars,
            excluded_namespaces: self.excluded_namespaces.clone(),
            parameters: self.parameters.clone(),
            foreign_helpers: self.foreign_helpers.clone(),
            registry: self.registry.clone(),
            findings: self.findings.clone(),
            checks: self.checks.clone(),
            namespaces: Namespaces::default(),
        }
    }
}

/// The namespaces that are known: without a cluster those of the given manifests, else those of the
/// cluster. A namespace is shared and not copied, so that one of ten thousand can change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Namespaces {
    known: BTreeMap<Arc<str>, Arc<Namespace>>,
    /// Whether a cluster is watched, so that a namespace that is not listed is not known yet.
    watched: bool,
    /// Whether a namespace asks for templates for all of its pods.
    has_asking: bool,
}

impl Namespaces {
    /// All namespaces of a cluster that is watched. A namespace that is not among them is newer
    /// than this, and nothing can be decided about its pods.
    pub(crate) fn watched(known: BTreeMap<Arc<str>, Arc<Namespace>>) -> Self {
        Self {
            has_asking: known.values().any(|namespace| namespace.asks_for_all()),
            known,
            watched: true,
        }
    }

    /// Adds or replaces a namespace.
    pub fn insert(&mut self, name: &str, mut namespace: Namespace) {
        namespace.add_name(name);
        self.has_asking |= namespace.asks_for_all();
        self.known.insert(Arc::from(name), Arc::new(namespace));
    }

    /// Whether a namespace asks for templates for all of its pods. May stay `true` after the last such
    /// namespace was replaced.
    pub(crate) fn has_asking(&self) -> bool {
        self.has_asking
    }

    /// The namespace of this name; one that is not listed has its name label only.
    pub(crate) fn get(&self, name: &str) -> std::borrow::Cow<'_, Namespace> {
        match self.known.get(name) {
            Some(known) => std::borrow::Cow::Borrowed(known),
            None => {
                let mut unlisted = Namespace::default();
                unlisted.add_name(name);
                std::borrow::Cow::Owned(unlisted)
            }
        }
    }

    /// The namespaces that are listed, by name.
    pub(crate) fn listed(&self) -> impl Iterator<Item = (&str, &Namespace)> {
        let known = self.known.iter();
        let listed = known.filter(|(_, namespace)| namespace.is_listed);
        listed.map(|(name, namespace)| (name.as_ref(), namespace.as_ref()))
    }

    /// The shared facts of a namespace.
    pub(crate) fn shared(&self, name: &str) -> Option<Arc<Namespace>> {
        self.known.get(name).cloned()
    }

    /// Whether the facts of a namespace are still this very object, so that decisions made with them hold.
    pub(crate) fn is_as_before(&self, name: &str, facts: Option<&Weak<Namespace>>) -> bool {
        match (self.known.get(name), facts) {
            (Some(now), Some(before)) => Arc::as_ptr(now) == before.as_ptr(),
            (now, before) => now.is_none() && before.is_none() && !self.is_unknown(name),
        }
    }

    /// Whether they are those of a cluster.
    pub(crate) fn is_watched(&self) -> bool {
        self.watched
    }

    /// Whether the watch cache lacks this namespace. Nothing may be decided on its pods until it is there.
    pub(crate) fn is_unknown(&self, name: &str) -> bool {
        self.watched && !self.known.get(name).is_some_and(|known| known.is_listed)
    }
}

/// What decisions need of a Namespace object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Namespace {
    /// `metadata.labels`.
    pub labels: BTreeMap<String, String>,
    /// `metadata.annotations`.
    pub annotations: BTreeMap<String, String>,
    /// Whether the Namespace object itself is known, and not only what stands in it.
    pub is_listed: bool,
    /// The LimitRanges in it that are known.
    pub limit_ranges: Vec<LimitRange>,
    /// The ResourceQuotas in it that are known.
    pub quotas: Vec<Quota>,
    /// The objects that are known not to exist in it. Only who may read them can know.
    pub missing: Missing,
    /// The ServiceAccounts in it that are known to have imagePullSecrets, which the API server gives
    /// to pods that name none.
    pub pulling_accounts: BTreeSet<String>,
}

impl Namespace {
    /// The labels and annotations of a Namespace object.
    pub(crate) fn of_object(object: &Value) -> Self {
        let texts = |pointer: &str| {
            let entries = object.pointer(pointer).and_then(Value::as_object);
            entries
                .into_iter()
                .flatten()
                .filter_map(|(key, value)| {
                    // Kubernetes reads an empty value, `key:` in YAML, as an empty text.
                    let text = if value.is_null() { "" } else { value.as_str()? };
                    Some((key.clone(), text.to_owned()))
                })
                .collect()
        };
        Self {
            labels: texts("/metadata/labels"),
            annotations: texts("/metadata/annotations"),
            ..Self::default()
        }
    }

    /// Adds the label that the API server gives every namespace.
    pub(crate) fn add_name(&mut self, name: &str) {
        self.labels
            .entry(NAMESPACE_NAME.to_owned())
            .or_insert_with(|| name.to_owned());
    }

    /// The value of the namespace's label `pillion.dev/injection`.
    pub(crate) fn injection(&self) -> Option<&str> {
        self.labels.get(INJECTION).map(String::as_str)
    }

    /// Whether the namespace asks for templates for pods that ask for none themselves.
    pub(crate) fn asks_for_all(&self) -> bool {
        self.injection() == Some("enabled") && self.annotations.contains_key(INJECT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unlisted_namespace_has_its_name_only() {
        let namespaces = Namespaces::default();
        let namespace = namespaces.get("shop");
        assert_eq!(
            namespace.labels.get(NAMESPACE_NAME).map(String::as_str),
            Some("shop")
        );
        assert!(namespace.annotations.is_empty());
        assert!(
            !namespaces.is_unknown("shop"),
            "without a cluster nobody can know better"
        );
    }

    #[test]
    fn where_a_cluster_is_watched_an_unlisted_namespace_is_unknown() {
        let namespace = |is_listed| {
            let namespace = Namespace {
                is_listed,
                ..Namespace::default()
            };
            Arc::new(namespace)
        };
        // Of the bank a LimitRange was seen before the namespace itself.
        let known = [("shop", true), ("bank", false)];
        let known = known.map(|(name, is_listed)| (Arc::from(name), namespace(is_listed)));
        let namespaces = Namespaces::watched(known.into());
        assert!(!namespaces.is_unknown("shop"));
        assert!(namespaces.is_unknown("bank"));
        assert!(namespaces.is_unknown("new"));
    }
}
