//! The namespaces with their LimitRanges, quotas and ServiceAccounts. One that does not change is
//! built once and shared by all snapshots.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::object::{Key, Watched};
use crate::check::resources::{LimitRange, Quota};
use crate::inject::{Namespace, Namespaces};

/// One namespace; its objects may arrive before the Namespace itself.
#[derive(Debug, Default)]
struct Known {
    /// Labels and annotations, once the Namespace was seen.
    listed: Option<(BTreeMap<String, String>, BTreeMap<String, String>)>,
    limit_ranges: BTreeMap<String, LimitRange>,
    quotas: BTreeMap<String, Quota>,
    /// The ServiceAccounts that have imagePullSecrets.
    pulling_accounts: BTreeSet<String>,
}

impl Known {
    fn is_nothing(&self) -> bool {
        self.listed.is_none()
            && self.limit_ranges.is_empty()
            && self.quotas.is_empty()
            && self.pulling_accounts.is_empty()
    }

    fn namespace(&self, name: &str) -> Namespace {
        let (labels, annotations) = self.listed.clone().unwrap_or_default();
        let mut namespace = Namespace {
            labels,
            annotations,
            is_listed: self.listed.is_some(),
            limit_ranges: self.limit_ranges.values().cloned().collect(),
            quotas: self.quotas.values().cloned().collect(),
            pulling_accounts: self.pulling_accounts.clone(),
            ..Namespace::default()
        };
        namespace.add_name(name);
        namespace
    }
}

#[derive(Debug, Default)]
pub(super) struct NamespaceState {
    known: BTreeMap<String, Known>,
    /// Those that changed since the last snapshot.
    changed: BTreeSet<String>,
    /// Those of the last snapshot.
    made: BTreeMap<Arc<str>, Arc<Namespace>>,
}

impl NamespaceState {
    pub(super) fn set(
        &mut self,
        name: &str,
        labels: BTreeMap<String, String>,
        annotations: BTreeMap<String, String>,
    ) {
        let listed = Some((labels, annotations));
        let known = self.known.entry(name.to_owned()).or_default();
        if known.listed != listed {
            known.listed = listed;
            self.changed.insert(name.to_owned());
        }
    }

    pub(super) fn set_limit_range(&mut self, (namespace, name): Key, range: LimitRange) {
        let known = self.known.entry(namespace.clone()).or_default();
        if known.limit_ranges.get(&name) != Some(&range) {
            known.limit_ranges.insert(name, range);
            self.changed.insert(namespace);
        }
    }

    pub(super) fn set_quota(&mut self, (namespace, name): Key, quota: Quota) {
        let known = self.known.entry(namespace.clone()).or_default();
        if known.quotas.get(&name) != Some(&quota) {
            known.quotas.insert(name, quota);
            self.changed.insert(namespace);
        }
    }

    /// A ServiceAccount has imagePullSecrets.
    pub(super) fn set_account(&mut self, (namespace, name): Key) {
        let known = self.known.entry(namespace.clone()).or_default();
        if known.pulling_accounts.insert(name) {
            self.changed.insert(namespace);
        }
    }

    /// An object of this kind is no more; of a Namespace `key` has the name alone.
    pub(super) fn remove(&mut self, kind: Watched, key: &Key) {
        let (in_namespace, name) = key;
        let namespace = match kind {
            Watched::Namespaces => name,
            _ => in_namespace,
        };
        let Some(known) = self.known.get_mut(namespace) else {
            return;
        };
        let changed = match kind {
            Watched::Namespaces => known.listed.take().is_some(),
            Watched::LimitRanges => known.limit_ranges.remove(name).is_some(),
            Watched::ResourceQuotas => known.quotas.remove(name).is_some(),
            _ => known.pulling_accounts.remove(name),
        };
        if changed {
            if known.is_nothing() {
                self.known.remove(namespace);
            }
            self.changed.insert(namespace.clone());
        }
    }

    /// The objects of a kind that are known.
    pub(super) fn keys(&self, kind: Watched) -> Vec<Key> {
        let mut keys = Vec::new();
        for (namespace, known) in &self.known {
            let mut add = |name: &String| keys.push((namespace.clone(), name.clone()));
            match kind {
                Watched::Namespaces => {
                    if known.listed.is_some() {
                        keys.push((String::new(), namespace.clone()));
                    }
                }
                Watched::LimitRanges => known.limit_ranges.keys().for_each(add),
                Watched::ResourceQuotas => known.quotas.keys().for_each(add),
                _ => known.pulling_accounts.iter().for_each(&mut add),
            }
        }
        keys
    }

    /// All namespaces as they are now.
    pub(super) fn snapshot(&mut self) -> Namespaces {
        for name in std::mem::take(&mut self.changed) {
            match self.known.get(&name) {
                Some(known) => {
                    let namespace = Arc::new(known.namespace(&name));
                    self.made.insert(name.into(), namespace);
                }
                None => {
                    self.made.remove(name.as_str());
                }
            }
        }
        Namespaces::watched(self.made.clone())
    }
}
