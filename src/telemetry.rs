//! Log, decision log and metrics of the server.
//!
//! Everything here is about pods of other people. Logs hold names, verdicts and the sentence that
//! explains a refusal; values of environment variables and annotations are never recorded, and
//! metric labels come from closed sets, so that no pod can grow them.

mod decision;
mod log_queue;
mod logging;
mod metrics;

pub(crate) use decision::{DecisionRecord, log_decision};
pub(crate) use logging::{LogFormat, init, print_error};
pub use metrics::Metrics;
