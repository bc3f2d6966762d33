//! The backend of the server: the current engine, with every decision counted and logged.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::{Semaphore, watch};

use crate::cluster::{DecisionEvent, EventResult, EventSender};
use crate::inject::{Answer, CachedEngine, Endpoint, Engine, Namespaces, Settings};
use crate::kubernetes::keys::MANDATORY;
use crate::server::Backend;
use crate::telemetry::{DecisionRecord, Metrics, log_decision};
use crate::template::Catalog;

/// The inputs of an engine; each watcher replaces its own.
#[derive(Debug)]
struct Parts {
    /// The templates of the cluster, which come first.
    cluster: Arc<Catalog>,
    /// The templates of files and of the program.
    files: Arc<Catalog>,
    catalog: Arc<Catalog>,
    settings: Arc<Settings>,
}

impl Parts {
    fn merge(&mut self) {
        let layers = [self.cluster.as_ref(), self.files.as_ref()];
        self.catalog = Arc::new(Catalog::layered(layers));
    }
}

/// The engine of the moment: immutable, and swapped whole.
#[derive(Debug)]
pub(super) struct Webhook {
    engine: ArcSwap<CachedEngine>,
    parts: Mutex<Parts>,
    /// Notified with every new engine.
    replaced: watch::Sender<()>,
    metrics: Arc<Metrics>,
    /// The queue of verdicts that become events.
    events: Option<EventSender>,
    /// The labels of namespaces of which newer ones were waited for.
    awaited: Mutex<HashMap<String, EntryLabels>>,
    /// The places of those who wait for them.
    waiting: Semaphore,
}

/// How long the API server may be ahead of the watch of namespaces.
const NAMESPACE_LAG: Duration = Duration::from_millis(250);

/// As many reviews wait for that at once.
const MOST_WAITING: usize = 128;

/// The labels of a namespace by which the shipped webhook configuration selects it.
#[derive(Debug, PartialEq, Eq)]
struct EntryLabels {
    is_mandatory: bool,
    /// The value of `pillion.dev/injection`.
    injection: Option<String>,
}

/// As many namespaces are remembered for which that was waited for.
const MOST_AWAITED: usize = 10_000;

impl Webhook {
    /// A webhook without templates, whose decision cache has so many bytes.
    pub(super) fn new(
        settings: Arc<Settings>,
        decision_cache: usize,
        metrics: Arc<Metrics>,
        events: Option<EventSender>,
    ) -> Self {
        let none = Arc::new(Catalog::default());
        let engine = CachedEngine::new(
            Engine::new(Arc::clone(&none), Arc::clone(&settings)),
            decision_cache,
        );
        let parts = Parts {
            cluster: Arc::clone(&none),
            files: Arc::clone(&none),
            catalog: none,
            settings,
        };
        Self {
            engine: ArcSwap::from_pointee(engine),
            parts: Mutex::new(parts),
            replaced: watch::Sender::new(()),
            metrics,
            events,
            awaited: Mutex::default(),
            waiting: Semaphore::new(MOST_WAITING),
        }
    }

    /// The labels that the watch cache holds of a namespace.
    fn entry_labels(&self, namespace: &str) -> EntryLabels {
        let engine = self.engine.load();
        let known = engine.engine().settings().namespaces.get(namespace);
        EntryLabels {
            is_mandatory: known.labels.contains_key(MANDATORY),
            injection: known.injection().map(str::to_owned),
        }
    }

    /// Whether newer labels than those that the watch cache holds were waited for already.
    fn is_awaited(&self, namespace: &str) -> bool {
        self.awaited().get(namespace) == Some(&self.entry_labels(namespace))
    }

    fn awaited(&self) -> MutexGuard<'_, HashMap<String, EntryLabels>> {
        self.awaited.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All templates in use.
    pub(super) fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(self.engine.load().engine().catalog())
    }

    /// Decides with these templates of files, below those of the cluster, from the next review on.
    pub(super) fn replace_files(&self, files: Arc<Catalog>) {
        self.replace(|parts| {
            parts.files = files;
            parts.merge();
        });
    }

    /// Decides with these templates of the cluster and these namespaces from the next review on.
    pub(super) fn replace_cluster(&self, cluster: Arc<Catalog>, namespaces: Namespaces) {
        self.replace(|parts| {
            if !Arc::ptr_eq(&parts.cluster, &cluster) {
                parts.cluster = cluster;
                parts.merge();
            }
            let settings = Settings {
                namespaces,
                ..parts.settings.without_namespaces()
            };
            parts.settings = Arc::new(settings);
        });
    }

    fn replace(&self, change: impl FnOnce(&mut Parts)) {
        // Whoever panicked in between has replaced a part and no engine: the next one has it all.
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut parts);
        self.metrics.templates(parts.catalog.counts());
        let (catalog, settings) = (Arc::clone(&parts.catalog), Arc::clone(&parts.settings));
        let engine = self.engine.load().followed_by(catalog, settings);
        self.engine.store(Arc::new(engine));
        self.replaced.send_replace(());
    }
}

impl Backend for Webhook {
    fn review(&self, endpoint: Endpoint, body: &[u8], deadline: Instant) -> Answer {
        let engine = self.engine.load();
        let started = Instant::now();
        let (mut answer, is_recalled) =
            engine.answer_until(endpoint, body, move || Instant::now() >= deadline);
        let duration = started.elapsed();
        if let Answer::Review {
            namespace,
            matches_no_entry,
            ..
        } = &mut answer
        {
            // Most reviews match one, and ask nothing of what they share.
            *matches_no_entry = *matches_no_entry && !self.is_awaited(namespace);
        }
        if let Answer::Review {
            uid,
            namespace,
            pod,
            dry_run,
            decision,
            regarding,
            // Otherwise it is decided once more, and told then.
            matches_no_entry: false,
            ..
        } = &answer
        {
            if is_recalled {
                self.metrics.recalled();
            }
            self.metrics
                .reviewed(endpoint, decision, duration, |template| {
                    engine.engine().catalog().serves_all(template)
                });
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
                let event = DecisionEvent::new(namespace, regarding.clone(), decision);
                if !events.send(event) {
                    self.metrics.event(EventResult::Dropped.as_str());
                }
            }
        }
        answer
    }

    async fn known(&self, namespace: &str) -> bool {
        let mut replaced = self.replaced.subscribe();
        loop {
            let is_unknown = self
                .engine
                .load()
                .engine()
                .settings()
                .namespaces
                .is_unknown(namespace);
            if !is_unknown {
                return true;
            }
            if replaced.changed().await.is_err() {
                return false;
            }
        }
    }

    async fn relabelled(&self, namespace: &str) {
        let mut replaced = self.replaced.subscribe();
        let before = self.entry_labels(namespace);
        if let Ok(_place) = self.waiting.try_acquire() {
            let is_changed = async {
                while self.entry_labels(namespace) == before && replaced.changed().await.is_ok() {}
            };
            if tokio::time::timeout(NAMESPACE_LAG, is_changed)
                .await
                .is_err()
            {
                tracing::info!(
                    namespace,
                    "the API server sent a pod that no entry of the shipped webhook configuration matches: either \
                     another configuration calls Pillion, or the watch has not told of the namespace's new labels yet"
                );
            }
        }
        let labels = self.entry_labels(namespace);
        let mut awaited = self.awaited();
        if awaited.len() >= MOST_AWAITED {
            awaited.clear();
        }
        awaited.insert(namespace.to_owned(), labels);
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
