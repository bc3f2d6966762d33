//! Pillion: a Kubernetes mutating admission webhook that injects helper containers from templates.
//!
//! The map of the house. The core (`template`, `inject`, `review`) is pure; the edges around it
//! adapt files, the network and the terminal to it and never reach into each other:
//!
//! `main → cli → {server, cluster, tls, telemetry} → inject → template → review`

pub mod cli;
pub mod cluster;
pub mod inject;
pub mod review;
pub mod server;
pub mod telemetry;
pub mod template;
pub mod tls;
