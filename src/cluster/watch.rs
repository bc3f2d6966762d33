//! The watch cache: templates, namespaces and the objects in them that decisions need.
//!
//! Each kind is followed by a task of its own, which keeps of an object only what decisions need.
//! One builder takes all changes and makes of them an immutable snapshot, which is published whole:
//! nobody sees half of a change, and no request waits for the API server. Nothing is published before
//! every kind was listed once, because a template or a namespace that was not listed yet would count
//! as one that does not exist.

mod follow;
mod namespaces;
mod object;
mod observer;
mod state;
mod templates;
mod tenants;

use std::sync::Arc;
use std::time::{Duration, Instant};

use kube::Client;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;

pub(crate) use object::Watched;
pub(super) use object::template_resource;
pub(crate) use observer::{ClusterSnapshot, Observer};
pub(crate) use tenants::TenantLimits;

use object::WatchChange;
use state::State;

/// How long changes are collected before a snapshot is made of them: they come in bursts.
const COLLECT: Duration = Duration::from_millis(5);

/// Making snapshots takes at most one part in so many of the builder's time.
const SHARE: u32 = 4;

/// The longest pause between two snapshots.
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// Changes that may wait for the builder. When the queue is full, the watches wait, and so the API
/// server.
const WAITING: usize = 1024;

/// Watches the cluster for ever. `own_namespace` is where Pillion runs and keeps revisions.
/// `limits` bound the templates of namespaces.
pub(crate) async fn watch(
    client: Client,
    own_namespace: String,
    limits: TenantLimits,
    observer: Arc<impl Observer>,
) {
    let (sender, receiver) = mpsc::channel(WAITING);
    let relist = Arc::new(Notify::new());
    let mut tasks = JoinSet::new();
    for kind in Watched::ALL {
        let api = kind.api(client.clone(), &own_namespace);
        let (sender, observer) = (sender.clone(), Arc::clone(&observer));
        let relist = match kind {
            Watched::InjectionTemplates => Arc::clone(&relist),
            _ => Arc::new(Notify::new()),
        };
        tasks.spawn(async move {
            follow::follow(kind, api, sender, &relist, observer.as_ref()).await;
        });
    }
    drop(sender);
    tokio::select! {
        // Only a panic ends one, whose place the panic hook has logged.
        _ = tasks.join_next() => {}
        () = build(receiver, State::new(limits), &relist, observer.as_ref()) => {}
    }
}

/// Builds and publishes snapshots of the changes received.
async fn build(
    mut receiver: mpsc::Receiver<WatchChange>,
    mut state: State,
    relist: &Notify,
    observer: &impl Observer,
) {
    let mut changes = Vec::new();
    observer.missing(&state.missing());
    let mut pause = COLLECT;
    loop {
        if receiver.recv_many(&mut changes, WAITING).await == 0 {
            return;
        }
        // Changes that belong together mostly arrive together.
        tokio::time::sleep(pause).await;
        while let Ok(change) = receiver.try_recv() {
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
        if state.take_incomplete() {
            relist.notify_one();
        }
        observer.publish(snapshot);
        pause = (start.elapsed() * SHARE).clamp(COLLECT, LONGEST_PAUSE);
    }
}
