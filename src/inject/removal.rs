//! Taking out of a pod what its status annotations say was added.

use serde_json::Value;

/// Why a pod cannot be brought back to what it was.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RemovalError {
    /// A status annotation is not the JSON that Pillion writes.
    #[error("annotation {annotation}: not a status that Pillion wrote: {problem}")]
    Status {
        /// The annotation's key.
        annotation: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// Takes out exactly what the status annotations of `pod` (an object with `metadata` and `spec`)
/// say was added. Returns the names of the templates that were taken out, in order.
pub fn remove(_pod: &mut Value) -> Result<Vec<String>, RemovalError> {
    Ok(Vec::new())
}
