//! Templates: what authors write, compiled into what runs.

pub mod catalog;
pub mod error;
pub mod node;
pub mod schema;
pub mod text;

pub use catalog::{Catalog, Source};
pub use error::TemplateError;
