//! What is written about templates: their status, and their last good revisions.
//!
//! One replica writes for all, and only what differs from what is stored; what it writes comes back
//! through the watch and differs no more. A write that fails is tried again: the next snapshot, or the
//! next attempt, says the same.

mod status;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::{Api, Client, Error};
use serde_json::{Value, json};
use tokio::sync::watch::Receiver;

use super::model::{TemplateReport, TemplateReports};
use super::names::resource;
use super::revisions;
use super::watch::Watched;
use crate::template::Catalog;

/// Who writes the status, as `managedFields` name it: the same for every replica.
const FIELD_MANAGER: &str = "pillion";

/// How long one write may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Pauses after a write that failed, doubled from the first to the last.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

/// After so many failures without an answer the others wait for the next attempt: they mostly have
/// one reason.
const MOST_FAILURES: u32 = 4;

/// What is served at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Served {
    /// The templates of the cluster.
    pub(crate) reports: Arc<TemplateReports>,
    /// All templates that are served, those of files and of the program among them.
    pub(crate) catalog: Arc<Catalog>,
}

/// Writes about templates as long as this replica leads.
pub(crate) struct TemplateWriter {
    client: Client,
    own_namespace: String,
    /// What was written about each template, and over which version of the object: until that comes
    /// back through the watch it is not written again.
    written: BTreeMap<(String, String), (String, Value)>,
}

impl TemplateWriter {
    /// A writer; `own_namespace` is where revisions are kept.
    pub(crate) fn new(client: Client, own_namespace: String) -> Self {
        Self {
            client,
            own_namespace,
            written: BTreeMap::new(),
        }
    }

    pub(crate) async fn run(mut self, mut leader: Receiver<bool>, mut served: Receiver<Served>) {
        let mut pause = PAUSES.0;
        loop {
            let mut done = true;
            if *leader.borrow_and_update() {
                let now = served.borrow_and_update().clone();
                done = self.write(&now, &leader).await;
            }
            let again = async {
                if done {
                    std::future::pending::<()>().await;
                } else {
                    tokio::time::sleep(pause).await;
                }
            };
            let ended = tokio::select! {
                changed = leader.changed() => changed.is_err(),
                changed = served.changed() => changed.is_err(),
                () = again => false,
            };
            if ended {
                return;
            }
            pause = if done {
                PAUSES.0
            } else {
                (pause * 2).min(PAUSES.1)
            };
        }
    }

    /// Writes what differs. Returns whether all of it was written.
    async fn write(&mut self, served: &Served, leader: &Receiver<bool>) -> bool {
        let templates = &served.reports.templates;
        self.written.retain(|(namespace, name), _| {
            templates
                .binary_search_by(|report| {
                    (&report.namespace, &report.name).cmp(&(namespace, name))
                })
                .is_ok()
        });
        let (mut failures, mut all) = (0_u32, true);
        for report in templates {
            // Each is a few milliseconds; a newer snapshot or another leader will not wait for all.
            if !*leader.borrow() {
                return true;
            }
            for result in [
                self.store_revision(report).await,
                self.write_status(report, &served.catalog).await,
            ] {
                log_failure(report, &result);
                all &= result.is_ok();
                // What the API server refuses about one template says nothing of the others.
                let is_refused = matches!(&result, Err(WriteError::Api(Error::Api(_))));
                failures += u32::from(result.is_err() && !is_refused);
            }
            if failures >= MOST_FAILURES {
                return false;
            }
        }
        for name in &served.reports.orphans {
            if let Err(error) = self.delete_revision(name).await {
                tracing::warn!(
                    name,
                    error = error.to_string(),
                    "failed to delete a revision"
                );
                all = false;
            }
        }
        all
    }

    fn revisions(&self) -> Api<DynamicObject> {
        let resource = resource(
            "apps",
            "ControllerRevision",
            Watched::ControllerRevisions.as_str(),
        );
        Api::namespaced_with(self.client.clone(), &self.own_namespace, &resource)
    }

