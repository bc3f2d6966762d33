//! Objects that a pod names: Secrets, `ConfigMap`s and their keys.

use super::field::{Field, FromField, views};
use crate::review::Text;

/// A value that is only known to be there.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Present;

impl FromField<'_> for Present {
    fn from_field(_: Field<'_>) -> Option<Self> {
        Some(Self)
    }
}

views! {
    /// Keys of a Secret or `ConfigMap`: a volume source, a projection, or a variable's source.
    Keys<'a> {
        pub(crate) name: Option<Text<'a>> = "name" | "secretName",
        pub(crate) key: Option<Text<'a>> = "key",
        pub(crate) items: Option<Vec<Item<'a>>> = "items",
        pub(crate) optional: Option<bool> = "optional",
        pub(crate) default_mode: Option<i64> = "defaultMode",
    }

    /// An entry of `items`.
    Item<'a> {
        pub(crate) key: Option<Text<'a>> = "key",
        pub(crate) path: Option<Text<'a>> = "path",
        pub(crate) mode: Option<i64> = "mode",
    }

    /// An entry of `envFrom`: all keys of an object become variables.
    EnvFrom<'a> {
        pub(crate) prefix: Option<Text<'a>> = "prefix",
        pub(crate) secret_ref: Option<Keys<'a>> = "secretRef",
        pub(crate) config_map_ref: Option<Keys<'a>> = "configMapRef",
    }

    /// A resource of a container of the same pod.
    ResourceField<'a> {
        pub(crate) container_name: Option<Text<'a>> = "containerName",
    }

    /// A reference by name in the same namespace.
    LocalReference<'a> {
        pub(crate) name: Option<Text<'a>> = "name",
    }
}
