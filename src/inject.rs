//! Deciding about a pod: selection, plan, patch and verdict.
//!
//! Bytes flow one way: review → selection → parameters → evaluation → plan → patch → verdict.
//! Nothing here knows a network, a file, a clock or a cluster: [`Engine`] is an immutable snapshot
//! of templates, namespaces and settings, and a decision depends on nothing else, so that the
//! webhook, the command line and a test give the same answer to the same pod.

mod advice;
mod answer;
mod composition;
mod data;
pub mod defaults;
pub mod engine;
mod evaluation;
pub mod explanation;
pub mod keys;
pub mod lifecycle;
pub mod merge;
mod parameters;
pub mod patch;
mod plan;
mod pod;
mod recent;
mod refusal;
pub mod removal;
mod repeat;
pub mod selection;
pub mod settings;
pub mod status;
mod subject;
pub mod trace;
pub mod verdict;

pub use answer::{Answer, Endpoint, Regarding};
pub use engine::Engine;
pub use patch::{Operation, Patch};
pub use settings::{Namespace, Namespaces, Settings};
pub use subject::Subject;
pub use verdict::{Decision, Judged, Outcome, Reason, Verdict};
