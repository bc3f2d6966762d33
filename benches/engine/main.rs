//! What one review costs the engine, beside what reading the same bytes costs at least.
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

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput};
use pillion::inject::{Engine, Settings};
use pillion::template::Catalog;
use serde::de::IgnoredAny;

use cases::{Case, cases};

/// How often each of two things is timed, in turns, for their ratio.
const ROUNDS: usize = 401;

fn main() {
    let engine = Engine::new(Catalog::built_in().into(), Arc::default());
    let cases = cases(&engine);
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, repeat, name, times, ..] = arguments.as_slice()
        && repeat == "repeat"
    {
        return run(&engine, &cases, name, times.parse().unwrap());
    }
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("engine");
    for case in &cases {
        group.throughput(Throughput::Bytes(case.bytes.len() as u64));
        group.bench_function(BenchmarkId::new("scan", case.name), |bencher| {
            bencher.iter(|| scan(&case.bytes));
        });
        group.bench_function(BenchmarkId::new("review", case.name), |bencher| {
            bencher.iter(|| engine.review(black_box(&case.bytes)));
        });
    }
    group.finish();
    print_ratios(&engine, &cases);
    print_checks(&engine, &cases);
}

/// Runs one case so many times and nothing else, for tools that count instructions: the difference
/// of two runs is free of what starting costs.
fn run(engine: &Engine, cases: &[Case], name: &str, times: usize) {
    let is_scan = name.strip_prefix("scan ");
    let name = is_scan.unwrap_or(name);
    let case = cases.iter().find(|case| case.name == name).unwrap();
    for _ in 0..times {
        match is_scan {
            Some(_) => scan(&case.bytes),
            None => drop(black_box(engine.review(black_box(&case.bytes)))),
        }
    }
}

/// What the checks of the resulting pod cost, beside the injection without them.
fn print_checks(engine: &Engine, cases: &[Case]) {
    let mut settings = Settings::default();
    settings.checks.enabled = false;
    let bare = Engine::new(Arc::clone(engine.catalog()), settings.into());
    println!(
        "\n{:<20} {:>10} {:>10} {:>6}",
        "checks", "without", "checks", "ratio"
    );
    let injected = cases.iter().filter(|case| case.name != "untouched");
    for case in injected {
        let (without, with) = in_turns(
            case,
            || drop(black_box(bare.review(black_box(&case.bytes)))),
            || drop(black_box(engine.review(black_box(&case.bytes)))),
        );
        println!(
            "{:<20} {:>10} {:>10} {:>6.2}",
            case.name,
            format!("{:.2} µs", without * 1e6),
            format!("{:.2} µs", (with - without) * 1e6),
            (with - without) / without
        );
    }
}

/// The medians, in seconds, of two things that are timed in turns.
fn in_turns(case: &Case, mut one: impl FnMut(), mut other: impl FnMut()) -> (f64, f64) {
    let repeat = 1 + 200_000 / case.bytes.len();
    let (mut of_one, mut of_other) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        of_one.push(timed(repeat, &mut one));
        of_other.push(timed(repeat, &mut other));
    }
    (median(of_one), median(of_other))
}

fn scan(bytes: &[u8]) {
    let read: IgnoredAny = serde_json::from_slice(black_box(bytes)).unwrap();
    black_box(read);
}

/// Medians of rounds in turns: what disturbs the machine meanwhile disturbs both.
fn print_ratios(engine: &Engine, cases: &[Case]) {
    println!(
        "\n{:<20} {:>8} {:>10} {:>10} {:>6}",
        "review", "bytes", "scan", "engine", "ratio"
    );
    for case in cases {
        let (scan, review) = in_turns(
            case,
            || scan(&case.bytes),
            || drop(black_box(engine.review(black_box(&case.bytes)))),
        );
        println!(
            "{:<20} {:>8} {:>10} {:>10} {:>6.2}",
            case.name,
            case.bytes.len(),
            format!("{:.2} µs", scan * 1e6),
            format!("{:.2} µs", review * 1e6),
            review / scan
        );
    }
}

/// Seconds that one run takes, as the mean of several.
fn timed(repeat: usize, mut run: impl FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..repeat {
        run();
    }
    start.elapsed().max(Duration::from_nanos(1)).as_secs_f64() / repeat as f64
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
