//! Templates: what authors write, compiled into what runs.

pub mod catalog;

pub use catalog::{Catalog, Source};

pub use error::TemplateError;

pub mod error;
