//! Which replica works for all of them.
//!
//! Every replica serves; what is written to the cluster for all (the authority, `caBundle`, the
//! status of templates, their revisions) is written by the one that holds a Lease. Losing it is
//! harmless: whatever the holder writes is the same from any replica, or guarded by the object's
//! resource version, so that two holders for a moment disturb nothing.

use std::time::Duration;

use kube::Client;
use kube_lease_manager::{LeaseCreateMode, LeaseManager, LeaseManagerBuilder, LeaseManagerError};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Seconds after which a lease that was not renewed is anybody's: client-go's default.
const DURATION: u64 = 15;

/// Seconds before its end at which the lease is renewed.
const GRACE: u64 = 10;

/// Who writes the Lease, as `managedFields` name it.
const FIELD_MANAGER: &str = "pillion-lease";

/// Pauses between attempts to reach the API server, doubled from the first to the last.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(15));

/// How long giving the lease back may take; after that it runs out by itself.
const RELEASE: Duration = Duration::from_secs(2);

/// Which Lease, and who wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LeaseOptions {
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// Who this replica is: its pod's name.
    pub(crate) identity: String,
}

/// The wish to hold a Lease, until it is released.
#[derive(Debug)]
pub(crate) struct Lease {
    leader: watch::Receiver<bool>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Lease {
    /// Tries to hold the Lease from now on; an API server that does not answer is asked again. The client must
    /// end a request that gets no answer.
    pub(crate) fn seek(client: Client, options: LeaseOptions) -> Self {
        let (sender, leader) = watch::channel(false);
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(seek(client, options, sender, stopped));
        Self { leader, stop, task }
    }

    /// Whether this replica holds the Lease, as it changes.
    pub(crate) fn leader(&self) -> watch::Receiver<bool> {
        self.leader.clone()
    }

    /// Gives the Lease back, so that a replica that starts need not wait for its end.
    pub(crate) async fn release(self) {
        self.stop.send_replace(true);
        if tokio::time::timeout(RELEASE, self.task).await.is_err() {
            tracing::warn!("the lease was not given back; it ends by itself");
        }
    }
}

async fn seek(
    client: Client,
    options: LeaseOptions,
    leader: watch::Sender<bool>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut pause = PAUSES.0;
    loop {
        let built = tokio::select! {
            built = manager(client.clone(), &options) => built,
            _ = stopped.changed() => return,
        };
        match built {
            Ok(manager) => {
                pause = PAUSES.0;
                if hold(&manager, &options, &leader, &mut stopped).await {
                    return;
                }
            }
            Err(error) => {
                let error = crate::wording::with_sources(&error);
                tracing::warn!(lease = options.name, error, "failed to ask for the lease");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(PAUSES.1),
            _ = stopped.changed() => return,
        }
    }
}

async fn manager(
    client: Client,
    options: &LeaseOptions,
) -> Result<LeaseManager, LeaseManagerError> {
    LeaseManagerBuilder::new(client, &options.name)
        .with_namespace(&options.namespace)
        .with_identity(&options.identity)
        .with_duration(DURATION)
        .with_grace(GRACE)
        .with_field_manager(format!("{FIELD_MANAGER}-{}", options.identity))
        .with_create_mode(LeaseCreateMode::AutoCreate)
        .build()
        .await
}

/// Tells every change of hands. Returns whether to stop. Otherwise a request failed: the Lease may end before the
/// next one succeeds, so that this replica leads no more until it has asked anew.
async fn hold(
    manager: &LeaseManager,
    options: &LeaseOptions,
    leader: &watch::Sender<bool>,
    stopped: &mut watch::Receiver<bool>,
) -> bool {
    let stop = loop {
        let changed = tokio::select! {
            changed = manager.changed() => changed,
            _ = stopped.changed() => break true,
        };
        match changed {
            Ok(leads) => tell(leads, options, leader),
            Err(error) => {
                let error = crate::wording::with_sources(&error);
                tracing::warn!(lease = options.name, error, "failed to renew the lease");
                break false;
            }
        }
    };
    tell(false, options, leader);
    if stop && let Err(error) = manager.release().await {
        let error = crate::wording::with_sources(&error);
        tracing::warn!(lease = options.name, error, "failed to give the lease back");
    }
    stop
}

fn tell(leads: bool, options: &LeaseOptions, leader: &watch::Sender<bool>) {
    if leader.send_replace(leads) != leads {
        tracing::info!(lease = options.name, leads, "the lease changed hands");
    }
}
