//! The cluster as the caller sees it: read only, with the caller's own kubeconfig and rights.
//!
//! Nothing here decides. A command asks for an object or whether a name exists, and what the
//! caller may not read is an answer like any other. Values of Secrets are never asked for: the API
//! server is asked for their metadata alone.

mod connection;
mod names;
mod reader;

pub use connection::{Connection, ConnectionError, KubeconfigOptions};
pub use names::ObjectName;
pub use reader::{ClusterReader, Named, Read};
