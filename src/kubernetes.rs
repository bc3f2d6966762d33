//! What Kubernetes itself says: the fields of a pod, how they merge, what the API server fills in
//! and what it refuses.
//!
//! Nothing here knows Pillion: a rule of Kubernetes that two rooms need stands here once.

pub mod defaults;
pub mod image_reference;
pub mod merge_keys;
pub mod object;
pub mod pod_security_level;
pub mod quantity;
pub mod schema;
pub mod selector;
pub mod validity;
pub mod workload;
