//! Typed views of a value that was read: they borrow from its text and read nothing again.

use serde::de::value::{CowStrDeserializer, MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, Error, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::Number;

use super::{Json, Kind};

/// Integers of at most so many characters fit into 64 bits.
const SURELY_FITS: usize = 18;

impl<'de> Json<'de> {
    fn visit_number<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, serde_json::Error> {
        let raw = self.raw();
        if raw.len() <= SURELY_FITS && raw.bytes().all(|byte| byte.is_ascii_digit()) {
            let number = raw
                .bytes()
                .fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
            return visitor.visit_u64(number);
        }
        serde_json::from_str::<Number>(raw)?.deserialize_any(visitor)
    }

    fn visit_text<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, serde_json::Error> {
        let node = self.node();
        match node.kind {
            Kind::Text => visitor.visit_borrowed_str(self.slice(node.start, node.end)),
            _ => visitor.visit_string(serde_json::from_str(self.raw())?),
        }
    }
}

impl<'de> Deserializer<'de> for Json<'de> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.node().kind {
            Kind::Null => visitor.visit_unit(),
            Kind::True => visitor.visit_bool(true),
            Kind::False => visitor.visit_bool(false),
            Kind::Number => self.visit_number(visitor),
            Kind::Text | Kind::Escaped => self.visit_text(visitor),
            Kind::List => visitor.visit_seq(SeqDeserializer::new(self.elements())),
            Kind::Object => {
                let fields = self.fields();
                visitor.visit_map(MapDeserializer::new(
                    fields.map(|(key, value)| (Key(key), value)),
                ))
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.node().kind {
            Kind::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_unit()
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        let text = self.as_text();
        let word = text.ok_or_else(|| Error::custom("expected a word"))?;
        visitor.visit_enum(CowStrDeserializer::new(word))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier
    }
}

impl<'de> IntoDeserializer<'de, serde_json::Error> for Json<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// A key of an object.
struct Key<'de>(std::borrow::Cow<'de, str>);

impl<'de> IntoDeserializer<'de, serde_json::Error> for Key<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Key<'de> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.0 {
            std::borrow::Cow::Borrowed(key) => visitor.visit_borrowed_str(key),
            std::borrow::Cow::Owned(key) => visitor.visit_string(key),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
