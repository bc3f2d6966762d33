//! Many verdicts, few events.
//!
//! A Deployment of a thousand replicas has a thousand verdicts that say the same. The first is
//! written at once; those that follow are counted and added to it, at most once in [`EVERY`]. All
//! writes together are bounded by a budget, and so is what is remembered. Namespaces take turns, and
//! each has a bound of its own, so that none keeps the others from their events. Time is an argument,
//! so that tests need not wait.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::DecisionEvent;

/// How often one event's count is written.
const EVERY: Duration = Duration::from_secs(10);

/// After so long without the same, an event is over, and the next one is new; client-go's figure.
const OVER: Duration = Duration::from_mins(6);

/// How many different events are remembered; beyond that new ones are dropped.
const MOST: usize = 2048;

/// How many of these may be of one namespace.
const MOST_OF_ONE: usize = 256;

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
    first: Instant,
    last: Instant,
}

impl PendingEvent {
    fn is_due(&self, now: Instant) -> bool {
        let waited = self.written_at.map(|at| now.saturating_duration_since(at));
        self.count > self.written && waited.is_none_or(|waited| waited >= EVERY)
    }
}

/// Events of one namespace.
#[derive(Debug)]
struct Share {
    pending: BTreeMap<DecisionEvent, PendingEvent>,
    /// Which of all writes was its last, or the last of all when its first event came.
    turn: u64,
}

impl Share {
    /// Forgets the event that was not seen for longest, of those of which all is written; `false` where
    /// there is none.
    fn make_room(&mut self) -> bool {
        let written = self.pending.iter().filter(|(_, it)| it.count == it.written);
        let oldest = written.min_by_key(|(_, it)| it.last);
        let oldest = oldest.map(|(verdict, _)| verdict.clone());
        oldest.is_some_and(|oldest| self.pending.remove(&oldest).is_some())
    }

    /// The event that is to be written next: new ones first, as a count can wait, and of these the
    /// oldest.
    fn next(&mut self, now: Instant) -> Option<(&DecisionEvent, &mut PendingEvent)> {
        let due = self.pending.iter_mut().filter(|(_, it)| it.is_due(now));
        due.min_by_key(|(_, it)| (it.written_at, it.first))
    }
}

/// Events of the last minutes, by namespace.
#[derive(Debug)]
pub(super) struct Aggregate {
    shares: BTreeMap<String, Share>,
    turns: u64,
    budget: f64,
    refilled: Instant,
}

