//! Interim.
use crate::inject::Settings;
use crate::template::Catalog;
/// Interim.
#[derive(Debug, clap::Args)]
pub struct EngineOptions {}
/// Interim.
#[derive(Debug, thiserror::Error)]
pub enum EngineOptionsError {}
impl EngineOptions {
    /// Interim.
    pub(crate) fn catalog(&self) -> Result<Catalog, EngineOptionsError> {
        Ok(Catalog::built_in())
    }
    /// Interim.
    pub(crate) fn settings(&self) -> Result<Settings, EngineOptionsError> {
        Ok(Settings::default())
    }
}
