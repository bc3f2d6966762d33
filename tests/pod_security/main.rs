//! What the checks say that the API server refuses, asked of a real API server: Pod Security with
//! every control at many versions, LimitRanges, quotas, and pods with resources of their own.
//!
//! The checks state the API server's rules a second time. Only the API server knows them, so that
//! every statement is compared with its answer, word by word where it gives words.

#![allow(
    clippy::indexing_slicing,
    reason = "a test may panic; the lint excepts test functions, but not what they share"
)]

#[path = "../support/harness.rs"]
#[allow(
    dead_code,
    reason = "each test binary uses its own part of the harness"
)]
mod support;

#[cfg(test)]
mod findings;
#[cfg(test)]
#[path = "../findings/fixture.rs"]
#[allow(dead_code, reason = "the other tests of findings use more of it")]
mod fixture;
#[cfg(test)]
#[path = "../corpus/pods.rs"]
#[allow(dead_code, reason = "the corpus uses more of it")]
mod pods;
#[cfg(test)]
mod resources;
#[cfg(test)]
mod standards;
#[cfg(test)]
mod variants;
