//! The cluster: what commands read of it with the caller's rights, and what the server watches and
//! writes with its own.
//!
//! Nothing here decides about pods. A command asks for an object or whether a name exists, and what
//! the caller may not read is an answer like any other. Values of Secrets are never asked for: the
//! API server is asked for their metadata alone, but for the one Secret that is Pillion's own.

mod connection;
mod events;
pub mod hazards;
mod lease;
mod names;
mod reader;
mod revisions;
mod templates;
mod watch;

pub use connection::{Connection, ConnectionError, KubeconfigOptions};
pub use events::{EventResult, EventSender, EventWriter, Told, events};
pub use lease::{Lease, LeaseOptions};
pub use names::ObjectName;
pub use reader::{ClusterReader, Named, Read};
pub use templates::{Served, TemplateWriter};
pub use watch::{ClusterSnapshot, Observer, TemplateReports, Watched, watch};
