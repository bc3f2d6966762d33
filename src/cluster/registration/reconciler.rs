//! The task that keeps `caBundle` as it must be.
//!
//! A watch says at once that somebody has changed a configuration; what is to be done is decided
//! anew from what is read then, so that an event that is missed or late is no error. A look every
//! few seconds makes sure.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{Stream, StreamExt, stream};
use kube::runtime::{WatchStreamExt, watcher};
use tokio::sync::{Notify, watch};

use super::field_ownership::RewriteBackoff;
use super::{Configuration, FIELD_MANAGER, Registration, RegistrationError, kinds};
use crate::wording::with_sources;

/// Between two looks without any event.
const PERIOD: Duration = Duration::from_secs(10);

/// How often a write that met a conflict is retried at once.
const ATTEMPTS: usize = 5;

/// Where it is known what the API server must trust.
pub(crate) trait BundleSource: Send + Sync {
    /// What is to be trusted now, in PEM, read afresh; `None`: nothing is known yet. An error is
    /// reported, and the configurations stay as they are.
    fn bundle(&self) -> impl Future<Output = Result<Option<Vec<u8>>, String>> + Send;
}

/// State of our entries in both webhook configurations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct RegistrationStatus {
    /// Entries with the bundle that is to be there.
    pub(crate) current: usize,
    /// Entries with another one, or none.
    pub(crate) stale: usize,
    /// Entries without a bundle that get none, because they could stop the cluster.
    pub(crate) withheld: usize,
    /// Configurations written just now.
    pub(crate) written: usize,
}

/// Keeps `caBundle` while this replica leads.
pub(crate) struct CaBundleReconciler<S> {
    registration: Registration,
    source: S,
    backoffs: BTreeMap<String, RewriteBackoff>,
    reported: Vec<(String, String, bool)>,
    failure: Option<String>,
}

impl<S: BundleSource> CaBundleReconciler<S> {
    /// Keeps in the configurations what the source says.
    pub(crate) fn new(registration: Registration, source: S) -> Self {
        Self {
            registration,
            source,
            backoffs: BTreeMap::new(),
            reported: Vec::new(),
            failure: None,
        }
    }

    /// Works for ever, whenever this replica leads. `wake` says that the source has changed; the
    /// observer gets the state of the entries, `None` where it could not be read.
    pub(crate) async fn run(
        mut self,
        mut leader: watch::Receiver<bool>,
        wake: Arc<Notify>,
        mut observer: impl FnMut(Option<RegistrationStatus>) + Send,
    ) {
        let mut changes = self.changes();
        let mut pause = Duration::ZERO;
        loop {
            tokio::select! {
                _ = changes.next() => {}
                () = wake.notified() => {}
                changed = leader.changed() => if changed.is_err() {
                    // Who leads is known until the process ends.
                    std::future::pending::<()>().await;
                },
                () = tokio::time::sleep(pause) => {}
            }
            pause = PERIOD;
            if !*leader.borrow() {
                continue;
            }
            match self.look().await {
                Ok((status, again)) => {
                    self.failure = None;
                    pause = again.map_or(PERIOD, |again| again.min(PERIOD));
                    observer(Some(status));
                }
                Err(error) => {
                    if self.failure.as_ref() != Some(&error) {
                        tracing::error!(error = error.as_str(), "failed to keep caBundle");
                    }
                    self.failure = Some(error);
                    observer(None);
                }
            }
        }
    }

    /// An item for each event of the two configurations. A watch that fails is begun again, more and
    /// more slowly.
    fn changes(&self) -> Pin<Box<dyn Stream<Item = ()> + Send>> {
        let select = format!("metadata.name={}", self.registration.name);
        let streams = kinds().map(|kind| {
            let config = watcher::Config::default().fields(&select);
            let events = watcher(self.registration.api(&kind), config).default_backoff();
            events
                .filter_map(async |event| event.ok().map(drop))
                .boxed()
        });
        stream::select_all(streams).boxed()
    }

