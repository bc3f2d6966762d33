//! Certificates of a webhook that keeps them itself: an authority in a Secret on which replicas
//! agree, `caBundle`, and what others do to both while pods are being created.
//!
//! Replicas run with a ServiceAccount that has the rules of the shipped manifests and no other. A
//! small proxy stands for the Service: it hands each connection to one replica after another.

mod damage;
mod files;
mod gitops;
mod installation;
mod load;
mod proxy;
mod rotation;
