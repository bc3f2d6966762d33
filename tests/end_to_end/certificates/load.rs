//! Pods that are created without pause, each of which must come out with its helper.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use crate::end_to_end::pods::names;
use crate::end_to_end::scene::{asks_for_a_pool, pod};
use crate::support::failure::{During, Outcome};
use crate::support::namespace::Namespace;

/// Creators side by side.
const CREATORS: usize = 6;

/// Between two pods of one creator: the machine has other things to do too.
const PAUSE: Duration = Duration::from_millis(20);

#[derive(Default)]
struct Seen {
    created: AtomicUsize,
    end: AtomicBool,
    failures: Mutex<Vec<(Instant, String)>>,
}

/// Creations under way.
pub(super) struct Load {
    seen: Arc<Seen>,
    creators: Vec<JoinHandle<()>>,
}

impl Load {
    pub(super) fn start(namespace: &Namespace) -> Self {
        let seen = Arc::<Seen>::default();
        let creators =
            (0..CREATORS).map(|_| tokio::spawn(create(namespace.clone(), Arc::clone(&seen))));
        Self {
            creators: creators.collect(),
            seen,
        }
    }

    /// How many pods were created so far.
    pub(super) fn created(&self) -> usize {
        self.seen.created.load(Ordering::Relaxed)
    }

    /// Ends the creations. Returns how many there were, and each that failed with its time.
    pub(super) async fn end(self) -> Outcome<(usize, Vec<(Instant, String)>)> {
        self.seen.end.store(true, Ordering::Relaxed);
        for creator in self.creators {
            creator.await.during("wait for a creator")?;
        }
        let failures = self
            .seen
            .failures
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Ok((self.seen.created.load(Ordering::Relaxed), failures.clone()))
    }
}

async fn create(namespace: Namespace, seen: Arc<Seen>) {
    let mut pod = pod("", &asks_for_a_pool());
    pod["metadata"]["generateName"] = "orders-".into();
    while !seen.end.load(Ordering::Relaxed) {
        let at = Instant::now();
        let problem = match namespace.create_pod("dryRun=All", &pod).await {
            Err(failure) => Some(failure.to_string()),
            Ok(answer) if !answer.granted() => Some(answer.message().to_owned()),
            Ok(answer) if names(&answer.body, "/spec/initContainers") == ["pgbouncer"] => None,
            Ok(answer) => Some(format!("a pod without its helper: {}", answer.body)),
        };
        match problem {
            None => drop(seen.created.fetch_add(1, Ordering::Relaxed)),
            Some(problem) => {
                let mut failures = seen.failures.lock().unwrap_or_else(PoisonError::into_inner);
                failures.push((at, problem));
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}
