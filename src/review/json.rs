//! JSON that is read once: an index over a text, in which every part is found without reading again.
//!
//! One review is asked for names by the selection, for fields by expressions and the merge, and for typed
//! views by the checks. Reading it notes where each value begins and ends, in 16 bytes and one list;
//! whatever is asked later borrows from the text.

mod deserializer;
mod reader;

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{Error, IgnoredAny};
use serde_json::Value;

use super::object::Text;

/// What a node of the index is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Null,
    True,
    False,
    Number,
    /// A text without escapes.
    Text,
    /// A text that is read otherwise than it is written.
    Escaped,
    List,
    /// An object; its nodes are keys and values in turn.
    Object,
}

/// One value, or one key of an object.
#[derive(Debug, Clone, Copy)]
struct Node {
    kind: Kind,
    /// Where it is written; of a text what is between the quotes.
    start: u32,
    end: u32,
    /// The index of the node behind it and all that is in it.
    next: u32,
}

/// A text that was read as JSON.
#[derive(Debug, Clone)]
pub struct Document<'a> {
    text: &'a str,
    nodes: Vec<Node>,
}

impl<'a> Document<'a> {
    /// Reads a text.
    pub fn read(text: &'a str) -> Result<Self, serde_json::Error> {
        match reader::read(text) {
            Some(nodes) => Ok(Self { text, nodes }),
            None => Err(why_unreadable(text)),
        }
    }

    /// The value that the text is.
    pub fn root(&self) -> Json<'_> {
        Json {
            text: self.text,
            nodes: &self.nodes,
            at: 0,
        }
    }
}

/// Why a text is not JSON, with the place.
fn why_unreadable(text: &str) -> serde_json::Error {
    match serde_json::from_str::<IgnoredAny>(text) {
        Err(error) => error,
        Ok(_) => Error::custom("the JSON is nested too deep, or too long"),
    }
}

/// A value of a document.
#[derive(Debug, Clone, Copy)]
pub struct Json<'d> {
    text: &'d str,
    nodes: &'d [Node],
    at: u32,
}

impl<'d> Json<'d> {
    fn node(self) -> Node {
        const NULL: Node = Node {
            kind: Kind::Null,
            start: 0,
            end: 0,
            next: 0,
        };
        self.nodes.get(self.at as usize).copied().unwrap_or(NULL)
    }

    fn at(self, at: u32) -> Self {
        Self { at, ..self }
    }

