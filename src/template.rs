//! Templates: what authors write, compiled into what runs.
//!
//! A file is read as nodes that know their place ([`node`]), compiled against the field types of
//! Kubernetes ([`schema`](crate::kubernetes::schema)) into fragments ([`fragment`]) whose constants are finished ([`value`]) and whose expressions ([`expression`](crate::expression)) are
//! checked, bounded and ready, and served from a [`Catalog`]. Everything that can be wrong with a
//! template is an error at load, with file, line, column and field path.

pub mod built_in;
pub mod catalog;
pub mod compile;
pub(crate) mod compiled;
pub mod custom_resource;
pub(crate) mod description;
pub(crate) mod fragment;
pub mod json_schema;
pub mod node;
pub(crate) mod parameter;

mod shape;
pub(crate) mod source;
pub(crate) mod text;
pub(crate) mod value;
mod word;

pub(crate) use crate::kubernetes::pod_security_level::PodSecurityLevel;
pub(crate) use catalog::UnknownContent;
pub use catalog::{Catalog, CatalogEntry, CatalogLookup, TemplateCounts};
pub(crate) use compiled::Template;
pub use source::{Source, TemplateError};
