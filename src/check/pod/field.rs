//! Fields of API objects: each view declares its fields once, by the API's name, and one is read where it
//! is of the API's type.
//!
//! Not by serde: its readers are made once for the user's JSON and once for a template's data, and an
//! object with one field of another type cannot be read at all. A first pod runs through each reader
//! once, so that their size is their cost.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::review::{Children, Json, Text};

/// Room for the fields of a container or spec as the API server sends it.
const USUAL_FIELDS: usize = 24;

/// A field of an object.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Field<'a> {
    /// The user's.
    Json(Json<'a>),
    Data(&'a Value),
}

impl<'a> Field<'a> {
    /// The field, or its empty value where it is of another type.
    pub(crate) fn read_or_default<T: FromField<'a> + Default>(self) -> T {
        T::from_field(self).unwrap_or_default()
    }

    /// Shows every field of an object that is there to `visit`; `None` where this is no object.
    pub(crate) fn each(self, visit: &mut dyn FnMut(&'a str, Self)) -> Option<()> {
        match self {
            Self::Json(value) => value
                .is_object()
                .then(|| each_of_json(value.fields(), visit)),
            Self::Data(value) => Some(each_of_data(value.as_object()?.iter(), visit)),
        }
    }

    /// The elements of a list.
    pub(crate) fn elements(self) -> Option<Elements<'a>> {
        match self {
            Self::Json(json) => json.is_list().then(|| Elements::Json(json.elements())),
            Self::Data(value) => Some(Elements::Data(value.as_array()?.iter())),
        }
    }

    /// The text; an element that is null is empty, as in the API server.
    pub(crate) fn text(self) -> Option<Text<'a>> {
        match self {
            Self::Json(json) if json.is_null() => Some("".into()),
            Self::Json(json) => json.as_text().map(Text),
            Self::Data(Value::Null) => Some("".into()),
            Self::Data(value) => value.as_str().map(Text::from),
        }
    }

    /// The boolean.
    pub(crate) fn boolean(self) -> Option<bool> {
        match self {
            Self::Json(json) => json.as_bool(),
            Self::Data(value) => value.as_bool(),
        }
    }

    /// The whole number.
    pub(crate) fn integer(self) -> Option<i64> {
        match self {
            Self::Json(json) => json.number()?.parse().ok(),
            Self::Data(value) => value.as_i64(),
        }
    }

    /// The number as it is written.
    pub(crate) fn number(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Json(json) => json.number().map(Cow::Borrowed),
            Self::Data(value) => value
                .as_number()
                .map(|number| Cow::Owned(number.to_string())),
        }
    }
}

/// Elements of a list.
#[derive(Debug, Clone)]
pub(crate) enum Elements<'a> {
    /// The user's.
    Json(Children<'a>),
    Data(std::slice::Iter<'a, Value>),
}

impl<'a> Iterator for Elements<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        match self {
            Self::Json(elements) => elements.next().map(Field::Json),
            Self::Data(elements) => elements.next().map(Field::Data),
        }
    }
}

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

/// Of two fields of one name the first counts, as everywhere where JSON is read. A name that is written
/// with an escape is none of the API's.
pub(super) fn each_of_json<'a>(
    fields: impl Iterator<Item = (Cow<'a, str>, Json<'a>)>,
    visit: &mut dyn FnMut(&'a str, Field<'a>),
) {
    // Most objects need no memory for this.
    let (mut usual, mut count, mut more) = ([""; USUAL_FIELDS], 0, BTreeSet::new());
    for (name, value) in fields {
        let Cow::Borrowed(name) = name else { continue };
        if value.is_null() || usual.iter().take(count).any(|known| *known == name) {
            continue;
        }
        match usual.get_mut(count) {
            Some(place) => *place = name,
            None if !more.insert(name) => continue,
            None => {}
        }
        count += 1;
        visit(name, Field::Json(value));
    }
}

/// Shows the fields that are there to `visit`. Null counts as absent, as in the API server.
pub(super) fn each_of_data<'a>(
    fields: impl Iterator<Item = (&'a String, &'a Value)>,
    visit: &mut dyn FnMut(&'a str, Field<'a>),
) {
    let present = fields.filter(|(_, value)| !value.is_null());
    present.for_each(|(name, value)| visit(name, Field::Data(value)));
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

        impl<'a> $crate::check::pod::field::ObjectView<'a> for $name $(<$life>)? {
            fn take(&mut self, name: &str, field: $crate::check::pod::field::Field<'a>) {
                match name {
                    $($key $(| $other)* => self.$field = field.read_or_default(),)*
                    _ => {}
                }
            }
        }
    )*};
}

pub(super) use views;
