//! What the engine is to reach, and its measures in the form that all benches share.

use std::hint::black_box;

use super::cases::Case;
use super::measures::{Measure, Measures, median};
use super::{rounds, timed};

/// Cases whose time is at most so many times the scan's.
const SCANS: [(&str, f64); 8] = [
    ("one template", 4.0),
    ("log-shipper", 6.0),
    ("untouched", 1.3),
    ("second call", 6.0),
    ("three templates", 12.0),
    ("ten templates", 25.0),
    ("1500 variables", 1.6),
    ("replica", 2.5),
];

/// Cases whose time is at most this share of the naive injector's.
const NAIVE: [(&str, f64); 4] = [
    ("one template", 1.0 / 5.0),
    ("replica", 1.0 / 5.0),
    ("1500 variables", 1.0 / 20.0),
    ("replica, 1500 variables", 1.0 / 20.0),
];

/// How much longer 1 MiB may take than 4 KB: about as much longer as it is.
const MEBIBYTE: f64 = 250.0;

/// How much longer a review may take where 10 000 templates are not asked for, than where ten are.
const CATALOG: f64 = 1.1;

/// Adds the measures of one case: seconds of the scan, the engine and the naive injector, which is
/// not measured where nothing is injected.
pub(crate) fn add(measures: &mut Measures, case: &str, [scan, engine, naive]: [f64; 3]) {
    let mut add = |other: &str, time: f64, goals: &[(&str, f64)]| {
        let name = format!("{case}, beside {other}");
        let measure = Measure::beside(name, "µs", engine * 1e6, (other, engine / time));
        let goal = goals.iter().find(|(known, _)| *known == case);
        measures.add(match goal {
            Some((_, goal)) => measure.goal(*goal),
            None => measure,
        });
    };
    add("scan", scan, &SCANS);
    if naive.is_finite() {
        add("naive", naive, &NAIVE);
    }
}

/// Adds how the time grows with the pod and with the catalog.
pub(crate) fn compare_cases(cases: &[Case], measures: &mut Measures) {
    let find = |name: &str| cases.iter().find(|case| case.name == name).unwrap();
    let one = find("one template");
    let longest = MEBIBYTE * 4096.0 / one.bytes.len() as f64;
    let pairs = [
        ("growth with the pod", find("1 MiB"), one, longest),
        (
            "growth with the catalog",
            find("catalog of 10000"),
            find("catalog of 10"),
            CATALOG,
        ),
    ];
    for (name, large, small, goal) in pairs {
        let (time, ratio) = in_turns(large, small);
        let beside = (small.name, ratio);
        println!("{name}: {} takes {ratio:.2} × {}", large.name, small.name);
        measures.add(Measure::beside(name, "µs", time * 1e6, beside).goal(goal));
    }
}

/// The median time of the engine on one case, and that of its ratios to the other case's.
fn in_turns(large: &Case, small: &Case) -> (f64, f64) {
    let repeat = |case: &Case| 1 + 100_000 / case.bytes.len();
    let time = |case: &Case| {
        timed(repeat(case), || {
            drop(black_box(case.answer(black_box(&case.bytes))));
        })
    };
    let (times, ratios) = (0..rounds())
        .map(|_| {
            let (large, small) = (time(large), time(small));
            (large, large / small)
        })
        .unzip();
    (median(times), median(ratios))
}
