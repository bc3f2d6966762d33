//! Many verdicts, few events.
//!
//! A Deployment of a thousand replicas has a thousand verdicts that say the same. The first is
//! written at once; those that follow are counted and added to it, at most once in [`EVERY`]. All
//! writes together are bounded by a budget, and so is what is remembered. Time is an argument, so
//! that tests need not wait.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::DecisionEvent;

/// How often one event's count is written.
const EVERY: Duration = Duration::from_secs(10);

/// After so long without the same, an event is over, and the next one is new; client-go's figure.
const OVER: Duration = Duration::from_mins(6);

/// How many different events are remembered; beyond that new ones are dropped.
const MOST: usize = 2048;

/// How many writes may come at once, and how many a second in the long run.
const BURST: f64 = 25.0;
const RATE: f64 = 5.0;

/// What is to be written to the API server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Write {
    /// A new event; `count` where it was seen more than once already.
    Create { verdict: DecisionEvent, count: i32 },
    /// The event of this name was seen so often.
    Count {
        verdict: DecisionEvent,
        name: String,
        count: i32,
    },
}

/// What is remembered of an event.
#[derive(Debug)]
struct PendingEvent {
    /// Its name, once it is written.
    name: Option<String>,
    count: i32,
    /// How much of the count is written.
    written: i32,
    written_at: Option<Instant>,
    last: Instant,
}

/// Events of the last minutes.
#[derive(Debug)]
pub(super) struct Aggregate {
    pending: BTreeMap<DecisionEvent, PendingEvent>,
    budget: f64,
    refilled: Instant,
}

impl Aggregate {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            pending: BTreeMap::new(),
            budget: BURST,
            refilled: now,
        }
    }

    /// Counts a verdict; `false` where too many different ones are pending.
    pub(super) fn add(&mut self, verdict: DecisionEvent, now: Instant) -> bool {
        if let Some(pending) = self.pending.get_mut(&verdict) {
            pending.count = pending.count.saturating_add(1);
            pending.last = now;
            return true;
        }
        if self.pending.len() >= MOST {
            return false;
        }
        let pending = PendingEvent {
            name: None,
            count: 1,
            written: 0,
            written_at: None,
            last: now,
        };
        self.pending.insert(verdict, pending);
        true
    }

    /// The next write that is due, if the budget has room for it. It counts as done.
    pub(super) fn due(&mut self, now: Instant) -> Option<Write> {
        let passed = now.saturating_duration_since(self.refilled).as_secs_f64();
        self.budget = (self.budget + passed * RATE).min(BURST);
        self.refilled = now;
        if self.budget < 1.0 {
            return None;
        }
        // New ones first: a count can wait.
        let (verdict, pending) = self
            .pending
            .iter_mut()
            .filter(|(_, pending)| {
                let waited = pending
                    .written_at
                    .map(|at| now.saturating_duration_since(at));
                pending.count > pending.written && waited.is_none_or(|waited| waited >= EVERY)
            })
            .min_by_key(|(_, pending)| pending.written_at)?;
        self.budget -= 1.0;
        pending.written = pending.count;
        pending.written_at = Some(now);
        let (verdict, count) = (verdict.clone(), pending.count);
        Some(match pending.name.clone() {
            Some(name) => Write::Count {
                verdict,
                name,
                count,
            },
            None => Write::Create { verdict, count },
        })
    }

    /// An event was written under this name.
    pub(super) fn set_name(&mut self, verdict: &DecisionEvent, name: &str) {
        if let Some(pending) = self.pending.get_mut(verdict) {
            pending.name = Some(name.to_owned());
        }
    }

    /// An event could not be written, or is gone; the next of its kind is new.
    pub(super) fn forget(&mut self, verdict: &DecisionEvent) {
        self.pending.remove(verdict);
    }

    /// Forgets what is over. Returns how many of that were never written.
    pub(super) fn clean(&mut self, now: Instant) -> usize {
        let is_over = |pending: &PendingEvent| now.saturating_duration_since(pending.last) >= OVER;
        let over = self.pending.values().filter(|pending| is_over(pending));
        let unwritten = over.filter(|pending| pending.written == 0).count();
        self.pending.retain(|_, pending| !is_over(pending));
        unwritten
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inject::{Regarding, Verdict};

    fn verdict(name: &str) -> DecisionEvent {
        DecisionEvent {
            namespace: "shop".to_owned(),
            regarding: Regarding {
                api_version: "apps/v1".to_owned(),
                kind: "ReplicaSet".to_owned(),
                name: name.to_owned(),
                uid: "u".to_owned(),
            },
            verdict: Verdict::Injected,
            note: "Applied: log-shipper".to_owned(),
        }
    }

    #[test]
    fn the_first_is_written_at_once_and_the_rest_is_counted() {
        let start = Instant::now();
        let mut aggregate = Aggregate::new(start);
        let create = |count| Write::Create {
            verdict: verdict("web"),
            count,
        };
        assert!(aggregate.add(verdict("web"), start));
        assert_eq!(aggregate.due(start), Some(create(1)));
        aggregate.set_name(&verdict("web"), "web.1");
        assert_eq!(aggregate.due(start), None);
        for _ in 0..999 {
            assert!(aggregate.add(verdict("web"), start));
        }
        assert_eq!(aggregate.due(start + EVERY / 2), None);
        let counted = Write::Count {
            verdict: verdict("web"),
            name: "web.1".to_owned(),
            count: 1000,
        };
        assert_eq!(aggregate.due(start + EVERY), Some(counted));
        assert_eq!(aggregate.due(start + EVERY * 3), None);
        assert_eq!(aggregate.clean(start + OVER), 0);
        assert!(aggregate.add(verdict("web"), start + OVER));
        assert_eq!(aggregate.due(start + OVER), Some(create(1)));
    }

    #[test]
    fn writes_and_memory_are_bounded() {
        let start = Instant::now();
        let mut aggregate = Aggregate::new(start);
        for number in 0..MOST {
            assert!(aggregate.add(verdict(&number.to_string()), start));
        }
        assert!(!aggregate.add(verdict("one more"), start));
        let written = std::iter::from_fn(|| aggregate.due(start)).count();
        assert_eq!(written, 25);
        let later = start + Duration::from_secs(2);
        let written = std::iter::from_fn(|| aggregate.due(later)).count();
        assert_eq!(written, 10);
    }

    #[test]
    fn what_is_gone_is_written_anew() {
        let start = Instant::now();
        let mut aggregate = Aggregate::new(start);
        assert!(aggregate.add(verdict("web"), start));
        assert!(aggregate.due(start).is_some());
        aggregate.forget(&verdict("web"));
        assert!(aggregate.add(verdict("web"), start));
        assert!(matches!(aggregate.due(start), Some(Write::Create { .. })));
    }
}
