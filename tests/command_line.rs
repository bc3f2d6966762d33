//! The program as people and scripts run it: what comes out of standard output, byte for byte,
//! what is told on standard error, and the exit status.

mod author;
mod cases;
mod certificates;
mod explain;
mod first_steps;
mod lint;
mod manifests;
pub(crate) mod program;
mod reading;
