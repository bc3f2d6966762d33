//! How much of everything: the whole run, and a short one that only shows that everything works.

use std::time::Duration;

/// How much is measured.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Rounds, in each of which both servers have their turn.
    pub(crate) rounds: usize,
    /// How long a closed loop takes in a round.
    pub(crate) closed: Duration,
    /// Rates of the open loop, reviews a second, and how long each takes in a round.
    pub(crate) open: [(u32, Duration); 3],
    /// Rounds of the open loops.
    pub(crate) open_rounds: usize,
    /// How long a server is asked for twice what it can do.
    pub(crate) overload: Duration,
    /// Fresh connections in a round.
    pub(crate) fresh: usize,
    /// Cold starts.
    pub(crate) starts: usize,
    /// Starts with ten thousand templates.
    pub(crate) large_starts: usize,
    /// What stands for a million reviews.
    pub(crate) many: u64,
}

impl Plan {
    /// About six minutes.
    pub(crate) const WHOLE: Self = Self {
        rounds: 5,
        closed: Duration::from_secs(1),
        open: [
            (200, Duration::from_secs(8)),
            (1000, Duration::from_secs(3)),
            (5000, Duration::from_secs(2)),
        ],
        open_rounds: 3,
        overload: Duration::from_secs(5),
        fresh: 1000,
        starts: 20,
        large_starts: 3,
        many: 1_000_000,
    };

    /// Under half a minute.
    pub(crate) const QUICK: Self = Self {
        rounds: 1,
        closed: Duration::from_millis(250),
        open: [
            (200, Duration::from_millis(500)),
            (1000, Duration::from_millis(500)),
            (5000, Duration::from_millis(500)),
        ],
        open_rounds: 1,
        overload: Duration::from_millis(500),
        fresh: 40,
        starts: 3,
        large_starts: 1,
        many: 10_000,
    };
}
