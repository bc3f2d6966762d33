//! What is installed: the chart and the plain manifests made from it, rendered under many values,
//! held against the API server's own schemas, and installed, upgraded, applied again and taken
//! away on a real control plane.
//!
//! A manifest that renders is not yet one that works: the API server's schemas find misspelt
//! fields, its Pod Security refuses a careless pod, and only it knows who owns which field when
//! Helm, a GitOps tool and Pillion write the same object.

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
mod image;
#[cfg(test)]
mod manifests;
#[cfg(test)]
mod ownership;
#[cfg(test)]
mod permissions;
#[cfg(test)]
mod process;
#[cfg(test)]
mod programs;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod release;
#[cfg(test)]
mod restricted;
#[cfg(test)]
mod running;
#[cfg(test)]
mod schemas;
#[cfg(test)]
mod settings;
