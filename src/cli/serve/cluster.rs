//! The cluster that the server works in: its API server, and the Lease among the replicas.

use std::path::PathBuf;

use crate::cluster::{Connection, ConnectionError, KubeconfigOptions, Lease, LeaseOptions};

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

    /// Who this replica is: the name of its pod.
    #[arg(
        long,
        value_name = "NAME",
        env = "PILLION_POD_NAME",
        default_value_t = process_name()
    )]
    pod_name: String,
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
}

impl ClusterOptions {
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
        let lease = Lease::seek(
            connection.client(),
            LeaseOptions {
                namespace: namespace.to_owned(),
                name: self.lease.clone(),
                identity: self.pod_name.clone(),
            },
        );
        Ok(Some(Cluster {
            connection,
            lease,
            namespace: namespace.to_owned(),
            identity: self.pod_name.clone(),
        }))
    }
}
