//! What the server knows of its cluster: templates, namespaces and what stands in them, as the API
//! server tells of every change.
//!
//! Each kind is followed by a task of its own, which keeps of an object only what decisions need.
//! One builder takes all changes and makes of them an immutable snapshot, which is published whole:
//! nobody sees half of a change, and no request waits for the API server. Nothing is published before
//! every kind was listed once, because a template or a namespace that was not listed yet would count
//! as one that does not exist.

mod follow;
mod namespaces;
mod object;
mod state;
mod templates;

use std::sync::Arc;
use std::time::{Duration, Instant};

use kube::Client;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

pub use object::Watched;
pub(super) use object::template_resource;
pub use templates::TemplateReports;
pub(super) use templates::{ServedRevision, TemplateReport};

use crate::inject::Namespaces;
use crate::template::Catalog;
use follow::WatchChange;
use state::State;

/// How long changes are collected before a snapshot is made of them: they come in bursts.
const COLLECT: Duration = Duration::from_millis(5);

/// Making snapshots takes at most one part in so many of the builder's time.
const SHARE: u32 = 4;

/// The longest pause between two snapshots.
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// Changes that may wait for the builder; who follows a kind waits then, and so the API server.
const WAITING: usize = 1024;

/// What is known of a cluster at one moment.
#[derive(Debug, Clone)]
pub struct ClusterSnapshot {
    /// The templates; the same value as long as none changes.
    pub catalog: Arc<Catalog>,
    /// What became of each template, for its status and its revisions.
    pub reports: Arc<TemplateReports>,
    /// All namespaces.
    pub namespaces: Namespaces,
}

/// Who is told what is seen.
pub trait Observer: Send + Sync + 'static {
    /// These kinds were not listed yet, each with what stands in the way, in one line.
    fn missing(&self, kinds: &[(Watched, String)]);

    /// A watch failed; it is tried again.
    fn failed(&self, kind: Watched);

    /// Whether changes of a kind arrive.
    fn up(&self, kind: Watched, up: bool);

    /// The cluster as it is now.
    fn publish(&self, snapshot: ClusterSnapshot);
}

/// Watches the cluster for ever. `own_namespace` is where Pillion runs and keeps revisions.
pub async fn watch(client: Client, own_namespace: String, observer: Arc<impl Observer>) {
    let (sender, receiver) = mpsc::channel(WAITING);
    let mut tasks = JoinSet::new();
    for kind in Watched::ALL {
        let api = kind.api(client.clone(), &own_namespace);
        let (sender, observer) = (sender.clone(), Arc::clone(&observer));
        tasks.spawn(async move { follow::follow(kind, api, sender, observer.as_ref()).await });
    }
    drop(sender);
    tokio::select! {
        // Only a panic ends one, whose place the panic hook has told.
        _ = tasks.join_next() => {}
        () = build(receiver, observer.as_ref()) => {}
    }
}

/// Makes snapshots of what is told.
async fn build(mut told: mpsc::Receiver<WatchChange>, observer: &impl Observer) {
    let mut state = State::default();
    let mut changes = Vec::new();
    observer.missing(&state.missing());
    let mut pause = COLLECT;
    loop {
        if told.recv_many(&mut changes, WAITING).await == 0 {
            return;
        }
        // What belongs together mostly comes together.
        tokio::time::sleep(pause).await;
        while let Ok(change) = told.try_recv() {
            changes.push(change);
        }
        let was_complete = state.missing().is_empty();
        for change in changes.drain(..) {
            state.apply(change);
        }
        let missing = state.missing();
        if !was_complete {
            observer.missing(&missing);
        }
        if !missing.is_empty() {
            continue;
        }
        let start = Instant::now();
        // Compiling takes longer than a review may wait for its thread.
        let built = tokio::task::spawn_blocking(move || {
            let snapshot = state.snapshot();
            (state, snapshot)
        });
        let Ok((returned, snapshot)) = built.await else {
            return;
        };
        state = returned;
        observer.publish(snapshot);
        pause = (start.elapsed() * SHARE).clamp(COLLECT, LONGEST_PAUSE);
    }
}
