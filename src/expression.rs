//! Expressions of the template language: Kubernetes CEL over the parameters and the pod.
//!
//! An expression is compiled once, when its template is loaded, and evaluated for each pod:
//!
//! 1. `parser` bounds length and nesting, and has the `cel` crate parse;
//! 2. `analysis` resolves names, functions and types, notes which data is read, and lowers the tree
//!    into a typed `program`, of which what is constant is evaluated at once;
//! 3. `evaluator` runs the program on borrowed data, and pays for every step and every byte from the
//!    review's `budget`.
//!
//! Only functions that the API server has with the same meaning exist (`functions`), so that
//! every template can be exported as a policy.

mod admission;
mod analysis;
mod bindings;
mod budget;
mod compiled;
mod error;
mod evaluator;
mod functions;
mod parser;
mod program;
mod reads;
mod regular_expression;
mod scope;
mod taint;
mod types;
mod value;

pub(crate) use admission::{AdmissionCondition, AdmissionData};
pub use bindings::{Bindings, Source};
pub use budget::{Budget, Exhausted, PATCH_BYTES};
pub use compiled::Expression;
pub use error::{EvaluationError, ExpressionError};
pub(crate) use program::Pattern;
pub use reads::{Paths, Reads};
pub(crate) use regular_expression::{PatternAllowance, RegularExpressionError};
pub use scope::Scope;
pub(crate) use taint::Carried;
pub(crate) use types::Type;

/// How many elements a list or map of a pod, or any list without a declared bound, may have when
/// an expression goes over it. A longer one is refused at evaluation.
pub(crate) const MAX_ITEMS: usize = 1024;

#[cfg(test)]
mod tests;