    /// Keeps the good revision of a template, and then no other.
    async fn store_revision(&self, report: &TemplateReport) -> Result<(), WriteError> {
        let Some(good) = &report.good else {
            return Ok(());
        };
        let name = revisions::name(report, good);
        if !report.kept.iter().any(|(kept, _)| *kept == name) {
            let object: DynamicObject = serde_json::from_value(revisions::object(report, good))?;
            let (revisions, parameters) = (self.revisions(), PostParams::default());
            match bounded(revisions.create(&parameters, &object)).await {
                Ok(_) => {}
                // It is there, and the watch will say so.
                Err(WriteError::Api(Error::Api(status))) if status.code == 409 => {}
                Err(error) => return Err(error),
            }
        }
        // A later one was written by a replica that knows more.
        for (kept, generation) in &report.kept {
            if *kept != name && *generation <= good.generation {
                self.delete_revision(kept).await?;
            }
        }
        Ok(())
    }

    async fn delete_revision(&self, name: &str) -> Result<(), WriteError> {
        let (revisions, parameters) = (self.revisions(), DeleteParams::default());
        match bounded(revisions.delete(name, &parameters)).await {
            Ok(_) => Ok(()),
            Err(WriteError::Api(Error::Api(status))) if status.code == 404 => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Writes the status of a template, where it is another.
    async fn write_status(
        &mut self,
        report: &TemplateReport,
        catalog: &Catalog,
    ) -> Result<(), WriteError> {
        let Some(status) = status::due(report, catalog) else {
            return Ok(());
        };
        let key = (report.namespace.clone(), report.name.clone());
        let over = (report.resource_version.clone(), status::lasting(&status));
        if self.written.get(&key) == Some(&over) {
            return Ok(());
        }
        let (kind, watched) = if report.namespace.is_empty() {
            (
                "ClusterInjectionTemplate",
                Watched::ClusterInjectionTemplates,
            )
        } else {
            ("InjectionTemplate", Watched::InjectionTemplates)
        };
        let resource = super::watch::template_resource(kind, watched.as_str());
        let api: Api<DynamicObject> = if report.namespace.is_empty() {
            Api::all_with(self.client.clone(), &resource)
        } else {
            Api::namespaced_with(self.client.clone(), &report.namespace, &resource)
        };
        let patch = Patch::Apply(json!({
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            // A template of the same name that was made since is another.
            "metadata": {"name": report.name, "uid": report.uid},
            "status": status,
        }));
        let parameters = PatchParams::apply(FIELD_MANAGER).force();
        let patched = api.patch_status(&report.name, &parameters, &patch);
        match bounded(patched).await {
            // It was deleted, or made again: the watch will say so.
            Err(WriteError::Api(Error::Api(status))) if matches!(status.code, 404 | 409) => {}
            other => drop(other?),
        }
        self.written.insert(key, over);
        Ok(())
    }
}

/// Why something was not written.
#[derive(Debug, thiserror::Error)]
enum WriteError {
    /// The API server refused it, or did not answer.
    #[error("{}", super::reader::in_words(.0))]
    Api(#[source] Error),
    /// It took too long.
    #[error("the API server did not answer within {} s", PATIENCE.as_secs())]
    Patience,
    /// A revision is no object.
    #[error("failed to make an object of the revision")]
    Object(#[from] serde_json::Error),
}

async fn bounded<T>(write: impl Future<Output = Result<T, Error>>) -> Result<T, WriteError> {
    match tokio::time::timeout(PATIENCE, write).await {
        Ok(result) => result.map_err(WriteError::Api),
        Err(_) => Err(WriteError::Patience),
    }
}

fn log_failure(report: &TemplateReport, result: &Result<(), WriteError>) {
    if let Err(error) = result {
        tracing::warn!(
            template = report.name,
            namespace = report.namespace,
            error = error.to_string(),
            "failed to write the status or the revision of a template"
        );
    }
}
