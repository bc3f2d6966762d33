//! What the server asks: the engine of the moment, with every decision counted and logged.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwap;

use crate::cluster::{EventResult, EventSender, Told};
use crate::inject::{Answer, Endpoint, Engine, Settings};
use crate::server::Backend;
use crate::telemetry::{DecisionRecord, Metrics, log_decision};
use crate::template::Catalog;

/// An engine with the names that its metrics may carry; immutable, and swapped whole.
#[derive(Debug)]
struct Snapshot {
    engine: Engine,
    served: BTreeSet<String>,
}

/// The engine of the moment.
#[derive(Debug)]
pub(super) struct Webhook {
    snapshot: ArcSwap<Snapshot>,
    settings: Arc<Settings>,
    metrics: Arc<Metrics>,
    /// Where verdicts are told that are to become events.
    events: Option<EventSender>,
}

impl Webhook {
    /// A webhook without templates.
    pub(super) fn new(
        settings: Arc<Settings>,
        metrics: Arc<Metrics>,
        events: Option<EventSender>,
    ) -> Self {
        let snapshot = snapshot(Catalog::default(), &settings);
        Self {
            snapshot: ArcSwap::from_pointee(snapshot),
            settings,
            metrics,
            events,
        }
    }

    /// The templates in use.
    pub(super) fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(self.snapshot.load().engine.catalog())
    }

    /// Decides with these templates from the next review on.
    pub(super) fn replace(&self, catalog: Catalog) {
        self.snapshot
            .store(Arc::new(snapshot(catalog, &self.settings)));
    }
}

fn snapshot(catalog: Catalog, settings: &Arc<Settings>) -> Snapshot {
    let summaries = catalog.summaries();
    Snapshot {
        engine: Engine::new(Arc::new(catalog), Arc::clone(settings)),
        served: summaries.into_iter().map(|summary| summary.name).collect(),
    }
}

impl Backend for Webhook {
    fn review(&self, endpoint: Endpoint, body: &[u8]) -> Answer {
        let snapshot = self.snapshot.load();
        let started = Instant::now();
        let answer = snapshot.engine.answer(endpoint, body);
        let duration = started.elapsed();
        if let Answer::Review {
            uid,
            namespace,
            pod,
            dry_run,
            decision,
            regarding,
            ..
        } = &answer
        {
            let is_served = |name: &str| snapshot.served.contains(name);
            self.metrics
                .reviewed(endpoint, decision, duration, is_served);
            log_decision(&DecisionRecord {
                endpoint,
                uid,
                namespace,
                pod,
                dry_run: *dry_run,
                decision,
                duration,
            });
            if let (Some(events), Some(regarding), false) = (&self.events, regarding, dry_run) {
                let told = Told::new(namespace, regarding.clone(), decision);
                if !events.tell(told) {
                    self.metrics.event(EventResult::Dropped.as_str());
                }
            }
        }
        answer
    }

    fn rejected(&self, status: u16) {
        self.metrics.rejected(status);
    }

    fn refused_connection(&self) {
        self.metrics.refused_connection();
    }

    fn metrics(&self) -> String {
        self.metrics.to_text()
    }
}
