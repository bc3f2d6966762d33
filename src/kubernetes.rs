//! What Kubernetes itself says: the fields of a pod, how they merge, what the API server fills in
//! and what it refuses.
//!
//! A rule of Kubernetes that two rooms need is here once, and so is each label and annotation,
//! Pillion's own included ([`keys`]).

pub mod defaults;
pub mod element_digest;
pub(crate) mod fields;
pub(crate) mod image_reference;
pub(crate) mod keys;
pub(crate) mod kubectl_yaml;
pub(crate) mod merge_keys;
pub(crate) mod names;
pub mod object;
pub(crate) mod paths;
pub(crate) mod pod_security_level;
pub mod quantity;
pub mod schema;
pub(crate) mod selector;
pub(crate) mod validity;
pub mod webhook_configuration;
pub(crate) mod workload;
