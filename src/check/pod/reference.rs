//! Objects that a pod names: Secrets, `ConfigMap`s and their keys.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::view::view;
use crate::review::Text;

/// A value that is only known to be there.
pub(crate) type Present = IgnoredAny;

view! {
    /// Keys of a Secret or `ConfigMap`: a volume source, a projection, or a variable's source.
    Keys<'a> {
        #[serde(alias = "secretName")]
        pub(crate) name: Option<Text<'a>>,
        pub(crate) key: Option<Text<'a>>,
        pub(crate) items: Option<Vec<Item<'a>>>,
        pub(crate) optional: Option<bool>,
        pub(crate) default_mode: Option<i64>,
    }

    /// An entry of `items`.
    Item<'a> {
        pub(crate) key: Option<Text<'a>>,
        pub(crate) path: Option<Text<'a>>,
        pub(crate) mode: Option<i64>,
    }

    /// An entry of `envFrom`: all keys of an object become variables.
    EnvFrom<'a> {
        pub(crate) prefix: Option<Text<'a>>,
        pub(crate) secret_ref: Option<Keys<'a>>,
        pub(crate) config_map_ref: Option<Keys<'a>>,
    }

    /// A resource of a container of the same pod.
    ResourceField<'a> {
        pub(crate) container_name: Option<Text<'a>>,
    }

    /// A reference by name in the same namespace.
    LocalReference<'a> {
        pub(crate) name: Option<Text<'a>>,
    }
}
