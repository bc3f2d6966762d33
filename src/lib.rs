//! Pillion: a Kubernetes mutating admission webhook that injects helper containers from templates.
//!
//! The map of the house. The core (from `wording` up to `lint`) is pure; the edges around it
//! adapt files, the network and the terminal to it and never reach into each other:
//!
//! `main → cli → {server, cluster, tls, telemetry} → lint → explain → inject → check → template → expression →
//! {finding, review, kubernetes} → wording`

pub mod check;
pub mod cli;
pub(crate) mod cluster;
pub mod explain;
pub mod expression;
pub mod finding;
pub mod inject;
pub mod kubernetes;
pub mod lint;
pub mod review;
#[cfg(test)]
#[path = "../tests/support/sampling.rs"]
mod sampling;
pub(crate) mod server;
pub mod telemetry;
pub mod template;
pub mod tls;
pub(crate) mod wording;
