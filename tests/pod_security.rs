//! What the checks say that the API server refuses, asked of a real API server: Pod Security with
//! every control at many versions, LimitRanges, quotas, and pods with resources of their own.
//!
//! The checks state the API server's rules a second time. Only the API server knows them, so that
//! every statement is compared with its answer, word by word where it gives words.

mod combinations;
mod findings;
mod places;
mod resources;
mod standards;
mod values;
mod variants;
