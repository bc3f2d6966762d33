//! The cluster that the server works in: its API server, and the Lease among the replicas.

use std::path::PathBuf;

use std::sync::Arc;

use tokio::task::JoinSet;

use crate::cluster::{
    Connection, ConnectionError, EventResult, EventSender, EventWriter, KubeconfigOptions, Lease,
    LeaseOptions, events,
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
        env = "PILLION_WATCH_CLUSTER",
        default_value_t = false,
        num_args = 0..=1,
        default_missing_value = "true",
        action = clap::ArgAction::Set
    )]
    pub(super) watch_cluster: bool,

    /// With --watch-cluster: serve the built-in catalog too; a template of the cluster or of a
    /// directory comes before one of its name.
    #[arg(
        long,
        value_name = "BOOLEAN",
        env = "PILLION_BUILT_IN_CATALOG",
        default_value_t = true,
        action = clap::ArgAction::Set
    )]
    built_in_catalog: bool,

    /// The kubeconfig; without it the pod's own ServiceAccount.
    #[arg(long, value_name = "FILE", env = "PILLION_KUBECONFIG")]
    kubeconfig: Option<PathBuf>,

    /// The context of the kubeconfig; without it the current one.
    #[arg(long, value_name = "NAME", env = "PILLION_CONTEXT")]
    context: Option<String>,

    /// The Lease, in the namespace that Pillion runs in, whose holder writes to the cluster for all
    /// replicas.
    #[arg(
        long,
        value_name = "NAME",
        env = "PILLION_LEASE",
        default_value = "pillion"
    )]
    lease: String,

    /// Who this replica is: the name of its pod; without it a name of the process.
    #[arg(long, value_name = "NAME", env = "PILLION_POD_NAME")]
    pod_name: Option<String>,

    /// Whether verdicts are written as Events of the pods' controllers.
    #[arg(
        long,
        value_name = "BOOLEAN",
        env = "PILLION_EVENTS",
        default_value_t = true,
        action = clap::ArgAction::Set
    )]
    events: bool,
}

/// A name for a replica that is no pod.
fn process_name() -> String {
    format!("pillion-{}", std::process::id())
}

/// The cluster, once it is connected to.
#[derive(Debug)]
pub(super) struct Cluster {
    /// The way to the API server.
    pub(super) connection: Connection,
    /// The wish to work for all replicas.
    pub(super) lease: Lease,
    /// The namespace that Pillion runs in.
    pub(super) namespace: String,
    /// Who this replica is.
    pub(super) identity: String,
    /// Where verdicts are told that become events, and what writes them.
    events: Option<(EventSender, EventWriter)>,
}

impl Cluster {
    /// Where verdicts are told that are to become events.
    pub(super) fn events(&self) -> Option<EventSender> {
        self.events.as_ref().map(|(sender, _)| sender.clone())
    }

    /// Starts what works beside the webhook.
    pub(super) fn spawn(&mut self, background: &mut JoinSet<&'static str>, metrics: &Arc<Metrics>) {
        if let Some((_, writer)) = self.events.take() {
            let (client, metrics) = (self.connection.client(), Arc::clone(metrics));
            background.spawn(async move {
                let observe = |result: EventResult| metrics.event(result.as_str());
                writer.run(client, observe).await;
                "that writes events"
            });
        }
    }
}

impl ClusterOptions {
    /// Whether the built-in catalog is served besides the cluster's templates; `None`: no cluster is
    /// watched.
    pub(super) fn built_in_catalog(&self) -> Option<bool> {
        self.watch_cluster.then_some(self.built_in_catalog)
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
            connection.client(),
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
            events,
        }))
    }
}
