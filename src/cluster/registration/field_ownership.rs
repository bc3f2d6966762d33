//! Backoff against another writer of `caBundle`.
//!
//! A chart upgrade or a `kubectl replace` takes the field away once, and it is written again at
//! once. Who does so without end would make both sides write for ever; then the pauses grow, and
//! the log names the other side.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How many times in [`MEMORY`] what was written is restored at once.
const AT_ONCE: usize = 4;

/// The first pause after that, doubled with each further time.
const FIRST: Duration = Duration::from_secs(5);

/// The longest pause: an API server without the bundle cannot call us, so it is not longer.
const LONGEST: Duration = Duration::from_mins(2);

/// What lies further back is forgotten.
const MEMORY: Duration = Duration::from_mins(15);

/// How often one bundle had to be written.
#[derive(Debug, Default)]
pub(super) struct RewriteBackoff {
    bundle: Vec<u8>,
    written: VecDeque<Instant>,
    is_reported: bool,
}

impl RewriteBackoff {
    /// How long to wait before this bundle is written again.
    pub(super) fn pause(&mut self, bundle: &[u8], now: Instant) -> Duration {
        if self.bundle != bundle {
            // Our own change is no backoff.
            *self = Self {
                bundle: bundle.to_vec(),
                ..Self::default()
            };
        }
        let old = self
            .written
            .iter()
            .take_while(|at| now.saturating_duration_since(**at) > MEMORY)
            .count();
        self.written.drain(..old);
        let Some(doublings) = self.written.len().checked_sub(AT_ONCE) else {
            self.is_reported = false;
            return Duration::ZERO;
        };
        let doublings = u32::try_from(doublings).unwrap_or(u32::MAX).min(16);
        let pause = FIRST.saturating_mul(1 << doublings).min(LONGEST);
        let since = self
            .written
            .back()
            .map(|at| now.saturating_duration_since(*at));
        pause.saturating_sub(since.unwrap_or_default())
    }

    /// The bundle was written.
    pub(super) fn wrote(&mut self, now: Instant) {
        self.written.push_back(now);
    }

    /// Whether to log the other writer: once for each dispute.
    pub(super) fn is_to_report(&mut self) -> bool {
        !std::mem::replace(&mut self.is_reported, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_away_comes_back_at_once_a_few_times_then_slower_and_slower() {
        let (mut backoff, mut now) = (RewriteBackoff::default(), Instant::now());
        let mut pauses = Vec::new();
        for _ in 0..10 {
            let pause = backoff.pause(b"A", now);
            pauses.push(pause.as_secs());
            now += pause;
            assert_eq!(backoff.pause(b"A", now), Duration::ZERO);
            backoff.wrote(now);
        }
        assert_eq!(pauses, [0, 0, 0, 0, 5, 10, 20, 40, 80, 120]);
        assert!(backoff.is_to_report());
        assert!(!backoff.is_to_report(), "once");

        now += MEMORY + Duration::from_secs(1);
        assert_eq!(backoff.pause(b"A", now), Duration::ZERO, "forgotten");
        assert!(backoff.is_to_report(), "a new dispute is reported anew");
    }

    #[test]
    fn a_new_bundle_is_no_dispute() {
        let (mut backoff, now) = (RewriteBackoff::default(), Instant::now());
        for _ in 0..6 {
            backoff.pause(b"A", now);
            backoff.wrote(now);
        }
        assert!(backoff.pause(b"A", now) > Duration::ZERO);
        assert_eq!(backoff.pause(b"B", now), Duration::ZERO);
    }
}
