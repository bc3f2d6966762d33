//! What the tests and the demonstration stand on: a real control plane, a running
//! Pillion, and the few calls that make scenarios short to write.
//!
//! Nothing here is a mock. The control plane is etcd, kube-apiserver and
//! kube-controller-manager as Kubernetes publishes them, and the API server calls the
//! webhook the way it does in a cluster: over TLS, by the Service's name, with HTTP/1.1.
//! Every helper returns a [`Failure`] that says what was being done, so that a scenario
//! reads as a list of steps.

pub(crate) mod audit;
pub(crate) mod certificates;
pub(crate) mod control_plane;
pub(crate) mod definitions;
pub(crate) mod failure;
pub(crate) mod kubectl;
pub(crate) mod launch;
pub(crate) mod logs;
pub(crate) mod namespace;
pub(crate) mod pillion;
pub(crate) mod processes;
pub(crate) mod raw;
pub(crate) mod wait;
pub(crate) mod webhook;
