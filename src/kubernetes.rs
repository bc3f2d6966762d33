//! What Kubernetes itself says: the fields of a pod, how they merge, what the API server fills in
//! and what it refuses.
//!
//! A rule of Kubernetes that two rooms need is here once, and so is each label and annotation,
//! Pillion's own included ([`keys`]).

pub mod defaults;
pub mod element_digest;
pub mod fields;
pub mod image_reference;
pub mod keys;
pub mod merge_keys;
pub mod object;
pub mod paths;
pub mod pod_security_level;
pub mod quantity;
pub mod schema;
pub mod selector;
pub mod validity;
pub mod webhook_configuration;
pub mod workload;
