//! The watch cache, updated change by change.

use std::collections::{BTreeMap, BTreeSet};

use super::namespaces::NamespaceState;
use super::object::{Change, Content, Key, WatchChange, Watched, WatchedObject};
use super::observer::ClusterSnapshot;
use super::templates::TemplateState;
use super::tenants::TenantLimits;

/// All watched objects, and which changed since the last snapshot.
#[derive(Debug, Default)]
pub(super) struct State {
    namespaces: NamespaceState,
    templates: TemplateState,
    /// The kinds that were listed whole.
    listed: BTreeSet<Watched>,
    /// Keys named so far by a list that is under way.
    listing: BTreeMap<Watched, BTreeSet<Key>>,
    /// Why a kind was not listed yet.
    failures: BTreeMap<Watched, String>,
}

impl State {
    /// An empty cache with these bounds for the templates of namespaces.
    pub(super) fn new(limits: TenantLimits) -> Self {
        Self {
            templates: TemplateState::new(limits),
            ..Self::default()
        }
    }

    /// Whether templates fit now whose specs were not kept: they must be listed anew.
    pub(super) fn take_incomplete(&mut self) -> bool {
        self.templates.take_incomplete()
    }

    /// Applies a change.
    pub(super) fn apply(&mut self, WatchChange { kind, change }: WatchChange) {
        match change {
            Change::Listing => {
                self.listing.insert(kind, BTreeSet::new());
            }
            Change::Applied(object) => {
                if let Some(named) = self.listing.get_mut(&kind) {
                    named.insert(object.key.clone());
                }
                self.set(kind, *object);
            }
            Change::Deleted(key) => self.remove(kind, &key),
            Change::Listed => {
                self.listed.insert(kind);
                self.failures.remove(&kind);
                let named = self.listing.remove(&kind).unwrap_or_default();
                for key in self.keys(kind) {
                    if !named.contains(&key) {
                        self.remove(kind, &key);
                    }
                }
            }
            Change::Failed(why) => {
                self.failures.insert(kind, why);
            }
        }
    }

    fn set(&mut self, kind: Watched, WatchedObject { key, content }: WatchedObject) {
        match content {
            Content::Template(template) => self.templates.set(key, template),
            Content::Revision(revision) => self.templates.set_revision(key.1, revision),
            Content::Namespace {
                labels,
                annotations,
            } => self.namespaces.set(&key.1, labels, annotations),
            Content::LimitRange(range) => self.namespaces.set_limit_range(key, range),
            Content::Quota(quota) => self.namespaces.set_quota(key, quota),
            Content::ServiceAccount(true) => self.namespaces.set_account(key),
            Content::ServiceAccount(false) => self.namespaces.remove(kind, &key),
        }
    }

    fn remove(&mut self, kind: Watched, key: &Key) {
        match kind {
            Watched::ClusterInjectionTemplates | Watched::InjectionTemplates => {
                self.templates.remove(key);
            }
            Watched::ControllerRevisions => self.templates.remove_revision(&key.1),
            _ => self.namespaces.remove(kind, key),
        }
    }

    /// The keys of a kind in the cache.
    fn keys(&self, kind: Watched) -> Vec<Key> {
        match kind {
            Watched::ClusterInjectionTemplates => self.templates.keys(false),
            Watched::InjectionTemplates => self.templates.keys(true),
            Watched::ControllerRevisions => self.templates.revision_names(),
            _ => self.namespaces.keys(kind),
        }
    }

    /// The kinds that were not listed yet, each with the reason.
    pub(super) fn missing(&self) -> Vec<(Watched, String)> {
        Watched::ALL
            .into_iter()
            .filter(|kind| !self.listed.contains(kind))
            .map(|kind| {
                let failure = self.failures.get(&kind).map(String::as_str);
                (kind, failure.unwrap_or("not listed yet").to_owned())
            })
            .collect()
    }

    /// An immutable snapshot of everything.
    pub(super) fn snapshot(&mut self) -> ClusterSnapshot {
        let (catalog, reports) = self.templates.snapshot();
        ClusterSnapshot {
            catalog,
            reports,
            namespaces: self.namespaces.snapshot(),
        }
    }
}

#[cfg(test)]
mod tests;
