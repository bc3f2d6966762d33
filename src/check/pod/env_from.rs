//! An entry of `envFrom`.

use serde::Deserialize;

use super::volume::Keys;

/// An entry of `envFrom`: all keys of an object become variables.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnvFrom<'a> {
    /// `secretRef`.
    #[serde(borrow, default)]
    pub secret_ref: Option<Keys<'a>>,
    /// `configMapRef`.
    #[serde(borrow, default)]
    pub config_map_ref: Option<Keys<'a>>,
}