    fn slice(self, start: u32, end: u32) -> &'d str {
        self.text
            .get(start as usize..end as usize)
            .unwrap_or_default()
    }

    /// The value as it is written.
    pub(crate) fn raw(self) -> &'d str {
        let Node {
            kind, start, end, ..
        } = self.node();
        match kind {
            Kind::Text | Kind::Escaped => self.slice(start.saturating_sub(1), end + 1),
            _ => self.slice(start, end),
        }
    }

    /// How many values and keys it has, itself included.
    pub(crate) fn size(self) -> usize {
        self.node().next.saturating_sub(self.at) as usize
    }

    /// Whether the value is null.
    pub(crate) fn is_null(self) -> bool {
        self.node().kind == Kind::Null
    }

    /// Whether the value is an object.
    pub(crate) fn is_object(self) -> bool {
        self.node().kind == Kind::Object
    }

    /// The text that the value is; `None` where it is something else.
    pub(crate) fn as_text(self) -> Option<Cow<'d, str>> {
        let Node {
            kind, start, end, ..
        } = self.node();
        match kind {
            Kind::Text => Some(Cow::Borrowed(self.slice(start, end))),
            Kind::Escaped => serde_json::from_str(self.raw()).ok().map(Cow::Owned),
            _ => None,
        }
    }

    /// The boolean that the value is.
    pub(crate) fn as_bool(self) -> Option<bool> {
        match self.node().kind {
            Kind::True => Some(true),
            Kind::False => Some(false),
            _ => None,
        }
    }

    /// The number that the value is, as it is written.
    pub(crate) fn number(self) -> Option<&'d str> {
        (self.node().kind == Kind::Number).then(|| self.raw())
    }

    /// The elements of a list; none where the value is something else.
    pub(crate) fn elements(self) -> Children<'d> {
        self.children(Kind::List)
    }

    /// Whether the value is a list.
    pub(crate) fn is_list(self) -> bool {
        self.node().kind == Kind::List
    }

    fn children(self, of: Kind) -> Children<'d> {
        let Node { kind, next, .. } = self.node();
        Children {
            json: self,
            at: self.at + 1,
            end: if kind == of { next } else { self.at + 1 },
        }
    }

    /// The fields of an object, in their order; none where the value is something else.
    pub(crate) fn fields(self) -> impl Iterator<Item = (Cow<'d, str>, Json<'d>)> {
        let mut nodes = self.children(Kind::Object);
        std::iter::from_fn(move || {
            let key = nodes.next()?;
            Some((key.as_text().unwrap_or_default(), nodes.next()?))
        })
    }

    /// The same, but for those whose name is written with an escape.
    pub(crate) fn plain_fields(self) -> impl Iterator<Item = (&'d str, Json<'d>)> {
        let mut nodes = self.children(Kind::Object);
        std::iter::from_fn(move || {
            loop {
                let (key, value) = (nodes.next()?.node(), nodes.next()?);
                if key.kind == Kind::Text {
                    return Some((self.slice(key.start, key.end), value));
                }
            }
        })
    }

    /// A field's value, of two of one name the first; null counts as absent, as in the API server.
    pub(crate) fn get(self, name: &str) -> Option<Self> {
        let mut nodes = self.children(Kind::Object);
        while let Some(key) = nodes.next() {
            let value = nodes.next()?;
            let Node {
                kind, start, end, ..
            } = key.node();
            let is_it = match kind {
                Kind::Text => self.slice(start, end) == name,
                _ => key.as_text().is_some_and(|text| text == name),
            };
            if is_it {
                return (!value.is_null()).then_some(value);
            }
        }
        None
    }

    /// A field's value, where it is there and of this type.
    pub(crate) fn get_as<T: Deserialize<'d>>(self, name: &str) -> Option<T> {
        T::deserialize(self.get(name)?).ok()
    }

    /// A field's text.
    pub(crate) fn text(self, name: &str) -> Option<Cow<'d, str>> {
        self.get(name)?.as_text()
    }

    /// The value as this type; where it is another, the error names the place in the value.
    pub(crate) fn read_as<T: Deserialize<'d>>(self) -> Result<T, serde_json::Error> {
        match T::deserialize(self) {
            Ok(value) => Ok(value),
            // Read once more, as the index knows no lines and columns.
            Err(error) => match serde_json::from_str::<T>(self.raw()) {
                Err(placed) => Err(placed),
                Ok(_) => Err(error),
            },
        }
    }

    /// The value as data of its own.
    pub(crate) fn to_value(self) -> Value {
        Value::deserialize(self).unwrap_or_default()
    }
}

/// Nodes that stand beside each other.
#[derive(Debug, Clone)]
pub(crate) struct Children<'d> {
    json: Json<'d>,
    at: u32,
    end: u32,
}

impl<'d> Iterator for Children<'d> {
    type Item = Json<'d>;

    fn next(&mut self) -> Option<Json<'d>> {
        if self.at >= self.end {
            return None;
        }
        let child = self.json.at(self.at);
        // A node is never in front of itself, so that this ends.
        self.at = child.node().next.max(self.at + 1);
        Some(child)
    }
}

impl<'d> From<Json<'d>> for Text<'d> {
    /// The text; empty where the value is something else.
    fn from(json: Json<'d>) -> Self {
        Self(json.as_text().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests;
