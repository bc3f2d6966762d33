//! Tells about templates that do not compile.
//!
//! Such a template is left out and the others are used, as the webhook does it; a pod that asks
//! for it is refused. So its errors are no reason to fail, but they are told.

use std::io::{self, Write as _};

use super::engine_options::{EngineOptions, EngineOptionsError};
use super::terminal::{Colour, Paint, printable};
use crate::template::Catalog;

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
