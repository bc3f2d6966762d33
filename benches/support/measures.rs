//! What every bench writes: one file of measures, which the report merges, prints and compares.
//!
//! Times differ between machines and between two runs on one. So what counts of a measure is its
//! ratio to something that was measured beside it, in turns, in the same run.

#![allow(dead_code, reason = "each bench, and the report, uses its own part")]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Set, and not empty: every bench makes a short run that shows that it works. What it
/// writes is kept apart from real measures.
const QUICK: &str = "QUICK";

/// Which way a measure gets better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Better {
    /// A time, or a size.
    Less,
    /// A throughput.
    More,
}

/// One measure of a bench.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Measure {
    /// What was measured, and of what: `cpu per review/one template`. One of a kind in its bench.
    pub(crate) name: String,
    /// Of `value`; empty for a count.
    pub(crate) unit: String,
    /// The measure itself.
    pub(crate) value: f64,
    /// What was measured beside it in the same run.
    pub(crate) beside: Option<String>,
    /// `value` by the same measure of `beside`; the median of alternating rounds.
    pub(crate) ratio: Option<f64>,
    /// Which way it gets better.
    pub(crate) better: Better,
    /// What is to be reached: by the ratio where there is one, else by the value.
    pub(crate) goal: Option<f64>,
    /// Whether the ratio is steady enough to be compared between runs. Without a ratio nothing is.
    pub(crate) compared: bool,
}

impl Measure {
    /// A time or size that is measured by itself: it is shown, and never compared between runs.
    pub(crate) fn alone(name: impl Into<String>, unit: &str, value: f64) -> Self {
        Self {
            name: name.into(),
            unit: unit.to_owned(),
            value,
            beside: None,
            ratio: None,
            better: Better::Less,
            goal: None,
            compared: false,
        }
    }

    /// A time or size with its ratio to what was measured beside it.
    pub(crate) fn beside(
        name: impl Into<String>,
        unit: &str,
        value: f64,
        (other, ratio): (&str, f64),
    ) -> Self {
        Self {
            beside: Some(other.to_owned()),
            ratio: Some(ratio),
            compared: true,
            ..Self::alone(name, unit, value)
        }
    }

    /// A measure that is better when it is more.
    pub(crate) fn more_is_better(self) -> Self {
        Self {
            better: Better::More,
            ..self
        }
    }

    /// What is to be reached.
    pub(crate) fn goal(self, goal: f64) -> Self {
        Self {
            goal: Some(goal),
            ..self
        }
    }

    /// A measure whose ratio differs too much between runs to be compared.
    pub(crate) fn not_compared(self) -> Self {
        Self {
            compared: false,
            ..self
        }
    }

    /// What the goal is about, and what is compared: the ratio where there is one.
    pub(crate) fn decisive(&self) -> f64 {
        self.ratio.unwrap_or(self.value)
    }

    /// Whether the goal is met, if there is one.
    pub(crate) fn is_met(&self) -> Option<bool> {
        self.goal.map(|goal| match self.better {
            Better::Less => self.decisive() <= goal,
            Better::More => self.decisive() >= goal,
        })
    }
}

/// One line of a plot. A plot is all curves of its name; the first says what its axes are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Curve {
    /// The plot's name, and its file's: `server-latency`.
    pub(crate) plot: String,
    /// What the horizontal axis shows, with its unit.
    pub(crate) x: String,
    /// What the vertical axis shows, with its unit.
    pub(crate) y: String,
    /// What this line is of.
    pub(crate) line: String,
    /// The points, from left to right.
    pub(crate) points: Vec<(f64, f64)>,
}

/// What one bench measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Measures {
    /// The bench.
    pub(crate) bench: String,
    /// Its measures, in the order in which they are shown.
    pub(crate) measures: Vec<Measure>,
    /// Its lines of plots.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) curves: Vec<Curve>,
}

impl Measures {
    /// No measures yet.
    pub(crate) fn new(bench: &str) -> Self {
        Self {
            bench: bench.to_owned(),
            measures: Vec::new(),
            curves: Vec::new(),
        }
    }

    /// Takes a measure. A figure that is no number is a mistake of the bench, and ends it.
    pub(crate) fn add(&mut self, measure: Measure) {
        let figures = [Some(measure.value), measure.ratio, measure.goal];
        let are_numbers = figures.iter().flatten().all(|figure| figure.is_finite());
        assert!(are_numbers, "not a number in {measure:?}");
        let is_new = self.measures.iter().all(|known| known.name != measure.name);
        assert!(is_new, "measured twice: {}", measure.name);
        self.measures.push(measure);
    }

    /// Takes a line of a plot.
    pub(crate) fn draw(&mut self, curve: Curve) {
        self.curves.push(curve);
    }

    /// Writes the file of this bench and says where it is.
    pub(crate) fn write(&self) -> io::Result<()> {
        let folder = folder();
        fs::create_dir_all(&folder)?;
        let path = folder.join(format!("{}.json", self.bench));
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        fs::write(&path, text)?;
        println!("\nmeasures: {}", path.display());
        Ok(())
    }
}

/// Whether this is a short run that only shows that everything works.
pub(crate) fn is_quick() -> bool {
    let is_set = std::env::var_os(QUICK).is_some_and(|value| !value.is_empty());
    is_set || std::env::args().any(|argument| argument == "--quick")
}

/// Where the benches write: `bench` in cargo's target folder, short runs into a folder below it.
pub(crate) fn folder() -> PathBuf {
    // Cargo names this folder to benches when they are built; it is directly in the target folder.
    let tests = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = tests.with_file_name("bench");
    if is_quick() {
        return folder.join("quick");
    }
    folder
}

/// The middle one of the figures; of an even number the upper one of the two in the middle.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
