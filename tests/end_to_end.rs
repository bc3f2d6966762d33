//! Pillion on a real API server: what people see when they create pods.
//!
//! One control plane serves all scenarios of this binary; each has its own namespace, its
//! own server process and its own webhook configuration, so that they run side by side.
//! Without a control plane every scenario fails and says how to get one.

mod advice;
mod availability;
mod catalog;
mod certificates;
mod cluster_templates;
mod custom_resources;
mod defaults;
mod explanation;
mod in_the_cluster;
mod injection;
mod mandatory;
mod other_webhooks;
mod pod_fields;
mod pods;
mod policies;
mod precedence;
mod refusals;
mod rotation;
mod scene;
mod second_call;
