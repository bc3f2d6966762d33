//! A client that creates pods without pause, and looks at each of them.
//!
//! The pods ask in the three ways that there are: by annotation, by label, and by their namespace.
//! They are left to no scheduler, so that a creation costs no container, and are deleted at once.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use kube::Client;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::failure::{Failure, Outcome};
use crate::support::raw;
use crate::support::wait::wait_until;

/// How many creations are under way at once.
const WORKERS: usize = 3;

/// Between two creations of one worker: the machine has other things to do.
const PAUSE: Duration = Duration::from_millis(40);

/// How long a phase may wait for its creations.
const PATIENCE: Duration = Duration::from_mins(1);

/// Creations after a phase that show that what it did has no late effect.
const AFTER: u64 = 20;

/// The template that every pod asks for; its container has the same name.
pub(crate) const HELPER: &str = "helper";

/// What became of the creations so far.
#[derive(Debug, Default, Clone)]
pub(crate) struct Counts {
    /// Pods that were created and carried the helper.
    pub(crate) injected: u64,
    /// Requests that the API server did not answer, as it was down itself.
    pub(crate) unanswered: u64,
    /// What the API server said to those that it refused, and when.
    pub(crate) refused: Vec<(Instant, String)>,
    /// Names of pods that asked and came out bare.
    pub(crate) bare: Vec<String>,
    /// The longest creation.
    pub(crate) slowest: Duration,
}

/// The client at work, until it is dropped.
pub(crate) struct Churn {
    counts: Arc<Mutex<Counts>>,
    stopped: Arc<AtomicBool>,
    _workers: JoinSet<()>,
}

/// Where the pods go.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    /// A namespace without labels, where pods ask themselves.
    pub(crate) asking: String,
    /// A namespace that is enabled and lists the helper.
    pub(crate) enabled: String,
}

impl Counts {
    /// The time from the first refusal to the last.
    pub(crate) fn refused_for(&self) -> Duration {
        let times = self.refused.iter().map(|(at, _)| *at);
        let first = times.clone().min();
        let span = first.zip(times.max()).map(|(first, last)| last - first);
        span.unwrap_or_default()
    }
}

impl Churn {
    /// Begins to create pods.
    pub(crate) fn start(client: &Client, places: &Places) -> Self {
        let counts = Arc::new(Mutex::new(Counts::default()));
        let stopped = Arc::new(AtomicBool::new(false));
        let number = Arc::new(AtomicU64::new(0));
        let mut workers = JoinSet::new();
        for _ in 0..WORKERS {
            let (client, places) = (client.clone(), places.clone());
            let (counts, stopped) = (Arc::clone(&counts), Arc::clone(&stopped));
            let number = Arc::clone(&number);
            workers.spawn(async move {
                while !stopped.load(Ordering::Relaxed) {
                    let next = number.fetch_add(1, Ordering::Relaxed);
                    create(&client, &places, next, &counts).await;
                    tokio::time::sleep(PAUSE).await;
                }
            });
        }
        Self {
            counts,
            stopped,
            _workers: workers,
        }
    }

    /// What became of the creations so far.
    pub(crate) fn counts(&self) -> Counts {
        lock(&self.counts).clone()
    }

    /// Does something while pods are created, and tells what became of those that were created
    /// meanwhile and right after.
    pub(crate) async fn during(
        &self,
        what: &str,
        work: impl Future<Output = Outcome>,
    ) -> Outcome<Counts> {
        *lock(&self.counts) = Counts::default();
        let started = Instant::now();
        work.await?;
        let until = self.counts().injected + AFTER;
        wait_until("further creations", PATIENCE, async || {
            let counts = self.counts();
            if counts.injected >= until {
                return Ok(());
            }
            Err(format!("{counts:?}"))
        })
        .await?;
        let counts = self.counts();
        println!(
            "{what}: {:.1} s, {} injected, {} refused within {} ms, {} bare, {} unanswered, slowest {} ms",
            started.elapsed().as_secs_f32(),
            counts.injected,
            counts.refused.len(),
            counts.refused_for().as_millis(),
            counts.bare.len(),
            counts.unanswered,
            counts.slowest.as_millis()
        );
        if counts.bare.is_empty() {
            return Ok(counts);
        }
        let (bare, refused) = (&counts.bare, &counts.refused);
        Err(Failure::new(format!(
            "{what}: bare: {bare:?}; refused: {refused:?}"
        )))
    }

    /// The same, where not one creation may fail.
    pub(crate) async fn undisturbed(
        &self,
        what: &str,
        work: impl Future<Output = Outcome>,
    ) -> Outcome {
        let counts = self.during(what, work).await?;
        if counts.refused.is_empty() && counts.unanswered == 0 {
            return Ok(());
        }
        Err(Failure::new(format!(
            "{what}: {} of {} creations failed, {} were not answered; the first: {:?}",
            counts.refused.len(),
            counts.injected,
            counts.unanswered,
            counts.refused.first()
        )))
    }
}

impl Drop for Churn {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
    }
}

fn lock(counts: &Mutex<Counts>) -> std::sync::MutexGuard<'_, Counts> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A pod that asks in one of the ways, and its namespace.
fn pod(places: &Places, number: u64) -> (&str, Value) {
    let mut pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": format!("churn-{number}")},
        "spec": {
            "schedulerName": "nobody",
            "containers": [{"name": "app", "image": "registry.example.com/app:1"}],
        },
    });
    let asks = json!({"pillion.dev/inject": HELPER});
    match number % 3 {
        0 => {
            pod["metadata"]["annotations"] = asks;
            (&places.asking, pod)
        }
        1 => {
            pod["metadata"]["annotations"] = asks;
            pod["metadata"]["labels"] = json!({"pillion.dev/inject": "true"});
            (&places.asking, pod)
        }
        _ => (&places.enabled, pod),
    }
}

async fn create(client: &Client, places: &Places, number: u64, counts: &Mutex<Counts>) {
    let (namespace, pod) = pod(places, number);
    let path = format!("/api/v1/namespaces/{namespace}/pods");
    let started = Instant::now();
    let answer = raw::post(client, &path, &pod).await;
    let took = started.elapsed();
    let Ok(answer) = answer else {
        lock(counts).unanswered += 1;
        return;
    };
    let name = format!("{namespace}/churn-{number}");
    {
        let mut counts = lock(counts);
        counts.slowest = counts.slowest.max(took);
        if !answer.granted() {
            let message = format!("{name}: {}", answer.message());
            counts.refused.push((Instant::now(), message));
            return;
        }
        if has_helper(&answer.body) {
            counts.injected += 1;
        } else {
            counts.bare.push(name);
        }
    }
    // What stays behind goes with its namespace.
    let _ = raw::delete(
        client,
        &format!("{path}/churn-{number}?gracePeriodSeconds=0"),
    )
    .await;
}

/// Whether the helper is among the containers.
pub(crate) fn has_helper(pod: &Value) -> bool {
    ["initContainers", "containers"]
        .iter()
        .filter_map(|list| pod["spec"][list].as_array())
        .flatten()
        .any(|container| container["name"] == HELPER)
}
