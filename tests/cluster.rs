//! Injected pods, really run: on a cluster with a real node, through the real webhook.
//!
//! One cluster serves all tests of this binary; each has a namespace of its own, so that they run
//! side by side. It needs root and Linux namespaces, so `make test-node` alone runs them, and
//! `cargo test` names them as ignored.

mod adapters;
mod ambassadors;
mod app;
mod ending;
mod images_only;
mod log_shipper;
mod manifests;
mod networks;
pub(crate) mod node;
mod pgbouncer;
mod proxies;
mod scene;
mod sidecars;
mod starting;
mod steps;
mod webhook;
