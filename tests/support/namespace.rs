//! A namespace of one test's own, and the workloads in it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Event, Namespace as NamespaceObject, Pod, ServiceAccount};
use kube::api::{ListParams, PostParams};
use kube::{Api, Client, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::failure::{During, Failure, Outcome};
use super::raw::{self, Answer};
use super::wait::wait_until;

/// Controllers act within a second; they back off for a few after a refusal.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// A namespace that exists and whose pods can be created.
#[derive(Clone)]
pub(crate) struct Namespace {
    /// A client of this test's runtime.
    pub(crate) client: Client,
    /// Its name, unique in this control plane.
    pub(crate) name: String,
}

impl std::fmt::Debug for Namespace {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.name)
    }
}

impl Namespace {
    /// Makes a namespace whose name begins with `prefix`, with these labels and annotations,
    /// and waits for its default service account, without which no pod is admitted.
    pub(crate) async fn create(
        client: &Client,
        prefix: &str,
        labels: &[(&str, &str)],
        annotations: &[(&str, &str)],
    ) -> Outcome<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(1);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        Self::named(client, &format!("{prefix}-{number}"), labels, annotations).await
    }

    /// The same with the whole name given.
    pub(crate) async fn named(
        client: &Client,
        name: &str,
        labels: &[(&str, &str)],
        annotations: &[(&str, &str)],
    ) -> Outcome<Self> {
        let object = json!({"metadata": {
            "name": name,
            "labels": map(labels),
            "annotations": map(annotations),
        }});
        let object: NamespaceObject = serde_json::from_value(object).during("build a namespace")?;
        Api::all(client.clone())
            .create(&PostParams::default(), &object)
            .await
            .during(&format!("create namespace {name}"))?;
        Self::ready(client, name).await
    }

    /// A namespace without labels that may be there already, in which pods can be created.
    pub(crate) async fn ensure(client: &Client, name: &str) -> Outcome<Self> {
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        let answer = raw::post(client, "/api/v1/namespaces", &object).await?;
        if !answer.granted() && answer.status != 409 {
            let message = answer.message();
            let told = format!("failed to create namespace {name}: {message}");
            return Err(Failure::new(told));
        }
        Self::ready(client, name).await
    }

    /// Waits for the default service account, without which no pod is admitted.
    async fn ready(client: &Client, name: &str) -> Outcome<Self> {
        let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), name);
        wait_until("the default service account", SOON, async || {
            let account = accounts.get("default").await;
            account.map(drop).map_err(|error| error.to_string())
        })
        .await?;
        Ok(Self {
            client: client.clone(),
            name: name.to_owned(),
        })
    }

    /// The typed view on one kind of object here.
    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), &self.name)
    }

    /// Creates a typed object from its manifest.
    pub(crate) async fn create_object<K>(&self, manifest: Value) -> Outcome<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Serialize
            + DeserializeOwned
            + Clone
            + std::fmt::Debug,
    {
        let object: K = serde_json::from_value(manifest).during("read a manifest")?;
        let name = object.name_any();
        let created = self.api().create(&PostParams::default(), &object).await;
        created.during(&format!("create {} {name}", K::kind(&())))
    }

    /// Creates a pod from plain JSON, unknown fields included. `query` is for example
    /// `dryRun=All` or `fieldValidation=Warn`; empty for none.
    pub(crate) async fn create_pod(&self, query: &str, pod: &Value) -> Outcome<Answer> {
        let path = format!("/api/v1/namespaces/{}/pods?{query}", self.name);
        raw::post(&self.client, &path, pod).await
    }

    /// The `ReplicaSet` that the Deployment's controller made.
    pub(crate) async fn replica_set_of(&self, deployment: &Deployment) -> Outcome<ReplicaSet> {
        let owner = deployment.uid().unwrap_or_default();
        wait_until("the ReplicaSet of the Deployment", SOON, async || {
            let sets: Vec<ReplicaSet> = self.owned_by(&owner).await?;
            sets.into_iter()
                .next()
                .ok_or_else(|| "no ReplicaSet".into())
        })
        .await
    }

    /// The pods of a Deployment, waiting until there are `count`.
    pub(crate) async fn pods_of(&self, deployment: &Deployment, count: usize) -> Outcome<Vec<Pod>> {
        let set = self.replica_set_of(deployment).await?;
        self.pods_owned_by(&set.uid().unwrap_or_default(), count)
            .await
    }

    /// The pods of a Job, waiting until there are `count`.
    pub(crate) async fn pods_of_job(&self, job: &Job, count: usize) -> Outcome<Vec<Pod>> {
        self.pods_owned_by(&job.uid().unwrap_or_default(), count)
            .await
    }

    async fn pods_owned_by(&self, owner: &str, count: usize) -> Outcome<Vec<Pod>> {
        let waited = wait_until(&format!("{count} pods"), SOON, async || {
            let pods: Vec<Pod> = self.owned_by(owner).await?;
            if pods.len() == count {
                return Ok(pods);
            }
            Err(format!("{} pods", pods.len()))
        })
        .await;
        match waited {
            Ok(pods) => Ok(pods),
            Err(failure) => Err(self.with_events(failure).await),
        }
    }

    /// Adds what the controllers reported here: it mostly says why pods are missing.
    async fn with_events(&self, failure: Failure) -> Failure {
        let events = self.events().await.unwrap_or_default();
        let messages: Vec<String> = events
            .into_iter()
            .filter_map(|event| event.message)
            .collect();
        Failure::new(format!("{failure}; events: {}", messages.join(" | ")))
    }

    /// The events of this namespace.
    pub(crate) async fn events(&self) -> Outcome<Vec<Event>> {
        let events = self.api::<Event>().list(&ListParams::default()).await;
        Ok(events.during("list events")?.items)
    }

    async fn owned_by<K>(&self, owner: &str) -> Result<Vec<K>, String>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + DeserializeOwned
            + Clone
            + std::fmt::Debug,
    {
        let listed = self.api::<K>().list(&ListParams::default()).await;
        let listed = listed.map_err(|error| error.to_string())?;
        let belongs = |object: &K| object.owner_references().iter().any(|by| by.uid == owner);
        Ok(listed.items.into_iter().filter(belongs).collect())
    }
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}
