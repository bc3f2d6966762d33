//! Events of verdicts, for those who look with `kubectl describe` and `kubectl get events`.
//!
//! They are verdict beside the answer and never hold it up: what finds no room is dropped and counted.
//! Nothing in them is a value of an annotation; the sentence is the log's.

mod aggregate;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::{Event, EventSeries};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use crate::inject::{Decision, Regarding, Verdict};
use aggregate::{Aggregate, Write};

/// How many verdicts may wait for the writer.
const WAITING: usize = 1024;

/// How often the writer looks for what is due.
const TICK: Duration = Duration::from_millis(500);

/// How long one write may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest note in characters: the API takes 1024 bytes.
const LONGEST_NOTE: usize = 1000;

/// Who reports, as the field `reportingController` says it.
const CONTROLLER: &str = "pillion.dev/pillion";

/// A verdict that is to become an event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DecisionEvent {
    pub(crate) namespace: String,
    pub(crate) regarding: Regarding,
    /// The verdict, the event's reason.
    pub(crate) verdict: Verdict,
    pub(crate) note: String,
}

impl DecisionEvent {
    /// The event of a decision.
    pub(crate) fn new(namespace: &str, regarding: Regarding, decision: &Decision) -> Self {
        let templates: Vec<_> = decision
            .outcomes
            .iter()
            .map(|outcome| outcome.template.as_str())
            .collect();
        let verdict = decision.verdict();
        let sentence = if verdict == Verdict::Injected || decision.logged.is_empty() {
            templates.join(", ")
        } else {
            decision.logged.clone()
        };
        let mut lines = vec![format!("{}: {sentence}", decision.reason)];
        lines.extend(decision.logged_findings());
        Self {
            namespace: namespace.to_owned(),
            regarding,
            verdict,
            note: cut(&lines.join("; "), LONGEST_NOTE).to_owned(),
        }
    }
}

/// The text, cut to at most `length` bytes between characters.
fn cut(text: &str, length: usize) -> &str {
    let end = text.floor_char_boundary(length);
    text.get(..end).unwrap_or(text)
}

/// What became of a verdict that was to be an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventResult {
    /// An event was created, or its count changed.
    Written,
    /// There was no room for it.
    Dropped,
    /// The API server did not take it.
    Failed,
}

impl EventResult {
    /// The word in metrics.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Dropped => "dropped",
            Self::Failed => "failed",
        }
    }
}

/// The queue of verdicts that become events.
#[derive(Debug, Clone)]
pub(crate) struct EventSender(mpsc::Sender<DecisionEvent>);

impl EventSender {
    /// Queues a verdict without waiting. Returns `false` where the queue is full.
    pub(crate) fn send(&self, event: DecisionEvent) -> bool {
        self.0.try_send(event).is_ok()
    }
}

/// What writes the events of one replica.
#[derive(Debug)]
pub(crate) struct EventWriter {
    receiver: mpsc::Receiver<DecisionEvent>,
    instance: String,
}

/// The queue and the writer of the replica of this name.
pub(crate) fn events(instance: &str) -> (EventSender, EventWriter) {
    let (sender, receiver) = mpsc::channel(WAITING);
    let writer = EventWriter {
        receiver,
        instance: instance.to_owned(),
    };
    (EventSender(sender), writer)
}

