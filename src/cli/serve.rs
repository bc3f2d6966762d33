//! `pillion serve`: the webhook as a process.
//!
//! Everything that can be wrong with the flags and files is found before anything runs: templates
//! are compiled, the certificate is read and both ports are bound first, and a failure names the
//! flag or file. From then on nothing but a signal, or a defect, ends the process.

mod authority;
mod certificate;
mod cluster;
mod templates;
mod watch;
mod webhook;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use super::Status;
use super::engine_options::EngineOptions;
use super::flag_values::{mib, seconds};
use crate::inject::{Namespaces, Settings};
use crate::server::{Drain, ListenAddress, Readiness, Server, ServerError, Setup, Signals};
use crate::telemetry::{LogFormat, Metrics};
use crate::tls;
use authority::AuthorityOptions;
use certificate::CertificateOptions;
use cluster::{Cluster, ClusterOptions};
use templates::Templates;
use webhook::Webhook;

/// How long the exit waits until the last log lines are written.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Serve the webhook: answer the API server over TLS.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n\
    \x20 pillion serve --listen 127.0.0.1:8443 --write-dev-ca ca.crt\n\
    \x20 pillion serve --templates templates --templates built-in --tls-cert tls.crt --tls-key tls.key")]
pub(super) struct Serve {
    /// Where reviews are answered, over TLS at `/mutate` and `/advise`; `:PORT` is every address.
    #[arg(long, value_name = "ADDR:PORT", default_value = "[::]:8443")]
    listen: ListenAddress,

    /// Where `/healthz`, `/readyz` and `/metrics` are answered, in plain HTTP.
    #[arg(long, value_name = "ADDR:PORT", default_value = "[::]:8080")]
    admin_listen: ListenAddress,

    #[command(flatten)]
    certificate: CertificateOptions,

    #[command(flatten)]
    authority: AuthorityOptions,

    #[command(flatten)]
    engine: EngineOptions,

    #[command(flatten)]
    cluster: ClusterOptions,

    /// Seconds between looks at the template directories.
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = seconds(1..=3600))]
    templates_poll_seconds: u64,

    /// Memory for recent decisions, in MiB: a pod that is like an earlier one, as replicas are, is
    /// answered as that was; with 0 each pod is decided about anew.
    #[arg(long, value_name = "MIB", default_value_t = 8, value_parser = mib(0..=1024))]
    decision_cache_mib: u32,

    /// Seconds to serve on after the first signal, until clients know that the pod is going.
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = seconds(0..=3600))]
    drain_seconds: u64,

    /// Seconds that ending may take in all, draining included; keep it below the pod's
    /// terminationGracePeriodSeconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = seconds(1..=3600))]
    shutdown_seconds: u64,

    /// How log lines look; `auto` is text on a terminal and JSON otherwise.
    #[arg(long, value_name = "FORMAT", default_value = "auto")]
    log_format: LogFormat,

    /// What is logged: a level, or directives such as `warn,pillion=debug`.
    #[arg(
        long,
        value_name = "LEVEL",
        env = "PILLION_LOG",
        default_value = "info"
    )]
    log_level: String,
}

/// The stack of a thread: as much as the first one has, because templates that change are read on others
/// than those that are there at the start. What is not used of it takes no memory.
const STACK: usize = 8 * 1024 * 1024;

/// Whether the server ran and ended otherwise than asked to.
pub(super) fn ended_while_serving(error: &ServerError) -> bool {
    matches!(
        error,
        ServerError::Stopped { .. } | ServerError::Background(_) | ServerError::Interrupted(_)
    )
}

impl Serve {
    /// Serves until a signal, then drains.
    pub(super) fn run(self) -> anyhow::Result<Status> {
        let (drain, shutdown) = (self.drain_seconds, self.shutdown_seconds);
        if drain >= shutdown {
            bail!("--drain-seconds {drain} must be less than --shutdown-seconds {shutdown}");
        }
        let log = crate::telemetry::init(self.log_format, &self.log_level)?;
        let runtime = Builder::new_multi_thread()
            .enable_all()
            .thread_stack_size(STACK)
            .build()
            .context("failed to start the server's threads")?;
        let metrics = Arc::new(Metrics::new(log.lost()));
        let result = runtime.block_on(self.serve(metrics));
        // What may still run is a review on a blocking thread whose client has gone.
        runtime.shutdown_background();
        log.flush(LAST_LINES);
        result.map(|()| Status::Done)
    }

