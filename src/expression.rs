//! Expressions of the template language: Kubernetes CEL over the parameters and the pod.
//!
//! An expression is compiled once, when its template is loaded, and evaluated for each pod.
//! Compiling goes through four steps, each of which refuses what the next could not bear:
//!
//! 1. `scan` bounds length, nesting and operators by a linear pass over the text, because the
//!    parser needs time and memory that grow exponentially with some of them;
//! 2. the `cel` crate parses;
//! 3. `analysis` resolves names, functions and types, bounds the number of steps, and notes
//!    which data is read. It rewrites the tree on the way, so that nothing depends on the random
//!    order of the interpreter's maps and everything large is paid for from a `budget`;
//! 4. the depth of the tree is bounded, because the interpreter recurses.
//!
//! Only functions that the API server has with the same meaning exist (`functions`), so that
//! every template can be exported as a policy.

mod admission;
mod analysis;
mod bindings;
mod budget;
mod compiled;
mod convert;
mod direct;
mod error;
mod failure;
mod functions;
mod library;
mod reads;
mod scan;
mod scope;
mod taint;
mod types;

pub use admission::{AdmissionCondition, AdmissionData};
pub use bindings::{Bindings, Source};
pub use compiled::{Expression, with_much_stack};
pub use error::{EvaluationError, ExpressionError};
pub use reads::{Paths, Reads};
pub use scope::Scope;
pub use taint::Carried;
pub use types::Type;

use library::Pattern;

/// How many elements a list or map of a pod, or any list without a declared bound, may have when
/// an expression goes over it. A longer one is refused at evaluation.
pub const UNDECLARED_MAX_ITEMS: u64 = 1024;

#[cfg(test)]
mod tests;
