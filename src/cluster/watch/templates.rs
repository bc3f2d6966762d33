//! The templates, each compiled once for each generation, and the revision of each that serves.
//!
//! A generation that does not compile is not served: the last good one stays. Which that is, a
//! replica knows that saw it, and every replica learns it from the revision that was kept; of two
//! that are good the later generation counts, so that all replicas come to serve the same.

mod stored;

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::object::{Key, StoredTemplate};
use super::tenants::{Admission, Candidate, TenantLimits};
use crate::cluster::model::{ServedRevision, TemplateReport, TemplateReports};
use crate::cluster::revisions::KeptRevision;
use crate::template::compile::{MandatoryFor, object_path};
use crate::template::{Catalog, CatalogEntry};
use stored::{Stored, compiled};

/// A ControllerRevision.
#[derive(Debug)]
struct Revision {
    /// `None`: an object that cannot be read as one.
    kept: Option<KeptRevision>,
    /// The compiled revision, made when it is first needed.
    good: OnceCell<Option<ServedRevision>>,
}

impl Revision {
    fn generation(&self) -> i64 {
        self.kept.as_ref().map_or(0, |kept| kept.generation)
    }

    fn good(&self) -> Option<ServedRevision> {
        let good = self.good.get_or_init(|| good_of(self.kept.as_ref()?));
        good.clone()
    }
}

#[derive(Debug, Default)]
pub(super) struct TemplateState {
    limits: TenantLimits,
    stored: BTreeMap<Key, Stored>,
    /// The revisions by their objects' names.
    revisions: BTreeMap<String, Revision>,
    /// The templates to be compiled.
    uncompiled: BTreeSet<Key>,
    changed: bool,
    is_incomplete: bool,
    catalog: Arc<Catalog>,
    reports: Arc<TemplateReports>,
}

