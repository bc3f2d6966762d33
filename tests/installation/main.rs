//! The whole installation, really run: our own image, by the chart, on a cluster with a real node.
//!
//! It needs root and Linux namespaces, so `make test-node` alone runs it.

#![allow(
    clippy::indexing_slicing,
    reason = "a test may panic; the lint excepts test functions, but not what they share"
)]

#[cfg(test)]
#[path = "../chart/programs.rs"]
#[allow(dead_code, reason = "the tests of the chart use more of it")]
mod programs;
#[path = "../support/harness.rs"]
#[allow(
    dead_code,
    reason = "each test binary uses its own part of the harness"
)]
mod support;

#[cfg(test)]
mod installed;
