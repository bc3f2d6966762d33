//! Why a pod is, or is not, injected: the whole way from the API server's gates to the patch.
//!
//! The webhook answers in microseconds and says one sentence. A person who asks why wants to see
//! every step, also those that were passed. The steps are those of the engine itself, which notes
//! what it decided where somebody listens; only the API server's own gates are evaluated here.

pub mod gates;
