//! The cluster that the server works in: its API server, and the Lease among the replicas.

use std::path::PathBuf;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::bail;
use tokio::task::JoinSet;

use crate::cli::cluster;
use crate::cli::flag_values::mib;
use crate::cluster::{
    ClusterReader, Connection, ConnectionError, EventSender, EventWriter, KubeconfigOptions, Lease,
    LeaseOptions, Read, TenantLimits, events,
};
use crate::telemetry::Metrics;

/// What the server reads of the cluster and writes to it.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "In the cluster")]
pub(super) struct ClusterOptions {
    /// Serve the templates and namespaces of the cluster, as they are at every moment.
    #[arg(
        long,
        value_name = "BOOLEAN",
        default_value_t = false,
        num_args = 0..=1,
        default_missing_value = "true",
        action = clap::ArgAction::Set
    )]
    pub(super) watch_cluster: bool,

    /// With --watch-cluster: serve the built-in catalog too; a template of the cluster or of a
    /// directory comes before one of its name.
    #[arg(long, value_name = "BOOLEAN", default_value_t = true, action = clap::ArgAction::Set)]
    built_in_catalog: bool,

    /// The kubeconfig; without it the pod's own ServiceAccount.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,

    /// The context of the kubeconfig; without it the current one.
    #[arg(long, value_name = "NAME")]
    context: Option<String>,

    /// The Lease, in the namespace that Pillion runs in, whose holder writes to the cluster for all
    /// replicas.
    #[arg(long, value_name = "NAME", default_value = "pillion")]
    lease: String,

    /// Who this replica is: the name of its pod; without it a name of the process.
    #[arg(long, value_name = "NAME")]
    pod_name: Option<String>,

    /// How many templates a namespace may have; further ones are refused with `Compiled=False`.
    #[arg(long, value_name = "NUMBER", default_value_t = TenantLimits::default().templates)]
    namespace_templates: usize,

    /// Memory that the templates of one namespace may take, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 8, value_parser = mib(1..=1024))]
    namespace_templates_mib: u32,

    /// Memory that the templates of all namespaces may take, in MiB; those of the whole cluster are
    /// not counted.
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = mib(1..=4096))]
    all_namespaces_templates_mib: u32,

    /// Whether verdicts are written as Events of the pods' controllers.
    #[arg(long, value_name = "BOOLEAN", default_value_t = true, action = clap::ArgAction::Set)]
    events: bool,
}

/// A name for a replica that is no pod.
fn process_name() -> String {
    format!("pillion-{}", std::process::id())
}

/// The cluster, once it is connected to.
pub(super) struct Cluster {
    /// The way to the API server.
    pub(super) connection: Connection,
    /// The wish to work for all replicas.
    pub(super) lease: Lease,
    /// The namespace that Pillion runs in.
    pub(super) namespace: String,
    /// Who this replica is.
    pub(super) identity: String,
    /// The bounds of the templates of namespaces.
    pub(super) limits: TenantLimits,
    /// The queue of verdicts that become events, and their writer.
    events: Option<(EventSender, EventWriter)>,
}

/// How long the API server is asked for its version, and how long between two attempts: a replica
/// may start before the network of its pod works.
const VERSION: (Duration, Duration) = (Duration::from_mins(1), Duration::from_secs(1));

impl Cluster {
    /// The minor version of the cluster's Kubernetes 1.x.
    pub(super) async fn kubernetes_minor(&self) -> anyhow::Result<u32> {
        let started = Instant::now();
        loop {
            let problem = match self.version().await {
                Ok(minor) => return Ok(minor),
                Err(problem) => problem,
            };
            if started.elapsed() >= VERSION.0 {
                bail!(
                    "failed to ask the API server for its version; --kubernetes-version says it \
                     too: {problem}"
                );
            }
            tracing::warn!(problem, "the cluster's version is not known yet");
            tokio::time::sleep(VERSION.1).await;
        }
    }

    async fn version(&self) -> Result<u32, String> {
        let reader = ClusterReader::new(self.connection.clone());
        let answer = tokio::time::timeout(VERSION.0 / 4, reader.version()).await;
        match answer.map_err(|_| "no answer in time".to_owned())? {
            Read::Found(version) => {
                cluster::minor(&version).ok_or_else(|| format!("its version is {version}"))
            }
            Read::Missing => Err("it has no /version".to_owned()),
            Read::Unknown(why) => Err(why),
        }
    }

    /// The queue of verdicts that become events.
    pub(super) fn events(&self) -> Option<EventSender> {
        self.events.as_ref().map(|(sender, _)| sender.clone())
    }

    /// Starts what works beside the webhook.
    pub(super) fn spawn(&mut self, background: &mut JoinSet<&'static str>, metrics: &Arc<Metrics>) {
        if let Some((_, writer)) = self.events.take() {
            let (client, metrics) = (self.connection.client(), Arc::clone(metrics));
            background.spawn(async move {
                writer
                    .run(client, |result| metrics.event(result.as_str()))
                    .await;
                "that writes events"
            });
        }
    }
}

fn bytes(mib: u32) -> usize {
    usize::try_from(mib)
        .unwrap_or(usize::MAX)
        .saturating_mul(1 << 20)
}

impl ClusterOptions {
    /// Whether the built-in catalog is served besides the cluster's templates; `None`: no cluster is
    /// watched.
    pub(super) fn built_in_catalog(&self) -> Option<bool> {
        self.watch_cluster.then_some(self.built_in_catalog)
    }

    fn limits(&self) -> TenantLimits {
        TenantLimits {
            templates: self.namespace_templates,
            bytes: bytes(self.namespace_templates_mib),
            all_bytes: bytes(self.all_namespaces_templates_mib),
        }
    }

    /// Connects to the cluster, where anything is to be done there: its templates are watched, or
    /// `is_needed` otherwise.
    pub(super) async fn open(
        &self,
        namespace: &str,
        is_needed: bool,
    ) -> Result<Option<Cluster>, ConnectionError> {
        if !self.watch_cluster && !is_needed {
            return Ok(None);
        }
        let options = KubeconfigOptions {
            file: self.kubeconfig.clone(),
            context: self.context.clone(),
        };
        let connection = Connection::open_for_server(&options).await?;
        let identity = self.pod_name.clone().unwrap_or_else(process_name);
        let lease = Lease::seek(
            connection.prompt_client()?,
            LeaseOptions {
                namespace: namespace.to_owned(),
                name: self.lease.clone(),
                identity: identity.clone(),
            },
        );
        let events = self.events.then(|| events(&identity));
        Ok(Some(Cluster {
            connection,
            lease,
            namespace: namespace.to_owned(),
            identity,
            limits: self.limits(),
            events,
        }))
    }
}