    /// Writes what is stale. Returns how the entries stand, and when to look again where a pause is
    /// kept.
    async fn look(&mut self) -> Result<(RegistrationStatus, Option<Duration>), String> {
        for _ in 1..ATTEMPTS {
            match self.try_look().await {
                Err(Failure::Registration(error)) if error.is_conflict() => {}
                result => return result.map_err(Failure::text),
            }
        }
        self.try_look().await.map_err(Failure::text)
    }

    /// The order matters: first the configurations, then what is to be trusted.
    async fn try_look(&mut self) -> Result<(RegistrationStatus, Option<Duration>), Failure> {
        let configurations = self.registration.read().await?;
        let bundle = self.source.bundle().await.map_err(Failure::Source)?;
        self.report_deadlocks(&configurations);
        let (bundle, mut status, mut again) = (
            bundle.unwrap_or_default(),
            RegistrationStatus::default(),
            None,
        );
        for configuration in &configurations {
            let is_stale = configuration.is_stale(&bundle);
            let pause = if bundle.is_empty() || !is_stale {
                // Where writing it worked and giving the ownership up did not.
                self.registration.release(configuration).await?;
                None
            } else {
                self.restore(configuration, &bundle).await?
            };
            let is_written = is_stale && !bundle.is_empty() && pause.is_none();
            status.count(configuration, &bundle, is_written);
            again = [again, pause].into_iter().flatten().min();
        }
        Ok((status, again))
    }

    /// Writes the bundle, or says how long not to.
    async fn restore(
        &mut self,
        configuration: &Configuration,
        bundle: &[u8],
    ) -> Result<Option<Duration>, RegistrationError> {
        let kind = configuration.kind().kind.as_str();
        let name = self.registration.name.as_str();
        let backoff = self.backoffs.entry(kind.to_owned()).or_default();
        let pause = backoff.pause(bundle, Instant::now());
        if pause.is_zero() {
            self.registration.write(configuration, bundle).await?;
            backoff.wrote(Instant::now());
            tracing::info!(kind, name, "caBundle written");
            return Ok(None);
        }
        if backoff.is_to_report() {
            let manager = configuration
                .last_writer(FIELD_MANAGER)
                .unwrap_or("unknown");
            tracing::error!(
                kind,
                name,
                manager,
                "another writer keeps changing caBundle; Pillion writes it at growing intervals"
            );
        }
        Ok(Some(pause))
    }

    /// Says of each entry that could stop the cluster why, once as long as it is so.
    fn report_deadlocks(&mut self, configurations: &[Configuration]) {
        let entries = configurations.iter().flat_map(Configuration::entries);
        let deadlocks = entries.filter_map(|entry| Some((entry, entry.deadlock.as_deref()?)));
        let mut reported = Vec::new();
        for (entry, deadlock) in deadlocks {
            let news = (entry.name.clone(), deadlock.to_owned(), entry.is_withheld());
            if !self.reported.contains(&news) {
                let name = entry.name.as_str();
                if entry.is_withheld() {
                    tracing::error!(
                        entry = name,
                        deadlock,
                        "no caBundle is written to this entry"
                    );
                } else {
                    tracing::error!(entry = name, deadlock, "this entry could stop the cluster");
                }
            }
            reported.push(news);
        }
        self.reported = reported;
    }
}

impl RegistrationStatus {
    fn count(&mut self, configuration: &Configuration, bundle: &[u8], is_written: bool) {
        self.written += usize::from(is_written);
        for entry in configuration.entries() {
            if entry.is_withheld() {
                self.withheld += 1;
            } else if is_written || (entry.bundle == bundle && !bundle.is_empty()) {
                self.current += 1;
            } else {
                self.stale += 1;
            }
        }
    }
}

enum Failure {
    Registration(RegistrationError),
    Source(String),
}

impl From<RegistrationError> for Failure {
    fn from(error: RegistrationError) -> Self {
        Self::Registration(error)
    }
}

impl Failure {
    fn text(self) -> String {
        match self {
            Self::Registration(error) => with_sources(&error),
            Self::Source(text) => text,
        }
    }
}
