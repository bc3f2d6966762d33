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
/// See [`BURST`].
const RATE: f64 = 5.0;

/// What is to be written to the API server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Write {
    /// A new event; `count` where it was seen more than once already.
    Create {
        /// What it tells.
        told: DecisionEvent,
        /// How often.
        count: i32,
    },
    /// The event of this name was seen so often.
    Count {
        /// What it tells.
        told: DecisionEvent,
        /// Its name.
        name: String,
        /// How often.
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
    kept: BTreeMap<DecisionEvent, PendingEvent>,
    budget: f64,
    refilled: Instant,
}

impl Aggregate {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            kept: BTreeMap::new(),
            budget: BURST,
            refilled: now,
        }
    }

    /// Takes a verdict; `false` where there is no room for another one.
    pub(super) fn take(&mut self, told: DecisionEvent, now: Instant) -> bool {
        if let Some(kept) = self.kept.get_mut(&told) {
            kept.count = kept.count.saturating_add(1);
            kept.last = now;
            return true;
        }
        if self.kept.len() >= MOST {
            return false;
        }
        let kept = PendingEvent {
            name: None,
            count: 1,
            written: 0,
            written_at: None,
            last: now,
        };
        self.kept.insert(told, kept);
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
        let is_due = |kept: &PendingEvent| {
            let waited = kept.written_at.map(|at| now.saturating_duration_since(at));
            kept.count > kept.written && waited.is_none_or(|waited| waited >= EVERY)
        };
        // New ones first: a count can wait.
        let (told, kept) = self
            .kept
            .iter_mut()
            .filter(|(_, kept)| is_due(kept))
            .min_by_key(|(_, kept)| kept.written_at)?;
        self.budget -= 1.0;
        kept.written = kept.count;
        kept.written_at = Some(now);
        let (told, count) = (told.clone(), kept.count);
        Some(match kept.name.clone() {
            Some(name) => Write::Count { told, name, count },
            None => Write::Create { told, count },
        })
    }

    /// An event was written under this name.
    pub(super) fn named(&mut self, told: &DecisionEvent, name: &str) {
        if let Some(kept) = self.kept.get_mut(told) {
            kept.name = Some(name.to_owned());
        }
    }

    /// An event could not be written, or is gone; the next of its kind is new.
    pub(super) fn forget(&mut self, told: &DecisionEvent) {
        self.kept.remove(told);
    }

    /// Forgets what is over. Returns how many of that were never written.
    pub(super) fn clean(&mut self, now: Instant) -> usize {
        let is_over = |kept: &PendingEvent| now.saturating_duration_since(kept.last) >= OVER;
        let over = self.kept.values().filter(|kept| is_over(kept));
        let unwritten = over.filter(|kept| kept.written == 0).count();
        self.kept.retain(|_, kept| !is_over(kept));
        unwritten
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inject::{Regarding, Verdict};

    fn told(name: &str) -> DecisionEvent {
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
            told: told("web"),
            count,
        };
        assert!(aggregate.take(told("web"), start));
        assert_eq!(aggregate.due(start), Some(create(1)));
        aggregate.named(&told("web"), "web.1");
        assert_eq!(aggregate.due(start), None);
        for _ in 0..999 {
            assert!(aggregate.take(told("web"), start));
        }
        assert_eq!(aggregate.due(start + EVERY / 2), None);
        let counted = Write::Count {
            told: told("web"),
            name: "web.1".to_owned(),
            count: 1000,
        };
        assert_eq!(aggregate.due(start + EVERY), Some(counted));
        assert_eq!(aggregate.due(start + EVERY * 3), None);
        assert_eq!(aggregate.clean(start + OVER), 0);
        assert!(aggregate.take(told("web"), start + OVER));
        assert_eq!(aggregate.due(start + OVER), Some(create(1)));
    }

    #[test]
    fn writes_and_memory_are_bounded() {
        let start = Instant::now();
        let mut aggregate = Aggregate::new(start);
        for number in 0..MOST {
            assert!(aggregate.take(told(&number.to_string()), start));
        }
        assert!(!aggregate.take(told("one more"), start));
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
        assert!(aggregate.take(told("web"), start));
        assert!(aggregate.due(start).is_some());
        aggregate.forget(&told("web"));
        assert!(aggregate.take(told("web"), start));
        assert!(matches!(aggregate.due(start), Some(Write::Create { .. })));
    }
}
