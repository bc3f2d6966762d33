//! One template of the flags' catalog, by name.

use std::sync::Arc;

use super::TemplateCommandError;
use crate::cli::catalog_loading;
use crate::cli::engine_options::EngineOptions;
use crate::template::{Catalog, CatalogLookup, Template};
use crate::wording::did_you_mean;

/// The catalog of the flags, and the template of this name in it.
pub(super) fn find(
    engine: &EngineOptions,
    namespace: &str,
    name: &str,
) -> Result<(Catalog, Arc<Template>), TemplateCommandError> {
    let catalog = catalog_loading::catalog(engine)?;
    let template = match catalog.find(namespace, name) {
        CatalogLookup::Template(template) => Arc::clone(template),
        CatalogLookup::Broken(error) => {
            return Err(TemplateCommandError::Broken {
                name: name.to_owned(),
                error: error.to_owned(),
            });
        }
        CatalogLookup::Nothing => {
            return Err(TemplateCommandError::NotFound {
                name: name.to_owned(),
                hint: did_you_mean(name, catalog.names(namespace)),
            });
        }
    };
    Ok((catalog, template))
}
