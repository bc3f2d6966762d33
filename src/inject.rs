//! Deciding about a pod: selection, plan, patch and verdict.
//!
//! Bytes flow one way: review → selection → parameters → evaluation → plan → patch → verdict.
//! Nothing here knows a network, a file, a clock or a cluster: [`Engine`] is an immutable snapshot
//! of templates, namespaces and settings, and a decision depends on nothing else, so that the
//! webhook, the command line and a test give the same answer to the same pod.

mod advice;
pub(crate) mod answer;
mod composition;
mod decision_cache;
mod difference;
pub(crate) mod engine;
pub(crate) mod evaluation;
mod expression_input;
pub(crate) mod lifecycle;
pub(crate) mod merge;
mod misplaced_keys;
pub(crate) mod namespace_keys;
mod ownership;
mod parameters;
pub(crate) mod patch;
mod placeholder;
mod plan;
pub(crate) mod pod;
mod received;
mod reinvocation;
pub(crate) mod request_context;
pub mod selection;
pub mod settings;
pub(crate) mod status;
pub(crate) mod trace;
pub mod uninject;
pub(crate) mod verdict;

pub use answer::{Answer, Endpoint, Regarding};
pub use decision_cache::CachedEngine;
pub use engine::Engine;
pub(crate) use misplaced_keys::{KeysOfObject, misplaced_keys, unasked};
pub(crate) use patch::Patch;
pub use request_context::RequestContext;
pub use settings::{Namespace, Namespaces, Settings};
pub use verdict::{Decision, EnforcedFinding, Reason, Refusal, TemplateOutcome, Verdict};