impl EventWriter {
    /// Writes events for ever; `observe` hears what becomes of each.
    pub(crate) async fn run(mut self, client: Client, observe: impl Fn(EventResult) + Send) {
        let mut aggregate = Aggregate::new(Instant::now());
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                verdict = self.receiver.recv() => {
                    let Some(verdict) = verdict else {
                        return;
                    };
                    if !aggregate.add(verdict, Instant::now()) {
                        observe(EventResult::Dropped);
                    }
                }
                _ = ticks.tick() => {
                    for _ in 0..aggregate.clean(Instant::now()) {
                        observe(EventResult::Dropped);
                    }
                }
            }
            // What came meanwhile is counted before the next write.
            while let Ok(verdict) = self.receiver.try_recv() {
                if !aggregate.add(verdict, Instant::now()) {
                    observe(EventResult::Dropped);
                }
            }
            while let Some(write) = aggregate.due(Instant::now()) {
                observe(self.write(&client, &mut aggregate, write).await);
            }
        }
    }

    async fn write(&self, client: &Client, aggregate: &mut Aggregate, write: Write) -> EventResult {
        let (verdict, written) = match write {
            Write::Create { verdict, count } => {
                let event = self.event(&verdict, count);
                let api: Api<Event> = Api::namespaced(client.clone(), &verdict.namespace);
                let created = bounded(api.create(&PostParams::default(), &event)).await;
                let name = created.map(|event| event.metadata.name.unwrap_or_default());
                (verdict, name)
            }
            Write::Count {
                verdict,
                name,
                count,
            } => {
                let api: Api<Event> = Api::namespaced(client.clone(), &verdict.namespace);
                let series = json!({"series": series(count)});
                let patch = Patch::Merge(&series);
                let patched = bounded(api.patch(&name, &PatchParams::default(), &patch)).await;
                (verdict, patched.map(|_| name))
            }
        };
        match written {
            Ok(name) => {
                aggregate.set_name(&verdict, &name);
                EventResult::Written
            }
            Err(error) => {
                tracing::debug!(
                    error,
                    namespace = verdict.namespace,
                    "failed to write an event"
                );
                aggregate.forget(&verdict);
                EventResult::Failed
            }
        }
    }

    fn event(&self, verdict: &DecisionEvent, count: i32) -> Event {
        let Regarding {
            api_version,
            kind,
            name,
            uid,
        } = verdict.regarding.clone();
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let nanoseconds = now.map_or(0, |now| now.as_nanos());
        Event {
            metadata: ObjectMeta {
                name: Some(format!("{}.{nanoseconds:x}", cut(&name, 220))),
                namespace: Some(verdict.namespace.clone()),
                ..ObjectMeta::default()
            },
            event_time: Some(MicroTime(Timestamp::now())),
            action: Some("Inject".to_owned()),
            reason: Some(verdict.verdict.to_string()),
            note: Some(verdict.note.clone()),
            type_: Some(type_of(verdict.verdict).to_owned()),
            reporting_controller: Some(CONTROLLER.to_owned()),
            reporting_instance: Some(cut(&self.instance, 128).to_owned()),
            series: (count > 1).then(|| series(count)),
            regarding: Some(ObjectReference {
                api_version: Some(api_version),
                kind: Some(kind),
                name: Some(name),
                namespace: Some(verdict.namespace.clone()),
                uid: (!uid.is_empty()).then_some(uid),
                ..ObjectReference::default()
            }),
            ..Event::default()
        }
    }
}

fn series(count: i32) -> EventSeries {
    EventSeries {
        count,
        last_observed_time: MicroTime(Timestamp::now()),
    }
}

/// The event's type: what needs somebody to act is a warning.
fn type_of(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Denied | Verdict::Skipped => "Warning",
        Verdict::Injected | Verdict::Shadowed | Verdict::Unchanged => "Normal",
    }
}

/// The answer, or why there is none, within bounds.
async fn bounded<T>(request: impl Future<Output = Result<T, kube::Error>>) -> Result<T, String> {
    match tokio::time::timeout(PATIENCE, request).await {
        Ok(answer) => answer.map_err(|error| super::reader::in_words(&error)),
        Err(_) => Err("the API server did not answer in time".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inject::Reason;

    #[test]
    fn an_event_says_what_the_log_says() {
        let regarding = Regarding {
            api_version: "apps/v1".to_owned(),
            kind: "ReplicaSet".to_owned(),
            name: "web".to_owned(),
            uid: "u1".to_owned(),
        };
        let mut decision = Decision::plain(Reason::ParameterInvalid, "port: `secret` is no number");
        decision.logged = "port: expected a number".to_owned();
        let verdict = DecisionEvent::new("shop", regarding, &decision);
        assert_eq!(verdict.note, "ParameterInvalid: port: expected a number");
        let (_, writer) = events("pillion-1");
        let event = writer.event(&verdict, 3);
        assert_eq!(event.reason.as_deref(), Some("Denied"));
        assert_eq!(event.type_.as_deref(), Some("Warning"));
        assert_eq!(event.series.unwrap().count, 3);
        let regarding = event.regarding.unwrap();
        assert_eq!(regarding.namespace.as_deref(), Some("shop"));
        assert_eq!(regarding.uid.as_deref(), Some("u1"));
    }

    #[test]
    fn notes_are_cut_between_characters() {
        assert_eq!(cut("äöü", 3), "ä");
        assert_eq!(cut("abc", 5), "abc");
    }

    #[test]
    fn sending_never_waits() {
        let (sender, _writer) = events("pillion-1");
        let verdict = DecisionEvent {
            namespace: String::new(),
            regarding: Regarding {
                api_version: String::new(),
                kind: String::new(),
                name: String::new(),
                uid: String::new(),
            },
            verdict: Verdict::Injected,
            note: String::new(),
        };
        let taken = (0..=WAITING)
            .filter(|_| sender.send(verdict.clone()))
            .count();
        assert_eq!(taken, WAITING);
    }
}
