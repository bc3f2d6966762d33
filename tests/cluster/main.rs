//! Injected pods, really run: on a cluster with a real node, through the real webhook.
//!
//! One cluster serves all tests of this binary; each has a namespace of its own, so that they run
//! side by side. It needs root and Linux namespaces, so `make test-node` alone runs them, and
//! `cargo test` names them as ignored.

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

mod adapters;
mod ambassadors;
mod app;
mod ending;
mod images_only;
mod log_shipper;
mod manifests;
mod pgbouncer;
mod proxies;
mod scene;
mod sidecars;
mod starting;
mod steps;
mod webhook;
