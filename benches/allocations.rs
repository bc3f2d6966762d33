//! How often one review asks the allocator for memory: a count that no noise disturbs.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench states what it expects"
)]

#[path = "engine/cases.rs"]
mod cases;

use std::alloc::System;
use std::hint::black_box;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    println!(
        "{:<20} {:>11} {:>13} {:>9}",
        "review", "allocations", "reallocations", "bytes"
    );
    for case in cases::cases(None) {
        drop(black_box(case.engine.review(black_box(&case.bytes))));
        let region = Region::new(ALLOCATOR);
        drop(black_box(case.engine.review(black_box(&case.bytes))));
        let used = region.change();
        println!(
            "{:<20} {:>11} {:>13} {:>9}",
            case.name, used.allocations, used.reallocations, used.bytes_allocated
        );
    }
}
