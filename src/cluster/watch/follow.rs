//! The watch of one kind, retried for ever.

mod salvage;

use std::time::Duration;

use futures_util::StreamExt;
use kube::Api;
use kube::api::DynamicObject;
use kube::runtime::watcher::{self, Config, Event, watcher};
use tokio::sync::Notify;
use tokio::sync::mpsc::Sender;

use super::object::{Change, LARGE_PAGE, WatchChange, Watched, WatchedObject, key};
use super::observer::Observer;
use crate::kubernetes::keys;
use crate::wording::with_sources;

/// Seconds after which the API server ends a watch, and a new one goes on where it stopped. A
/// connection that died in silence is found out a few seconds later.
const WATCH_SECONDS: u32 = 120;

/// Pauses before a failed watch is tried again, doubled from the first to the last.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));

/// A watch that was tried again and did not fail for so long works: longer than a connection takes
/// to fail.
const RECOVERED: Duration = Duration::from_secs(20);

/// Forwards watch events of a kind until the receiver is dropped, and lists the objects anew when
/// `relist` says so.
pub(super) async fn follow(
    kind: Watched,
    api: Api<DynamicObject>,
    sender: Sender<WatchChange>,
    relist: &Notify,
    observer: &impl Observer,
) {
    let config = config(kind);
    let mut events = watcher(api.clone(), config.clone()).boxed();
    let mut health = Health {
        kind,
        observer,
        is_failing: false,
        pause: PAUSES.0,
    };
    loop {
        let next = if health.is_failing {
            // Where nothing changes, a watch that works is as silent as one that hangs.
            tokio::time::timeout(RECOVERED, events.next()).await
        } else {
            tokio::select! {
                event = events.next() => Ok(event),
                () = relist.notified() => {
                    events = watcher(api.clone(), config.clone()).boxed();
                    continue;
                }
            }
        };
        let event = match next {
            Ok(Some(Err(error))) => {
                health.fails(&error);
                if send_failure(&sender, kind, &api, &error).await.is_err() {
                    return;
                }
                health.rest().await;
                continue;
            }
            Ok(Some(Ok(event))) => Some(event),
            Ok(None) => return,
            Err(_) => None,
        };
        // The beginning of a list says nothing yet of its end.
        if !matches!(event, Some(Event::Init | Event::InitApply(_))) {
            health.works();
        }
        let Some(event) = event else {
            continue;
        };
        if send(&sender, kind, change(kind, event)).await.is_err() {
            return;
        }
    }
}

/// How the watch of a kind fares.
struct Health<'o, O> {
    kind: Watched,
    observer: &'o O,
    is_failing: bool,
    /// How long it rests before it is tried again.
    pause: Duration,
}

impl<O: Observer> Health<'_, O> {
    fn fails(&mut self, error: &watcher::Error) {
        self.observer.failed(self.kind);
        if !self.is_failing {
            let why = with_sources(error);
            tracing::warn!(resource = self.kind.as_str(), error = why, "a watch failed");
            self.observer.up(self.kind, false);
        }
        self.is_failing = true;
    }

    fn works(&mut self) {
        if self.is_failing {
            tracing::info!(resource = self.kind.as_str(), "a watch works again");
        }
        self.is_failing = false;
        self.observer.up(self.kind, true);
        self.pause = PAUSES.0;
    }

    async fn rest(&mut self) {
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(PAUSES.1);
    }
}

fn config(kind: Watched) -> Config {
    let mut config = Config::default().timeout(WATCH_SECONDS);
    if kind == Watched::ControllerRevisions {
        config = config.labels(keys::TEMPLATE_KIND);
    }
    if kind.is_large() {
        config = config.page_size(LARGE_PAGE);
    }
    config
}

/// Sends why a watch failed, and what can be read of templates one of which cannot.
async fn send_failure(
    sender: &Sender<WatchChange>,
    kind: Watched,
    api: &Api<DynamicObject>,
    error: &watcher::Error,
) -> Result<(), ()> {
    send(sender, kind, Change::Failed(with_sources(error))).await?;
    if kind.is_template() && is_unreadable(error) {
        for change in salvage::changes(kind, api).await {
            send(sender, kind, change).await?;
        }
    }
    Ok(())
}

/// Whether the API server answered a list with what cannot be read: one object alone can do that.
fn is_unreadable(error: &watcher::Error) -> bool {
    matches!(
        error,
        watcher::Error::InitialListFailed(kube::Error::SerdeError(_))
    )
}

async fn send(sender: &Sender<WatchChange>, kind: Watched, change: Change) -> Result<(), ()> {
    let sent = sender.send(WatchChange { kind, change }).await;
    sent.map_err(|_| ())
}

fn change(kind: Watched, event: Event<DynamicObject>) -> Change {
    match event {
        Event::Init => Change::Listing,
        Event::InitDone => Change::Listed,
        Event::Apply(object) | Event::InitApply(object) => {
            Change::Applied(Box::new(WatchedObject::read(kind, object)))
        }
        Event::Delete(object) => Change::Deleted(key(kind, &object)),
    }
}
