//! Reading a container: in one pass over its fields, and of long lists only what matters.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use serde_json::Value;

use super::{Container, Place, PortNumber};
use crate::check::pod::source::{Addition, Field, Source};
use crate::review::{Text, may_hold};

impl<'a> Container<'a> {
    /// Reads a container; `additions`: what templates added to its lists.
    pub(crate) fn read(
        place: Place,
        name: &'a str,
        added_by: Option<&'a str>,
        source: Source<'a>,
        additions: &[Addition<'a>],
    ) -> Self {
        let mut container = Self {
            place,
            name,
            added_by,
            resources_before: source.before("resources"),
            security_before: source.before("securityContext"),
            ..Self::default()
        };
        source.each(|name, field| {
            if name != "env" || matters(place, field, additions) {
                container.take(name, field);
            }
        });
        if added_by.is_some() {
            container
                .ports
                .iter_mut()
                .for_each(|port| port.by = added_by);
            container.env.iter_mut().for_each(|env| env.by = added_by);
            container
                .mounts
                .iter_mut()
                .for_each(|mount| mount.by = added_by);
        }
        for addition in additions {
            container.add(addition);
        }
        container
    }

    fn add(&mut self, addition: &Addition<'a>) {
        let by = Some(addition.template);
        match addition.list {
            "ports" => insert(&mut self.ports, addition, |port| port.by = by),
            "env" => insert(&mut self.env, addition, |env| env.by = by),
            "volumeMounts" => insert(&mut self.mounts, addition, |mount| mount.by = by),
            _ => {}
        }
    }
}

/// Whether the checks look at the user's own variables. They do where one may have the name of a
/// template's, where a template's text refers to others, and in steps, whose values show whom they
/// talk to; a regular container may have many, and mostly none of that.
fn matters(place: Place, field: Field<'_>, additions: &[Addition<'_>]) -> bool {
    let (Place::Regular(_), Field::Json(json)) = (place, field) else {
        return true;
    };
    let elements = |list: &'static str| {
        let of_list = additions
            .iter()
            .filter(move |addition| addition.list == list);
        of_list.flat_map(Addition::elements)
    };
    let refers = elements("env").any(|env| {
        let value = env.get("value").and_then(Value::as_str);
        value.is_some_and(|value| value.contains("$("))
    }) || elements("volumeMounts").any(|mount| mount.get("subPathExpr").is_some());
    let behind = |addition: &Addition<'_>| addition.list == "env" && addition.index.is_none();
    let names = elements("env").filter_map(|env| env.get("name")?.as_str());
    refers || additions.iter().any(behind) || may_hold(json.raw(), names)
}

/// Inserts what a template added. An addition to a field as a whole brings the whole list.
fn insert<'a, T: Deserialize<'a>>(
    list: &mut Vec<T>,
    addition: &Addition<'a>,
    mut mark: impl FnMut(&mut T),
) {
    let start = addition.index.unwrap_or(list.len()).min(list.len());
    let read = addition.elements().iter().filter_map(|value| {
        let mut element = T::deserialize(value).ok()?;
        mark(&mut element);
        Some(element)
    });
    list.splice(start..start, read);
}

// By hand: serde tries the kinds of an enum without tags one by one, each on a copy.
impl<'de: 'a, 'a> Deserialize<'de> for PortNumber<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PortVisitor;
        impl<'de> Visitor<'de> for PortVisitor {
            type Value = PortNumber<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a port's number or name")
            }

            fn visit_i64<E>(self, number: i64) -> Result<PortNumber<'de>, E> {
                Ok(PortNumber::Number(number))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<PortNumber<'de>, E> {
                let number = i64::try_from(number).map_err(E::custom)?;
                Ok(PortNumber::Number(number))
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<PortNumber<'de>, E> {
                Ok(PortNumber::Name(Text(Cow::Borrowed(name))))
            }

            fn visit_str<E>(self, name: &str) -> Result<PortNumber<'de>, E> {
                Ok(PortNumber::Name(Text(Cow::Owned(name.to_owned()))))
            }
        }
        deserializer.deserialize_any(PortVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_a_number_or_a_name() {
        let read = |json| serde_json::from_str::<PortNumber<'_>>(json);
        assert!(matches!(read("8080"), Ok(PortNumber::Number(8080))));
        assert!(matches!(read("-1"), Ok(PortNumber::Number(-1))));
        for json in ["\"http\"", r#""ht\u0074p""#] {
            assert!(matches!(read(json), Ok(PortNumber::Name(name)) if name.as_str() == "http"));
        }
        for json in ["null", "true", "80.5", "[80]", "18446744073709551615"] {
            assert!(read(json).is_err(), "{json}");
        }
    }
}
