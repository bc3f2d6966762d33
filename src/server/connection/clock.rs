//! When a connection has been silent for too long.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::super::peers::PeerShare;
use super::super::{HEAD_TIMEOUT, IDLE_TIMEOUT};

/// A connection's time without requests, kept by its service and asked by its stream.
#[derive(Debug)]
pub(super) struct Clock {
    opened: Instant,
    /// Requests being answered now.
    in_flight: AtomicUsize,
    /// Requests begun since the connection was opened.
    begun: AtomicU64,
    /// When the last request ended, in milliseconds after `opened`.
    ended: AtomicU64,
    /// The connection's place among the silent ones of its peer, until the first request.
    silent: Mutex<Option<PeerShare>>,
}

/// A request being answered. Dropping it, also when its client is gone, marks its end.
pub(super) struct InFlight(Arc<Clock>);

/// The head of a request that has begun to arrive.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    since: Instant,
    /// [`Clock::begun`] when it began to arrive: a higher count means that it has arrived.
    begun: u64,
}

impl Clock {
    pub(super) fn new(silent: Option<PeerShare>) -> Self {
        Self {
            opened: Instant::now(),
            in_flight: AtomicUsize::new(0),
            begun: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            silent: Mutex::new(silent),
        }
    }

    /// A request has arrived.
    pub(super) fn begin(clock: &Arc<Self>) -> InFlight {
        if clock.begun.fetch_add(1, Ordering::Relaxed) == 0 {
            let mut silent = clock.silent.lock().unwrap_or_else(PoisonError::into_inner);
            *silent = None;
        }
        clock.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(Arc::clone(clock))
    }

    /// Bytes have arrived: those of a head, unless a request is being answered.
    pub(super) fn arrived(&self, head: Option<Head>) -> Option<Head> {
        if self.in_flight.load(Ordering::Relaxed) > 0 {
            return None;
        }
        let begun = self.begun.load(Ordering::Relaxed);
        head.filter(|head| head.begun == begun).or_else(|| {
            Some(Head {
                since: Instant::now(),
                begun,
            })
        })
    }

    /// Whether the connection has been without a request for too long.
    pub(super) fn is_over(&self, head: Option<Head>) -> bool {
        self.is_over_at(Instant::now(), head)
    }

    fn is_over_at(&self, now: Instant, head: Option<Head>) -> bool {
        if self.in_flight.load(Ordering::Relaxed) > 0 {
            return false;
        }
        let begun = self.begun.load(Ordering::Relaxed);
        let slow = head
            .filter(|head| head.begun == begun)
            .is_some_and(|head| now.duration_since(head.since) >= HEAD_TIMEOUT);
        let ended = self.opened + Duration::from_millis(self.ended.load(Ordering::Relaxed));
        slow || now.duration_since(ended) >= IDLE_TIMEOUT
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let milliseconds = u64::try_from(self.0.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.ended.store(milliseconds, Ordering::Relaxed);
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn an_idle_connection_outlives_the_api_servers_idle_bound() {
        let clock = Arc::new(Clock::new(None));
        drop(Clock::begin(&clock));
        assert!(!clock.is_over_at(clock.opened + 90 * SECOND, None));
        assert!(clock.is_over_at(clock.opened + IDLE_TIMEOUT + SECOND, None));
    }

    #[test]
    fn a_head_must_arrive_soon_and_a_request_may_take_its_time() {
        let clock = Arc::new(Clock::new(None));
        let head = clock.arrived(None);
        let now = Instant::now();
        let late = now + HEAD_TIMEOUT;
        assert!(!clock.is_over_at(now + SECOND, head));
        let head = clock.arrived(head);
        assert!(clock.is_over_at(late, head), "further bytes win no time");
        let request = Clock::begin(&clock);
        assert!(!clock.is_over_at(late + IDLE_TIMEOUT, head));
        drop(request);
        assert!(!clock.is_over_at(late, head), "the head has arrived");
        let next = clock.arrived(head);
        assert!(clock.is_over_at(late + SECOND, next), "the next one counts");
    }
}
