//! Reading a container: in one pass over its fields, and of long lists only what matters.

use serde_json::Value;

use super::{Container, Place};
use crate::check::pod::field::{Field, FromField, ObjectView as _};
use crate::check::pod::source::{Addition, Source};
use crate::review::may_hold;

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
        source.each(&mut |name, field| {
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
fn insert<'a, T: FromField<'a>>(
    list: &mut Vec<T>,
    addition: &Addition<'a>,
    mut mark: impl FnMut(&mut T),
) {
    let start = addition.index.unwrap_or(list.len()).min(list.len());
    let read = addition.elements().iter().filter_map(|value| {
        let mut element = T::from_field(Field::Data(value))?;
        mark(&mut element);
        Some(element)
    });
    list.splice(start..start, read);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::pod::PortNumber;
    use crate::review::Document;

    #[test]
    fn a_port_is_a_number_or_a_name() {
        let is = |json: &str, expected: fn(Option<PortNumber<'_>>) -> bool| {
            let document = Document::read(json).unwrap();
            assert!(
                expected(FromField::from_field(Field::Json(document.root()))),
                "{json}"
            );
            let data: Value = serde_json::from_str(json).unwrap();
            assert!(
                expected(FromField::from_field(Field::Data(&data))),
                "{json} as data"
            );
        };
        is("8080", |port| {
            matches!(port, Some(PortNumber::Number(8080)))
        });
        is("-1", |port| matches!(port, Some(PortNumber::Number(-1))));
        for json in ["\"http\"", r#""ht\u0074p""#] {
            is(
                json,
                |port| matches!(port, Some(PortNumber::Name(name)) if name.as_str() == "http"),
            );
        }
        for json in ["true", "80.5", "[80]", "18446744073709551615"] {
            is(json, |port| port.is_none());
        }
    }
}
