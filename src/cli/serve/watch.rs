//! Connects the watch on the cluster to the webhook: each snapshot becomes the current engine,
//! readiness and metrics.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::cluster::Cluster;
use super::webhook::Webhook;
use crate::cluster::{ClusterSnapshot, Observer, Served, TemplateWriter, Watched};
use crate::server::Readiness;
use crate::telemetry::Metrics;

/// The readiness condition that holds until every kind was listed.
const CONDITION: &str = "cluster";

/// Publishes watch snapshots to the webhook, readiness, metrics and the status writer.
#[derive(Debug)]
struct View {
    webhook: Arc<Webhook>,
    metrics: Arc<Metrics>,
    readiness: Readiness,
    served: watch::Sender<Served>,
}

impl Observer for View {
    fn missing(&self, kinds: &[(Watched, String)]) {
        if kinds.is_empty() {
            tracing::info!("every watched kind was listed");
            self.readiness.release(CONDITION);
            return;
        }
        let lines: Vec<_> = kinds
            .iter()
            .map(|(kind, why)| format!("{}: {why}", kind.as_str()))
            .collect();
        self.readiness.hold(CONDITION, lines.join("; "));
    }

    fn failed(&self, kind: Watched) {
        self.metrics.watch_error(kind.as_str());
    }

    fn up(&self, kind: Watched, up: bool) {
        self.metrics.watch_up(kind.as_str(), up);
    }

    fn publish(&self, snapshot: ClusterSnapshot) {
        let ClusterSnapshot {
            catalog,
            reports,
            namespaces,
        } = snapshot;
        self.webhook.replace_cluster(catalog, namespaces);
        let served = Served {
            reports,
            catalog: self.webhook.catalog(),
        };
        self.served.send_if_modified(|known| {
            let is_new = !Arc::ptr_eq(&known.reports, &served.reports)
                || !Arc::ptr_eq(&known.catalog, &served.catalog);
            *known = served;
            is_new
        });
    }
}

/// Watches the cluster in the background. The server is not ready before it is known.
pub(super) fn spawn(
    cluster: &Cluster,
    (webhook, metrics, readiness): (Arc<Webhook>, Arc<Metrics>, Readiness),
    background: &mut JoinSet<&'static str>,
) {
    let (sender, served) = watch::channel(Served::default());
    for kind in Watched::ALL {
        metrics.watch_up(kind.as_str(), false);
    }
    readiness.hold(CONDITION, "not listed yet");
    let view = Arc::new(View {
        webhook,
        metrics,
        readiness,
        served: sender,
    });
    let (client, namespace) = (cluster.connection.client(), cluster.namespace.clone());
    let writer = TemplateWriter::new(client.clone(), namespace.clone());
    let (leader, limits) = (cluster.lease.leader(), cluster.limits);
    background.spawn(async move {
        crate::cluster::watch(client, namespace, limits, view).await;
        "that watches the cluster"
    });
    background.spawn(async move {
        writer.run(leader, served).await;
        "that writes the status of templates"
    });
}
