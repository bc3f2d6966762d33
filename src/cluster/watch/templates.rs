//! The templates, each compiled once for each generation, and the revision of each that serves.
//!
//! A generation that does not compile is not served: the last good one stays. Which that is, a
//! replica knows that saw it, and every replica learns it from the revision that was kept; of two
//! that are good the later generation counts, so that all replicas come to serve the same.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde_json::Value;

use super::object::{Key, StoredTemplate};
use super::tenants::{Candidate, TenantLimits};
use crate::cluster::model::{ServedRevision, TemplateReport, TemplateReports};
use crate::cluster::revisions::KeptRevision;
use crate::template::compile::{Compiled, compile_object, object_path};
use crate::template::node::Place;
use crate::template::{Catalog, CatalogEntry, TemplateError};

/// A stored template and its last good generation.
#[derive(Debug)]
struct Stored {
    uid: String,
    generation: i64,
    resource_version: String,
    status: Arc<Value>,
    created: String,
    /// The newest generation, until it is compiled or refused.
    spec: Option<Value>,
    /// Bytes of the newest generation as JSON.
    spec_bytes: usize,
    /// Whether its namespace has too much without it. Its spec is not kept, as it would take what the
    /// bounds save.
    is_refused: bool,
    mandatory: bool,
    errors: Arc<[TemplateError]>,
    /// The last good generation that was seen here.
    good: Option<ServedRevision>,
}

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
        let same_text = known
            .as_ref()
            .is_some_and(|known| known.generation == new.generation && !known.is_refused);
        let spec_bytes = new.spec.to_string().len();
        let status = Arc::new(new.status);
        match known {
            Some(known) => {
                known.resource_version = new.resource_version;
                known.status = status;
                if !same_text {
                    // One that was replaced at once may still be the last good one.
                    known.compile(&key);
                    known.generation = new.generation;
                    known.spec = Some(new.spec);
                    known.spec_bytes = spec_bytes;
                }
            }
            None => {
                let stored = Stored {
                    uid: new.uid,
                    generation: new.generation,
                    resource_version: new.resource_version,
                    status,
                    created: new.created,
                    spec: Some(new.spec),
                    spec_bytes,
                    is_refused: false,
                    mandatory: false,
                    errors: Arc::new([]),
                    good: None,
                };
                self.stored.insert(key.clone(), stored);
            }
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
        let keys = self.stored.keys();
        let keys = keys.filter(|(namespace, _)| namespace.is_empty() != namespaced);
        keys.cloned().collect()
    }

    pub(super) fn revision_names(&self) -> Vec<Key> {
        let names = self.revisions.keys();
        names.map(|name| (String::new(), name.clone())).collect()
    }

    /// All templates as they are now; the same values where nothing changed.
    pub(super) fn snapshot(&mut self) -> (Arc<Catalog>, Arc<TemplateReports>) {
        if self.changed {
            self.refuse();
        }
        for key in std::mem::take(&mut self.uncompiled) {
            if let Some(stored) = self.stored.get_mut(&key) {
                stored.compile(&key);
            }
        }
        if std::mem::take(&mut self.changed) {
            self.reports = Arc::new(self.reports());
            let mandatory = |report: &TemplateReport| {
                let key = (report.namespace.clone(), report.name.clone());
                self.stored.get(&key).is_some_and(|stored| stored.mandatory)
            };
            let templates = self.reports.templates.iter();
            let entries = templates.map(|report| entry(report, mandatory(report)));
            self.catalog = Arc::new(Catalog::of_entries(entries));
        }
        (Arc::clone(&self.catalog), Arc::clone(&self.reports))
    }

    /// Refuses templates of namespaces that have too much, and readmits those that fit now.
    fn refuse(&mut self) {
        let of_namespaces = self
            .stored
            .iter()
            .filter(|((namespace, _), _)| !namespace.is_empty());
        let refused = self
            .limits
            .refused(of_namespaces.map(|(key, stored)| Candidate {
                key: key.clone(),
                created: stored.created.clone(),
                spec: stored.spec_bytes,
            }));
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
        let report = |(key, stored): (&Key, &Stored)| {
            let kept = kept.remove(key).unwrap_or_default();
            // A newest generation that compiles is the latest of all, and no other is needed.
            let is_good = stored.errors.is_empty();
            let older = kept.iter().filter(|_| !is_good && !stored.is_refused);
            let good = older
                .filter_map(|(_, revision)| revision.good())
                .chain(stored.good.clone())
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
        };
        TemplateReports {
            templates: self.stored.iter().map(report).collect(),
            orphans,
        }
    }
}

impl Stored {
    /// Serves nothing of the template, and says why.
    fn refuse(&mut self, (namespace, name): &Key, reason: &str) {
        if !std::mem::replace(&mut self.is_refused, true) {
            tracing::warn!(template = name, namespace, reason, "a template is refused");
        }
        self.spec = None;
        self.good = None;
        self.mandatory = false;
        self.errors = Arc::new([TemplateError {
            file: object_path(namespace, name),
            template: name.clone(),
            line: 0,
            column: 0,
            field: String::new(),
            message: reason.to_owned(),
        }]);
    }

    /// Compiles the newest generation.
    fn compile(&mut self, (namespace, name): &Key) {
        let Some(spec) = self.spec.take() else {
            return;
        };
        let compiled = compiled(namespace, name, &spec);
        self.mandatory = compiled.mandatory;
        match compiled.result {
            Ok(template) => {
                self.errors = Arc::new([]);
                self.good = Some(ServedRevision {
                    template: Arc::from(template),
                    generation: self.generation,
                    spec: spec.to_string().into(),
                });
            }
            Err(errors) => {
                for error in &errors {
                    tracing::error!(
                        template = error.template.as_str(),
                        error = error.to_string().as_str(),
                        "a template has an error"
                    );
                }
                self.errors = errors.into();
            }
        }
    }
}

/// Compiles a template. A panic of the compiler costs this template only.
fn compiled(namespace: &str, name: &str, spec: &Value) -> Compiled {
    let compile = || compile_object(namespace, name, Some(spec));
    catch_unwind(AssertUnwindSafe(compile)).unwrap_or_else(|_| Compiled {
        name: Some(name.to_owned()),
        namespace: (!namespace.is_empty()).then(|| namespace.to_owned()),
        mandatory: spec
            .get("requirement")
            .is_some_and(|word| word != "Optional"),
        place: Place::default(),
        result: Err(vec![TemplateError {
            file: object_path(namespace, name),
            template: name.to_owned(),
            line: 0,
            column: 0,
            field: "spec".to_owned(),
            message: "it was not compiled because of a defect in Pillion; its log says where"
                .to_owned(),
        }]),
    })
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

fn entry(report: &TemplateReport, mandatory: bool) -> CatalogEntry {
    CatalogEntry {
        namespace: report.namespace.clone(),
        name: report.name.clone(),
        template: report.good.as_ref().map(|good| Arc::clone(&good.template)),
        mandatory,
        error: report.errors.first().map(ToString::to_string),
        path: object_path(&report.namespace, &report.name),
    }
}
