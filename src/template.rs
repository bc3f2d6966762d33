//! Templates: what authors write, compiled into what runs.
//!
//! A file is read as nodes that know their place ([`node`]), compiled against the field types of
//! Kubernetes ([`schema`](crate::kubernetes::schema)) into fragments ([`fragment`]) whose constants are finished ([`piece`]) and whose expressions ([`expression`](crate::expression)) are
//! checked, bounded and ready, and served from a [`Catalog`]. Everything that can be wrong with a
//! template is an error at load, with file, line, column and field path.

pub mod built_in;
pub mod catalog;
pub mod compile;
pub mod compiled;
pub mod custom_resource;
pub mod description;
pub mod fragment;
pub mod json_schema;
pub mod lint;
pub mod node;
pub mod parameter;
pub mod piece;
mod shape;
pub mod source;
pub mod text;
mod word;

pub use crate::kubernetes::pod_security_level::PodSecurityLevel;
pub use catalog::{Catalog, CatalogEntry, CatalogLookup};
pub use compiled::Template;
pub use source::{Source, TemplateError};
