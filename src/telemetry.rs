//! What the server tells about itself: log, decision log and metrics.
//!
//! Everything here is about pods of other people. Logs hold names, verdicts and the sentence that
//! explains a refusal; values of environment variables and annotations are never recorded, and
//! metric labels come from closed sets, so that no pod can grow them.

mod decision;
mod logging;
mod metrics;

pub use decision::{DecisionRecord, log_decision};
pub use logging::{LogFormat, TelemetryError, init};
pub use metrics::Metrics;
