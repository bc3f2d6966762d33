//! Views of API objects: each field is declared once, by the API's name, and read where it is of the
//! API's type.
//!
//! Not by serde: its readers are made once for the user's JSON and once for a template's data, and an
//! object with one field of another type cannot be read at all. A first pod runs through each reader
//! once, so that their size is their cost.

use std::collections::BTreeMap;

use super::source::Field;
use crate::review::Text;

/// What is read from a field.
pub(crate) trait FromField<'a>: Sized {
    /// Reads the field; `None` where it is of another type.
    fn from_field(field: Field<'a>) -> Option<Self>;
}

/// An object, whose fields are read one by one.
pub(crate) trait ObjectView<'a>: Default {
    /// Reads one field; one that no check asks for is left.
    fn take(&mut self, name: &str, field: Field<'a>);
}

impl<'a, T: ObjectView<'a>> FromField<'a> for T {
    fn from_field(field: Field<'a>) -> Option<Self> {
        let mut object = Self::default();
        field.each(&mut |name, field| object.take(name, field))?;
        Some(object)
    }
}

impl<'a, T: FromField<'a>> FromField<'a> for Option<T> {
    fn from_field(field: Field<'a>) -> Option<Self> {
        T::from_field(field).map(Some)
    }
}

impl<'a, T: FromField<'a>> FromField<'a> for Vec<T> {
    fn from_field(field: Field<'a>) -> Option<Self> {
        let elements = field.elements()?;
        let mut list = Self::with_capacity(elements.clone().count());
        for element in elements {
            list.push(T::from_field(element)?);
        }
        Some(list)
    }
}

impl<'a, T: FromField<'a>> FromField<'a> for BTreeMap<Text<'a>, T> {
    fn from_field(field: Field<'a>) -> Option<Self> {
        let mut map = Self::new();
        field.each(&mut |name, field| {
            if let Some(value) = T::from_field(field) {
                map.insert(name.into(), value);
            }
        })?;
        Some(map)
    }
}

impl<'a> FromField<'a> for Text<'a> {
    fn from_field(field: Field<'a>) -> Option<Self> {
        field.text()
    }
}

impl FromField<'_> for bool {
    fn from_field(field: Field<'_>) -> Option<Self> {
        field.boolean()
    }
}

impl FromField<'_> for i64 {
    fn from_field(field: Field<'_>) -> Option<Self> {
        field.integer()
    }
}

/// Declares views: `field: Type = "field's name in the API"`, and behind `+` what is found out otherwise.
macro_rules! views {
    ($(
        $(#[$meta:meta])*
        $name:ident $(<$life:lifetime>)? {
            $($(#[$field_meta:meta])* $vis:vis $field:ident: $ty:ty = $key:literal $(| $other:literal)*,)*
        } $(+ {
            $($(#[$more_meta:meta])* $more_vis:vis $more:ident: $more_ty:ty,)*
        })?
    )*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Default)]
        #[allow(missing_docs, reason = "fields are named as the API names them")]
        pub(crate) struct $name $(<$life>)? {
            $($(#[$field_meta])* $vis $field: $ty,)*
            $($($(#[$more_meta])* $more_vis $more: $more_ty,)*)?
        }

        impl<'a> $crate::check::pod::view::ObjectView<'a> for $name $(<$life>)? {
            fn take(&mut self, name: &str, field: $crate::check::pod::source::Field<'a>) {
                match name {
                    $($key $(| $other)* => self.$field = field.read_or_default(),)*
                    _ => {}
                }
            }
        }
    )*};
}

pub(super) use views;
