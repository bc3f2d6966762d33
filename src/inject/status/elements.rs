//! Names of what was added, each with the digest of its content.

use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Names or key paths in the order in which they were added. A digest is `None` where a status has
/// none: policies of the API server cannot make one, and earlier releases wrote none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Elements(Vec<(String, Option<u64>)>);

impl Elements {
    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds an element.
    pub(crate) fn push(&mut self, name: impl Into<String>, digest: u64) {
        self.0.push((name.into(), Some(digest)));
    }

    /// Adds an element without a digest.
    pub(crate) fn push_undigested(&mut self, name: impl Into<String>) {
        self.0.push((name.into(), None));
    }

    /// The names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.0.iter().map(|(name, _)| name)
    }

    /// Names and digests.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Option<u64>)> {
        self.0.iter().map(|(name, digest)| (name.as_str(), *digest))
    }

    /// Keeps the names alone.
    pub(crate) fn forget_digests(&mut self) {
        self.0.iter_mut().for_each(|(_, digest)| *digest = None);
    }

    /// Whether a name is among them.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// Adds those of another list.
    pub(crate) fn append(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Keeps those for which `keep` is true.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&str, Option<u64>) -> bool) {
        self.0.retain(|(name, digest)| keep(name, *digest));
    }
}

impl FromIterator<(String, u64)> for Elements {
    fn from_iter<I: IntoIterator<Item = (String, u64)>>(elements: I) -> Self {
        let elements = elements.into_iter();
        Self(
            elements
                .map(|(name, digest)| (name, Some(digest)))
                .collect(),
        )
    }
}

impl Extend<(String, u64)> for Elements {
    fn extend<I: IntoIterator<Item = (String, u64)>>(&mut self, elements: I) {
        let elements = elements.into_iter();
        self.0
            .extend(elements.map(|(name, digest)| (name, Some(digest))));
    }
}

impl Serialize for Elements {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, digest) in &self.0 {
            match digest {
                Some(digest) => map.serialize_entry(name, &format_args!("{digest:016x}"))?,
                None => map.serialize_entry(name, "")?,
            }
        }
        map.end()
    }
}

/// A map of names to digests, or a list of names alone.
impl<'de> Deserialize<'de> for Elements {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ElementsVisitor;
        impl<'de> Visitor<'de> for ElementsVisitor {
            type Value = Elements;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("names with their digests, or a list of names")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Elements, A::Error> {
                let mut elements = Elements::default();
                while let Some((name, digest)) = map.next_entry::<String, String>()? {
                    elements
                        .0
                        .push((name, u64::from_str_radix(&digest, 16).ok()));
                }
                Ok(elements)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Elements, A::Error> {
                let mut elements = Elements::default();
                while let Some(name) = list.next_element::<String>()? {
                    elements.0.push((name, None));
                }
                Ok(elements)
            }
        }
        deserializer.deserialize_any(ElementsVisitor)
    }
}