    /// What is decided once, with the namespaces of the manifests, or of a cluster that is not known
    /// yet.
    fn settings(&self) -> anyhow::Result<Settings> {
        let mut settings = self.engine.settings()?;
        if self.cluster.watch_cluster {
            if self.engine.has_namespace_manifests() {
                bail!(
                    "--namespace-manifest and --watch-cluster exclude each other: the namespaces are \
                     the cluster's"
                );
            }
            settings.namespaces = Namespaces::watched(BTreeMap::new());
        }
        Ok(settings)
    }

    fn drain(&self) -> Drain {
        Drain {
            serve_on: Duration::from_secs(self.drain_seconds),
            deadline: Duration::from_secs(self.shutdown_seconds),
        }
    }

    /// The settings, and the cluster where anything is to be done there. Its version counts unless a
    /// flag names one.
    async fn open(&self) -> anyhow::Result<(Settings, Option<Cluster>)> {
        let mut settings = self.settings()?;
        self.authority.check(self.certificate.has_files())?;
        let is_needed = self.authority.needs_cluster();
        let own_namespace = self.engine.own_namespace();
        let cluster = self.cluster.open(own_namespace, is_needed).await?;
        if let Some(cluster) = &cluster
            && self.cluster.watch_cluster
            && !self.engine.has_kubernetes_version()
        {
            settings.kubernetes_minor = cluster.kubernetes_minor().await?;
        }
        Ok((settings, cluster))
    }

    async fn serve(self, metrics: Arc<Metrics>) -> anyhow::Result<()> {
        let drain = self.drain();
        let mut signals = Signals::new()?;
        let (settings, mut cluster) = tokio::select! {
            opened = self.open() => opened?,
            signal = signals.next() => {
                tracing::info!(signal, "ended before the cluster was reached");
                return Ok(());
            }
        };
        let webhook = Arc::new(Webhook::new(
            Arc::new(settings),
            usize::try_from(self.decision_cache_mib).unwrap_or(0) * 1024 * 1024,
            Arc::clone(&metrics),
            cluster.as_ref().and_then(Cluster::events),
        ));
        let mut templates = Templates::new(self.engine, Arc::clone(&webhook), Arc::clone(&metrics));
        templates.start(self.cluster.built_in_catalog())?;
        let readiness = Readiness::default();
        let is_self_managed = self.authority.is_self_managed();
        let certificate = self.certificate.open(is_self_managed)?;
        let mut expiry = certificate::Observer::new(Arc::clone(&metrics), readiness.clone());
        expiry.begin(&certificate.store);
        let mut background = JoinSet::new();
        if let Some(cluster) = &mut cluster {
            cluster.spawn(&mut background, &metrics);
            if self.cluster.watch_cluster {
                let metrics = Arc::clone(&metrics);
                let parts = (Arc::clone(&webhook), metrics, readiness.clone());
                watch::spawn(cluster, parts, &mut background);
            }
        }
        let setup = Setup {
            listen: self.listen,
            admin_listen: self.admin_listen,
            tls: tls::server_config(Arc::clone(&certificate.store))?,
            backend: webhook,
            readiness,
            drain,
        };
        let server = Server::bind(setup, signals)?;
        let (webhook, admin) = server
            .addresses()
            .context("failed to read back the address of a port")?;
        let within = cluster.as_ref();
        self.authority
            .start(&mut background, within, certificate, expiry, &metrics);
        let period = Duration::from_secs(self.templates_poll_seconds);
        background.spawn(async move {
            templates.watch(period).await;
            "that watches the templates"
        });
        tracing::info!(%webhook, %admin, version = env!("CARGO_PKG_VERSION"), "listening");
        let served = server.run(background).await;
        if let Some(cluster) = cluster {
            cluster.lease.release().await;
        }
        Ok(served?)
    }
}
