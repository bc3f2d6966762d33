//! How often one review asks the allocator for memory: a count that no noise disturbs.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench states what it expects"
)]

#[path = "engine/cases.rs"]
mod cases;
#[path = "support/inputs.rs"]
mod inputs;
#[path = "support/measures.rs"]
mod measures;

use std::alloc::System;
use std::error::Error;
use std::hint::black_box;

use measures::{Measure, Measures};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The most that a pod of one template may take.
const GOAL: f64 = 60.0;

fn main() -> Result<(), Box<dyn Error>> {
    let mut measures = Measures::new("allocations");
    println!(
        "{:<20} {:>11} {:>13} {:>9}",
        "review", "allocations", "reallocations", "bytes"
    );
    for case in cases::cases(None) {
        drop(black_box(case.answer(black_box(&case.bytes))));
        let region = Region::new(ALLOCATOR);
        drop(black_box(case.answer(black_box(&case.bytes))));
        let used = region.change();
        println!(
            "{:<20} {:>11} {:>13} {:>9}",
            case.name, used.allocations, used.reallocations, used.bytes_allocated
        );
        let count = u32::try_from(used.allocations)?;
        let measure = Measure::alone(format!("allocations/{}", case.name), "", count.into());
        measures.add(match case.name {
            "one template" => measure.goal(GOAL),
            _ => measure,
        });
    }
    Ok(measures.write()?)
}
