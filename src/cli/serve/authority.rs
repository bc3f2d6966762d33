//! Certificates inside a cluster: what signs them, who trusts them, and the flags of both.

mod rotation;
mod sources;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use super::certificate::{Certificate, Observer};
use super::cluster::Cluster;
use crate::cli::flag_values::duration;
use crate::cluster::webhook_lint::Installation;
use crate::cluster::{
    AuthoritySecret, BundleSource, CaBundleReconciler, Registration, RegistrationStatus,
};
use crate::telemetry::Metrics;
use crate::tls::authority::{Lifetimes, jitter, service_names};
use rotation::Rotation;
use sources::{FileSource, SecretSource};

/// The authority of the serving certificate, and where the API server learns of it.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Certificate in the cluster")]
pub(super) struct AuthorityOptions {
    /// Sign the serving certificate with an authority of our own, kept in this Secret of the
    /// namespace that Pillion runs in; it must exist, and be empty at first.
    #[arg(
        long,
        value_name = "NAME",
        conflicts_with = "tls_cert",
        requires = "webhook_configuration"
    )]
    authority_secret: Option<String>,

    /// How long a serving certificate lives that the own authority signs, such as 30d or 12h; it is
    /// renewed after two thirds of that.
    #[arg(long, value_name = "DURATION", default_value = "30d", value_parser = duration)]
    certificate_lifetime: Duration,

    /// How long the own authority lives; another one follows after two thirds of that.
    #[arg(long, value_name = "DURATION", default_value = "365d", value_parser = duration)]
    authority_lifetime: Duration,

    /// How long after it was seen in `caBundle` a new authority begins to sign: every API server
    /// must have noticed by then.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    ca_bundle_settle: Duration,

    /// The Service that the API server calls, in the namespace that Pillion runs in.
    #[arg(long, value_name = "NAME", default_value = "pillion")]
    service: String,

    /// The `MutatingWebhookConfiguration` and the `ValidatingWebhookConfiguration`, both of this name,
    /// in which Pillion keeps `caBundle`; without it somebody else does.
    #[arg(long, value_name = "NAME")]
    webhook_configuration: Option<String>,

    /// The Deployment of Pillion, whose replicas are counted before every pod may depend on them.
    #[arg(long, value_name = "NAME")]
    deployment: Option<String>,

    /// What `caBundle` is to hold where the certificate comes from files, in PEM; without it
    /// `ca.crt` beside the certificate, else the chain behind the certificate's first.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    ca_bundle: Option<PathBuf>,
}

impl AuthorityOptions {
    /// Whether the certificate is signed by an authority of our own.
    pub(super) fn is_self_managed(&self) -> bool {
        self.authority_secret.is_some()
    }

    /// Whether anything is read or written in the cluster.
    pub(super) fn needs_cluster(&self) -> bool {
        self.webhook_configuration.is_some()
    }

    /// Whether the flags go together.
    pub(super) fn check(&self, has_files: bool) -> anyhow::Result<()> {
        if self.is_self_managed() {
            self.lifetimes().check()?;
        } else if self.webhook_configuration.is_some() && !has_files {
            bail!(
                "--webhook-configuration needs --authority-secret, or --tls-cert and --tls-key: \
                 the authority of a development certificate changes with every start"
            );
        }
        Ok(())
    }

    fn lifetimes(&self) -> Lifetimes {
        Lifetimes {
            authority: self.authority_lifetime,
            leaf: self.certificate_lifetime,
            settle: self.ca_bundle_settle,
        }
    }

    /// Begins to keep the certificate, and `caBundle` where it is ours to keep.
    pub(super) fn start(
        self,
        background: &mut JoinSet<&'static str>,
        cluster: Option<&Cluster>,
        certificate: Certificate,
        observer: Observer,
        metrics: &Arc<Metrics>,
    ) {
        let Some((cluster, name)) = cluster.zip(self.webhook_configuration.as_deref()) else {
            watch_files(background, certificate, observer);
            return;
        };
        let registration = self.registration(cluster, name);
        let leader = cluster.lease.leader();
        let wake = Arc::new(Notify::new());
        if let Some(secret) = &self.authority_secret {
            let (client, namespace) = (cluster.connection.client(), cluster.namespace.as_str());
            let secret = AuthoritySecret::new(client, namespace, secret);
            let reconciler =
                CaBundleReconciler::new(registration.clone(), SecretSource(secret.clone()));
            let woken = (leader.clone(), Arc::clone(&wake));
            keep_ca_bundle(background, reconciler, woken, metrics);
            let (store, period, further) = certificate.into_parts();
            let rotation = Rotation {
                names: service_names(&self.service, namespace, &further),
                lifetimes: self.lifetimes(),
                jitter: jitter(&cluster.identity),
                secret,
                registration,
                store,
                period,
                wake,
                observer,
                metrics: Arc::clone(metrics),
                state: rotation::State::default(),
            };
            background.spawn(async move {
                rotation.run(leader).await;
                "that keeps the certificate"
            });
        } else {
            let source = FileSource::new(self.ca_bundle, certificate.file());
            let reconciler = CaBundleReconciler::new(registration, source);
            keep_ca_bundle(background, reconciler, (leader, wake), metrics);
            watch_files(background, certificate, observer);
        }
    }

    fn registration(&self, cluster: &Cluster, name: &str) -> Registration {
        let installation = Installation {
            namespace: cluster.namespace.clone(),
            service: self.service.clone(),
            replicas: None,
        };
        let client = cluster.connection.client();
        Registration::new(client, name, installation, self.deployment.clone())
    }
}

fn watch_files(
    background: &mut JoinSet<&'static str>,
    certificate: Certificate,
    observer: Observer,
) {
    background.spawn(async move {
        certificate.watch(observer).await;
        "that watches the certificate"
    });
}

fn keep_ca_bundle<S: BundleSource + 'static>(
    background: &mut JoinSet<&'static str>,
    reconciler: CaBundleReconciler<S>,
    (leader, wake): (watch::Receiver<bool>, Arc<Notify>),
    metrics: &Arc<Metrics>,
) {
    let metrics = Arc::clone(metrics);
    background.spawn(async move {
        reconciler
            .run(leader, wake, |status| count(&metrics, status))
            .await;
        "that keeps caBundle"
    });
}

fn count(metrics: &Metrics, status: Option<RegistrationStatus>) {
    let Some(status) = status else {
        metrics.ca_bundle_error();
        return;
    };
    metrics.ca_bundle_writes(status.written);
    metrics.webhook_entries(status.current, status.stale, status.withheld);
}
