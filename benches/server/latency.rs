//! Times of answers, kept as they are, so that percentiles are exact.

use std::time::Duration;

/// Times of answers.
#[derive(Debug, Default)]
pub(crate) struct Latency {
    nanoseconds: Vec<u32>,
}

impl Latency {
    /// Takes one; above four seconds they count as four.
    pub(crate) fn add(&mut self, time: Duration) {
        let nanoseconds = u32::try_from(time.as_nanos()).unwrap_or(u32::MAX);
        self.nanoseconds.push(nanoseconds);
    }

    /// Takes those of another list.
    pub(crate) fn extend(&mut self, other: Self) {
        self.nanoseconds.extend(other.nanoseconds);
    }

    /// The times, in milliseconds, that these shares of the answers do not exceed.
    pub(crate) fn percentiles<const N: usize>(&mut self, shares: [f64; N]) -> [f64; N] {
        self.nanoseconds.sort_unstable();
        let count = self.nanoseconds.len();
        shares.map(|share| {
            let rank = (share * count as f64).ceil() as usize;
            let place = rank.clamp(1, count.max(1)) - 1;
            let time = self.nanoseconds.get(place).copied();
            time.map_or(f64::NAN, |time| f64::from(time) / 1e6)
        })
    }
}
