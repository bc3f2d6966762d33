//! Tells about templates that do not compile.
//!
//! Such a template is left out and the others are used, as the webhook does it; a pod that asks
//! for it is refused. So its errors are no reason to fail, but they are told.

use std::io::{self, Write as _};

use super::assignment::Assignment;
use super::engine_options::{EngineOptions, EngineOptionsError};
use super::terminal::{Colour, Paint, printable};
use crate::template::Catalog;

/// The catalog of the flags, which has every template that a parameter, of the flags or of `set`,
/// belongs to.
pub(crate) fn catalog_with(
    options: &EngineOptions,
    set: &[Assignment],
) -> Result<Catalog, EngineOptionsError> {
    let catalog = catalog(options)?;
    let mut unknown = options.unknown_templates(set, &catalog).into_iter();
    unknown.next().map_or(Ok(catalog), Err)
}

/// The catalog of the flags. Errors of templates that are left out go to standard error.
pub(crate) fn catalog(options: &EngineOptions) -> Result<Catalog, EngineOptionsError> {
    let (catalog, errors) = options.catalog()?;
    let stderr = io::stderr();
    let paint = Paint::for_stream(&stderr);
    for error in errors {
        let warning = paint.text(Colour::Yellow, "warning");
        let error = error.to_string();
        // Nobody to tell is no reason to fail.
        let _ = writeln!(
            stderr.lock(),
            "{warning}: template left out: {}",
            printable(&error)
        );
    }
    Ok(catalog)
}