impl TemplateState {
    pub(super) fn new(limits: TenantLimits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    pub(super) fn set(&mut self, key: Key, new: StoredTemplate) {
        self.changed = true;
        let known = self
            .stored
            .get_mut(&key)
            .filter(|known| known.uid == new.uid);
        let same_text = known.as_ref().is_some_and(|known| known.is_known(&new));
        match known {
            Some(known) if same_text => known.touch(new),
            Some(known) => {
                // One that was replaced at once may still be the last good one.
                known.compile(&key);
                known.replace(new);
            }
            None => drop(self.stored.insert(key.clone(), Stored::new(new))),
        }
        if !same_text {
            self.uncompiled.insert(key);
        }
    }

    pub(super) fn remove(&mut self, key: &Key) {
        self.changed |= self.stored.remove(key).is_some();
        self.uncompiled.remove(key);
    }

    pub(super) fn set_revision(&mut self, name: String, kept: Option<KeptRevision>) {
        let known = self.revisions.get(&name);
        if known.is_some_and(|known| known.kept == kept) {
            return;
        }
        let good = OnceCell::new();
        self.revisions.insert(name, Revision { kept, good });
        self.changed = true;
    }

    pub(super) fn remove_revision(&mut self, name: &str) {
        self.changed |= self.revisions.remove(name).is_some();
    }

    /// The templates that are known: those of namespaces, or of the whole cluster.
    pub(super) fn keys(&self, namespaced: bool) -> Vec<Key> {
        self.stored
            .keys()
            .filter(|(namespace, _)| namespace.is_empty() != namespaced)
            .cloned()
            .collect()
    }

    pub(super) fn revision_names(&self) -> Vec<Key> {
        let names = self.revisions.keys();
        names.map(|name| (String::new(), name.clone())).collect()
    }

    /// All templates as they are now; the same values where nothing changed.
    pub(super) fn snapshot(&mut self) -> (Arc<Catalog>, Arc<TemplateReports>) {
        if self.changed {
            self.compile_admitted();
        }
        if std::mem::take(&mut self.changed) {
            self.reports = Arc::new(self.reports());
            let entries = self.reports.templates.iter().map(|report| {
                let key = (report.namespace.clone(), report.name.clone());
                let stored = self.stored.get(&key);
                entry(report, stored.map(Stored::mandatory).unwrap_or_default())
            });
            self.catalog = Arc::new(Catalog::of_entries(entries));
        }
        (Arc::clone(&self.catalog), Arc::clone(&self.reports))
    }

    fn compile_admitted(&mut self) {
        let mut admission = self.refuse();
        let mut falls_back = false;
        while let Some(key) = self.uncompiled.pop_first() {
            let Some(stored) = self.stored.get_mut(&key) else {
                continue;
            };
            let before = stored.bytes();
            stored.compile(&key);
            falls_back |= stored.needs_kept();
            let more = stored.bytes().saturating_sub(before);
            // What its patterns take is known only now.
            if !admission.grow(&key.0, more) {
                admission = self.refuse();
            }
        }
        if falls_back {
            // And that kept revisions are to serve, which take something too.
            self.refuse();
        }
    }

    /// Refuses templates of namespaces that have too much, and readmits those that fit now.
    fn refuse(&mut self) -> Admission {
        let kept = self.kept_of_broken();
        let of_namespaces = self
            .stored
            .iter()
            .filter(|((namespace, _), _)| !namespace.is_empty());
        let candidates = of_namespaces.map(|(key, stored)| Candidate {
            key: key.clone(),
            created: stored.created.clone(),
            bytes: stored.bytes() + kept.get(key).copied().unwrap_or_default(),
        });
        let mut admission = self.limits.admit(candidates);
        let refused = std::mem::take(&mut admission.refused);
        for (key, stored) in &mut self.stored {
            match refused.get(key) {
                Some(reason) => {
                    self.uncompiled.remove(key);
                    stored.refuse(key, reason);
                }
                None if stored.is_refused && stored.spec.is_none() => self.is_incomplete = true,
                None => stored.is_refused = false,
            }
        }
        admission
    }

    /// What the kept revisions take that serve for a newest generation that does not compile, or would
    /// if it were not refused.
    fn kept_of_broken(&self) -> BTreeMap<Key, usize> {
        let mut bytes: BTreeMap<Key, usize> = BTreeMap::new();
        for kept in self.revisions.values().filter_map(|it| it.kept.as_ref()) {
            let of = self.stored.get(&kept.of);
            if of.is_some_and(|stored| stored.uid == kept.uid && stored.needs_kept()) {
                *bytes.entry(kept.of.clone()).or_default() += kept.weight;
            }
        }
        bytes
    }

    /// Whether specs are needed that were not kept: the templates must be listed anew.
    pub(super) fn take_incomplete(&mut self) -> bool {
        std::mem::take(&mut self.is_incomplete)
    }

    fn reports(&self) -> TemplateReports {
        let mut kept: BTreeMap<&Key, Vec<(&String, &Revision)>> = BTreeMap::new();
        let mut orphans = Vec::new();
        for (name, revision) in &self.revisions {
            let of = revision.kept.as_ref().filter(|kept| {
                let stored = self.stored.get(&kept.of);
                stored.is_some_and(|stored| stored.uid == kept.uid)
            });
            match of {
                Some(of) => kept.entry(&of.of).or_default().push((name, revision)),
                None => orphans.push(name.clone()),
            }
        }
        let templates = self.stored.iter().map(|(key, stored)| {
            let kept = kept.remove(key).unwrap_or_default();
            // A newest generation that compiles is the latest of all, and no other is needed.
            let is_good = stored.errors.is_empty();
            let older = kept.iter().filter(|_| !is_good && !stored.is_refused);
            let good = older
                .filter_map(|(_, revision)| revision.good())
                .chain(stored.good().cloned())
                .max_by_key(|good| good.generation);
            Arc::new(TemplateReport {
                namespace: key.0.clone(),
                name: key.1.clone(),
                uid: stored.uid.clone(),
                generation: stored.generation,
                resource_version: stored.resource_version.clone(),
                status: Arc::clone(&stored.status),
                errors: Arc::clone(&stored.errors),
                good,
                kept: kept
                    .iter()
                    .map(|(name, of)| ((*name).clone(), of.generation()))
                    .collect(),
            })
        });
        TemplateReports {
            templates: templates.collect(),
            orphans,
        }
    }
}

/// Compiles a kept revision.
fn good_of(kept: &KeptRevision) -> Option<ServedRevision> {
    let (namespace, name) = &kept.of;
    let spec: Value = serde_json::from_str(&kept.spec).ok()?;
    let compiled = compiled(namespace, name, &spec);
    Some(ServedRevision {
        template: Arc::from(compiled.result.ok()?),
        generation: kept.generation,
        spec: Arc::clone(&kept.spec),
    })
}

fn entry(report: &TemplateReport, mandatory: MandatoryFor) -> CatalogEntry {
    CatalogEntry {
        namespace: report.namespace.clone(),
        name: report.name.clone(),
        template: report.good.as_ref().map(|good| Arc::clone(&good.template)),
        mandatory,
        error: report.errors.first().map(ToString::to_string),
        path: object_path(&report.namespace, &report.name),
        earlier: None,
    }
}
