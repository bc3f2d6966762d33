//! Declares the views of API objects: each field once, by the API's name.

/// Structs that serde reads, with absent fields empty. A field is named as the API names it, in
/// snake case.
macro_rules! view {
    ($($(#[$meta:meta])* $name:ident<'a> {
        $($(#[$field_meta:meta])* $vis:vis $field:ident: $ty:ty,)*
    })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Default, Deserialize)]
        #[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
        #[allow(missing_docs, reason = "fields are named as the API names them")]
        pub(crate) struct $name<'a> {
            $($(#[$field_meta])* $vis $field: $ty,)*
        }
    )*};
    ($($(#[$meta:meta])* $name:ident {
        $($(#[$field_meta:meta])* $vis:vis $field:ident: $ty:ty,)*
    })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Default, Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        #[allow(missing_docs, reason = "fields are named as the API names them")]
        pub(crate) struct $name {
            $($(#[$field_meta])* $vis $field: $ty,)*
        }
    )*};
}

/// A struct that is read from a [`Source`](super::Source), and holds more than the source's fields.
macro_rules! source_view {
    ($(#[$meta:meta])* $name:ident<'a> {
        $($(#[$field_meta:meta])* $field:ident: $ty:ty = $key:literal,)*
    } and {
        $($(#[$more_meta:meta])* $more:ident: $more_ty:ty,)*
    }) => {
        $(#[$meta])*
        #[derive(Debug, Default)]
        #[allow(missing_docs, reason = "fields are named as the API names them")]
        pub(crate) struct $name<'a> {
            $($(#[$field_meta])* pub(crate) $field: $ty,)*
            $($(#[$more_meta])* pub(crate) $more: $more_ty,)*
        }

        impl<'a> $name<'a> {
            fn take(&mut self, name: &str, field: Field<'a>) {
                match name {
                    $($key => self.$field = field.read_or_default(),)*
                    _ => {}
                }
            }
        }
    };
}

pub(super) use {source_view, view};
