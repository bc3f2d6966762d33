//! What one review costs the engine, beside what reading the same bytes costs at least, and beside
//! the injector that one writes first.
//!
//! A bare scan (`serde_json` over the bytes, keeping nothing) is the floor that no engine on this
//! library can be under, so that the ratio to it means the same on every machine. The pod of
//! `review.json` is one that the API server has defaulted, `managedFields` included.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a bench states what it expects"
)]

mod cases;
mod goals;
#[path = "../support/inputs.rs"]
mod inputs;
#[path = "../support/measures.rs"]
mod measures;
mod naive;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput};
use pillion::inject::{Answer, Verdict};
use serde::de::IgnoredAny;

use cases::{Case, cases};
use measures::{Measures, is_quick, median};

/// How often each of the measures is timed, in turns; in a short run seldom.
fn rounds() -> usize {
    if is_quick() { 5 } else { 201 }
}

/// Something that is done with a review.
type Measure = fn(&Case);

/// The measures of one review: what each is called, and what it does.
const MEASURES: [(&str, Measure); 3] = [
    ("scan", |case| scan(&case.bytes)),
    ("review", |case| {
        drop(black_box(case.answer(black_box(&case.bytes))));
    }),
    ("naive", |case| {
        drop(black_box(naive::review(black_box(&case.bytes))));
    }),
];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, repeat, measure, name, times, ..] = arguments.as_slice()
        && repeat == "repeat"
    {
        return run(&cases(Some(name)), measure, name, times.parse().unwrap());
    }
    let cases = cases(None);
    if std::env::var_os("CRITERION").is_some() {
        return run_criterion(&cases);
    }
    let mut measures = Measures::new("engine");
    print_table(&cases, &mut measures);
    goals::compare_cases(&cases, &mut measures);
    measures.write().unwrap();
}

/// The distribution of each case's times, which takes minutes.
fn run_criterion(cases: &[Case]) {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("engine");
    for case in cases {
        group.throughput(Throughput::Bytes(case.bytes.len() as u64));
        for (measure, run) in &MEASURES[..2] {
            let id = BenchmarkId::new(*measure, case.name);
            group.bench_function(id, |bencher| bencher.iter(|| run(case)));
        }
    }
    group.finish();
}

/// Runs one measure of one case so many times and nothing else, for tools that count instructions;
/// they can be told to look at this function alone.
#[inline(never)]
fn run(cases: &[Case], measure: &str, name: &str, times: usize) {
    let case = cases.iter().find(|case| case.name == name).unwrap();
    let (_, run) = MEASURES
        .iter()
        .find(|(known, _)| *known == measure)
        .unwrap();
    for _ in 0..times {
        run(case);
    }
}

fn scan(bytes: &[u8]) {
    let read: IgnoredAny = serde_json::from_slice(black_box(bytes)).unwrap();
    black_box(read);
}

/// Medians of rounds in turns: what disturbs the machine meanwhile disturbs all measures.
fn print_table(cases: &[Case], measures: &mut Measures) {
    println!(
        "\n{:<24} {:>8} {:>11} {:>11} {:>6} {:>11} {:>6}",
        "review", "bytes", "scan", "engine", "ratio", "naive", "naive"
    );
    for case in cases {
        let [scan, engine, naive] = in_turns(case);
        goals::add(measures, case.name, [scan, engine, naive]);
        let (naive_time, times) = if injects(case) {
            (
                format!("{:.2} µs", naive * 1e6),
                format!("{:.1}", naive / engine),
            )
        } else {
            (String::new(), String::new())
        };
        println!(
            "{:<24} {:>8} {:>11} {:>11} {:>6.2} {naive_time:>11} {times:>6}",
            case.name,
            case.bytes.len(),
            format!("{:.2} µs", scan * 1e6),
            format!("{:.2} µs", engine * 1e6),
            engine / scan
        );
    }
}

/// Whether something is injected, so that the naive injector does the same.
fn injects(case: &Case) -> bool {
    match case.answer(&case.bytes) {
        Answer::Review { decision, .. } => decision.verdict() == Verdict::Injected,
        _ => false,
    }
}

/// The medians, in seconds, of the measures of a case, which are timed in turns.
fn in_turns(case: &Case) -> [f64; MEASURES.len()] {
    let injects = injects(case);
    let repeat = 1 + 100_000 / case.bytes.len();
    let mut figures = [const { Vec::new() }; MEASURES.len()];
    for _ in 0..rounds() {
        for ((name, run), figures) in MEASURES.iter().zip(&mut figures) {
            if *name != "naive" || injects {
                figures.push(timed(repeat, || run(case)));
            }
        }
    }
    figures.map(median)
}

/// Seconds that one run takes, as the mean of several.
fn timed(repeat: usize, mut run: impl FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..repeat {
        run();
    }
    start.elapsed().max(Duration::from_nanos(1)).as_secs_f64() / repeat as f64
}
