//! Fields of API objects: each view declares its fields once, by the API's name, and one is read where it
//! is of the API's type.
//!
//! Not by serde, for which an object that has one field of another type is none.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

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
            Self::Json(value) if value.is_object() => each_of_json(value, None, visit),
            Self::Json(_) => return None,
            Self::Data(value) => each_of_data(value.as_object()?.iter(), visit),
        }
        Some(())
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
        list.extend(elements.filter_map(T::from_field));
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

/// Shows the fields of an object that are there to `visit`, but those that are `changed`. Of two fields of one
/// name the first counts, as everywhere where JSON is read; a name that is written with an escape is none of
/// the API's.
pub(super) fn each_of_json<'a>(
    object: Json<'a>,
    changed: Option<&Map<String, Value>>,
    visit: &mut dyn FnMut(&'a str, Field<'a>),
) {
    let mut known = Names::default();
    for (name, value) in object.plain_fields() {
        let is_read = !value.is_null() && changed.is_none_or(|changed| !changed.contains_key(name));
        if is_read && known.is_new(name) {
            visit(name, Field::Json(value));
        }
    }
}

/// The names of an object's fields. Most objects need no memory for this.
#[derive(Default)]
struct Names<'a> {
    /// A bit for each length and end of a name: most names are told apart by it.
    ends: u64,
    usual: [&'a str; USUAL_FIELDS],
    count: usize,
    more: BTreeSet<&'a str>,
}

impl<'a> Names<'a> {
    /// Notes a name; whether it was not known.
    fn is_new(&mut self, name: &'a str) -> bool {
        let end = name.bytes().next_back().map_or(0, usize::from);
        let bit = 1 << ((name.len() * 5 + end) % 64);
        let mut usual = self.usual.iter().take(self.count);
        if self.ends & bit != 0 && usual.any(|known| *known == name) {
            return false;
        }
        self.ends |= bit;
        match self.usual.get_mut(self.count) {
            Some(place) => *place = name,
            None => return self.more.insert(name),
        }
        self.count += 1;
        true
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