impl Aggregate {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            shares: BTreeMap::new(),
            turns: 0,
            budget: BURST,
            refilled: now,
        }
    }

    /// Counts a verdict; `false` where too many different ones are pending.
    pub(super) fn add(&mut self, verdict: DecisionEvent, now: Instant) -> bool {
        let namespace = verdict.namespace.clone();
        let share = self.shares.get_mut(&namespace);
        let known = share.and_then(|share| share.pending.get_mut(&verdict));
        if let Some(pending) = known {
            pending.count = pending.count.saturating_add(1);
            pending.last = now;
            return true;
        }
        if !self.has_room(&namespace) {
            return false;
        }
        let pending = PendingEvent {
            name: None,
            count: 1,
            written: 0,
            written_at: None,
            first: now,
            last: now,
        };
        let turn = self.turns;
        let share = self.shares.entry(namespace).or_insert_with(|| Share {
            pending: BTreeMap::new(),
            turn,
        });
        share.pending.insert(verdict, pending);
        true
    }

    /// Makes room for an event of this namespace: among its own where it has as many as it may, and
    /// otherwise among those of a namespace that has more.
    fn has_room(&mut self, namespace: &str) -> bool {
        let of = |share: &Share| share.pending.len();
        let all: usize = self.shares.values().map(of).sum();
        let own = self.shares.get(namespace).map_or(0, of);
        if own >= MOST_OF_ONE {
            self.shares.get_mut(namespace).is_some_and(Share::make_room)
        } else {
            let mut shares = self.shares.values_mut();
            all < MOST || shares.any(|share| of(share) > own && share.make_room())
        }
    }

    /// The next write that is due, if the budget has room for it. It counts as done. It is of the
    /// namespace for which nothing was written for longest.
    pub(super) fn due(&mut self, now: Instant) -> Option<Write> {
        let passed = now.saturating_duration_since(self.refilled).as_secs_f64();
        self.budget = (self.budget + passed * RATE).min(BURST);
        self.refilled = now;
        if self.budget < 1.0 {
            return None;
        }
        let shares = self.shares.values_mut();
        let due = shares.filter(|share| share.pending.values().any(|it| it.is_due(now)));
        let share = due.min_by_key(|share| {
            let waiting = share.pending.values().filter(|it| it.is_due(now));
            (share.turn, waiting.map(|it| it.first).min())
        })?;
        self.turns += 1;
        share.turn = self.turns;
        self.budget -= 1.0;
        let (verdict, pending) = share.next(now)?;
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
        let share = self.shares.get_mut(&verdict.namespace);
        if let Some(pending) = share.and_then(|share| share.pending.get_mut(verdict)) {
            pending.name = Some(name.to_owned());
        }
    }

    /// An event could not be written, or is gone; the next of its kind is new.
    pub(super) fn forget(&mut self, verdict: &DecisionEvent) {
        if let Some(share) = self.shares.get_mut(&verdict.namespace) {
            share.pending.remove(verdict);
        }
    }

    /// Forgets what is over. Returns how many of that were never written.
    pub(super) fn clean(&mut self, now: Instant) -> usize {
        let is_over = |pending: &PendingEvent| now.saturating_duration_since(pending.last) >= OVER;
        let mut unwritten = 0;
        for share in self.shares.values_mut() {
            let over = share.pending.values().filter(|pending| is_over(pending));
            unwritten += over.filter(|pending| pending.written == 0).count();
            share.pending.retain(|_, pending| !is_over(pending));
        }
        self.shares.retain(|_, share| !share.pending.is_empty());
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

    fn of(namespace: usize, name: usize) -> DecisionEvent {
        DecisionEvent {
            namespace: format!("n{namespace:03}"),
            ..verdict(&format!("{name:03}"))
        }
    }

    #[test]
    fn writes_and_memory_are_bounded() {
        let start = Instant::now();
        let mut aggregate = Aggregate::new(start);
        let namespaces = MOST / MOST_OF_ONE;
        for number in 0..MOST {
            assert!(aggregate.add(of(number % namespaces, number), start));
        }
        assert!(!aggregate.add(of(0, MOST), start), "of its own");
        assert!(!aggregate.add(of(namespaces, 0), start), "of all");
        let written = std::iter::from_fn(|| aggregate.due(start)).count();
        assert_eq!(written, 25);
        assert!(aggregate.add(of(namespaces, 0), start), "it is remembered");
        let later = start + Duration::from_secs(2);
        let written = std::iter::from_fn(|| aggregate.due(later)).count();
        assert_eq!(written, 10);
    }

    #[test]
    fn one_namespace_keeps_no_other_from_its_events() {
        let start = Instant::now();
        let mut aggregate = Aggregate::new(start);
        let taken = (0..MOST).filter(|number| aggregate.add(of(0, *number), start));
        assert_eq!(taken.count(), MOST_OF_ONE);
        assert!(aggregate.add(of(1, 0), start));
        assert!(aggregate.add(of(2, 0), start));
        let mut namespaces = Vec::new();
        for _ in 0..4 {
            if let Some(Write::Create { verdict, .. }) = aggregate.due(start) {
                namespaces.push(verdict.namespace);
            }
        }
        assert_eq!(namespaces, ["n000", "n001", "n002", "n000"]);
        // Events that fail are new again each time, and still it is the others' turn.
        let later = start + EVERY;
        assert!(aggregate.add(of(1, 0), later));
        aggregate.forget(&of(0, 0));
        assert!(aggregate.add(of(0, 0), later));
        let Some(Write::Create { verdict, .. }) = aggregate.due(later) else {
            panic!("it has no name yet");
        };
        assert_eq!(verdict, of(1, 0));
    }

    #[test]
    fn a_namespace_forgets_what_is_written_for_what_is_new() {
        let start = Instant::now();
        let mut aggregate = Aggregate::new(start);
        for number in 0..MOST_OF_ONE {
            assert!(aggregate.add(of(0, number), start));
        }
        assert!(aggregate.due(start).is_some());
        assert!(aggregate.add(of(0, MOST), start));
        assert!(!aggregate.add(of(0, MOST + 1), start));
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
