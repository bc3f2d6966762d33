//! Rounds in turns, and what they say together.
//!
//! The machine is never quiet for as long as all rounds take. So a round counts by its ratio to the
//! rounds of the reference right before and behind it, and of such ratios the median counts.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::measures::median;
use crate::scenario::{Group, Scenario};

/// So many scenarios stand between two rounds of their reference.
const BETWEEN: usize = 3;

/// One round of one scenario.
#[derive(Debug, Clone)]
pub(crate) struct Round {
    /// Its place among the scenarios.
    pub(crate) scenario: usize,
    /// Pods created.
    pub(crate) creations: u64,
    /// How long it took.
    pub(crate) elapsed: Duration,
    /// Processor time of the API server, in which no garbage was collected.
    pub(crate) api_server: Duration,
    /// Processor time of collecting what was allocated.
    pub(crate) collecting: Duration,
    /// Processor time of etcd.
    pub(crate) etcd: Duration,
}

/// A figure of a round.
pub(crate) type Figure = fn(&Round) -> f64;

impl Round {
    /// Pods created in a second.
    pub(crate) fn rate(&self) -> f64 {
        count(self.creations) / self.elapsed.as_secs_f64()
    }

    /// Processor time of the API server for each pod, in microseconds.
    pub(crate) fn cost(&self) -> f64 {
        (self.api_server + self.collecting).as_secs_f64() * 1e6 / count(self.creations)
    }

    /// The part of it that collects garbage.
    pub(crate) fn collecting_cost(&self) -> f64 {
        self.collecting.as_secs_f64() * 1e6 / count(self.creations)
    }

    /// Processor time of etcd for each pod, in microseconds.
    pub(crate) fn etcd_cost(&self) -> f64 {
        self.etcd.as_secs_f64() * 1e6 / count(self.creations)
    }
}

/// A count as a figure to divide by.
pub(crate) fn count(creations: u64) -> f64 {
    u32::try_from(creations).map_or(f64::INFINITY, f64::from)
}

/// The order of one lap: each group with its reference in between and at both ends.
pub(crate) fn lap(scenarios: &[Scenario]) -> Vec<usize> {
    let mut order = Vec::new();
    for group in [Group::Way, Group::Shape, Group::Stored] {
        let of_group: Vec<usize> = places(scenarios, |one| one.group == group);
        let reference = of_group
            .iter()
            .copied()
            .filter(|&place| scenarios.get(place).is_some_and(Scenario::is_reference));
        let reference: Vec<usize> = reference.collect();
        let others: Vec<usize> = of_group
            .into_iter()
            .filter(|place| !reference.contains(place))
            .collect();
        for some in others.chunks(BETWEEN) {
            order.extend(&reference);
            order.extend(some);
        }
        order.extend(&reference);
    }
    order
}

fn places(scenarios: &[Scenario], wanted: impl Fn(&Scenario) -> bool) -> Vec<usize> {
    let numbered = scenarios.iter().enumerate();
    let found = numbered.filter(|(_, scenario)| wanted(scenario));
    found.map(|(place, _)| place).collect()
}

/// All rounds, in the order in which they were.
#[derive(Debug, Default)]
pub(crate) struct Rounds(pub(crate) Vec<Round>);

/// Ratios of one scenario to another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ratio {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Rounds {
    /// The median of a figure over the rounds of a scenario.
    pub(crate) fn median(&self, scenario: usize, figure: Figure) -> f64 {
        let of_scenario = self.0.iter().filter(|round| round.scenario == scenario);
        median(of_scenario.map(figure).collect())
    }

    /// A figure of a scenario by the same figure of a reference nearby.
    pub(crate) fn ratio(&self, scenario: usize, reference: usize, figure: Figure) -> Ratio {
        let references: BTreeMap<usize, f64> = self.figures_of(reference, figure).collect();
        let ratios: Vec<f64> = self
            .figures_of(scenario, figure)
            .map(|(place, value)| {
                let before = references.range(..=place).next_back();
                let behind = references.range(place..).next();
                let nearby: Vec<f64> = before.into_iter().chain(behind).map(|(_, v)| *v).collect();
                value * f64::from(u32::try_from(nearby.len()).unwrap_or(u32::MAX))
                    / nearby.iter().sum::<f64>()
            })
            .collect();
        Ratio {
            least: ratios.iter().copied().fold(f64::INFINITY, f64::min),
            most: ratios.iter().copied().fold(0.0, f64::max),
            median: median(ratios),
        }
    }

    fn figures_of(
        &self,
        scenario: usize,
        figure: Figure,
    ) -> impl Iterator<Item = (usize, f64)> + '_ {
        let numbered = self.0.iter().enumerate();
        let of_scenario = numbered.filter(move |(_, round)| round.scenario == scenario);
        of_scenario.map(move |(place, round)| (place, figure(round)))
    }
}
