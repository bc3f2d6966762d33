//! Checks what is known of a template at load as the API server would check the pod.
//!
//! What an expression decides is unknown here, and is checked when a pod has given it a value.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Errors;
use super::fragment::WHEN;
use super::reader::join;
use crate::kubernetes::validity::{self, Step};
use crate::template::node::{Node, NodeValue};
use crate::template::text::{self, TextSegment};

/// Checks a node as an object of an API type, without the fields that are the language's own.
pub(super) fn check(
    errors: &mut Errors<'_>,
    definition: &str,
    node: &Node,
    path: &str,
    own_fields: &[&str],
) {
    let mut value = known(node);
    if let Value::Object(fields) = &mut value {
        fields.retain(|name, _| !own_fields.contains(&name.as_str()));
    }
    for problem in validity::check(definition, &value) {
        let (at, field) = resolve(node, path, &problem.path);
        errors.add(at.place, &field, problem.message);
    }
}

/// Checks a container, one that a template adds or what it gives the app's.
pub(super) fn container(errors: &mut Errors<'_>, node: &Node, path: &str) {
    check(errors, "Container", node, path, &["waitForReady"]);
    twice(errors, node, path, "ports", |item| {
        let protocol = item.get("protocol").map_or(Some("TCP"), Node::text)?;
        let NodeValue::Integer(port) = item.get("containerPort")?.value else {
            return None;
        };
        Some(format!("{port}/{protocol}"))
    });
    twice(errors, node, path, "env", |item| {
        Some(item.get("name")?.text()?.to_owned())
    });
}

/// Notes elements of a list with the same merge key: the API server takes them with a warning, but
/// only one of them counts.
fn twice(
    errors: &mut Errors<'_>,
    node: &Node,
    path: &str,
    list: &str,
    key: impl Fn(&Node) -> Option<String>,
) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let Some(NodeValue::List(items)) = node.get(list).map(|node| &node.value) else {
        return;
    };
    for (index, item) in items.iter().enumerate() {
        let Some(key) = key(item).filter(|key| !key.contains("${") && item.get(WHEN).is_none())
        else {
            continue;
        };
        if let Some(first) = seen.insert(key.clone(), index) {
            let message = format!("duplicate entry `{key}` (also {list}[{first}])");
            errors.add(
                item.place,
                &format!("{}[{index}]", join(path, list)),
                message,
            );
        }
    }
}

/// What is known of a node: data, with `null` where an expression decides.
fn known(node: &Node) -> Value {
    match &node.value {
        NodeValue::Text(written) => match text::split(written).as_deref() {
            Ok([]) => Value::String(String::new()),
            Ok([TextSegment::Literal(literal)]) => Value::String(literal.clone()),
            _ => Value::Null,
        },
        NodeValue::List(items) => items.iter().map(known).collect(),
        NodeValue::Map(entries) => entries
            .iter()
            .filter(|entry| entry.value.value != NodeValue::Null)
            .map(|entry| (entry.key.clone(), known(&entry.value)))
            .collect::<Map<_, _>>()
            .into(),
        _ => node.to_json(),
    }
}

/// The node that a path leads to, and the path in words.
fn resolve<'n>(node: &'n Node, path: &str, steps: &[Step]) -> (&'n Node, String) {
    let mut at = node;
    let mut words = path.to_owned();
    for step in steps {
        let next = match (step, &at.value) {
            (Step::Field(name), _) => {
                words = join(&words, name);
                at.get(name)
            }
            (Step::Index(index), NodeValue::List(items)) => {
                words = format!("{words}[{index}]");
                items.get(*index)
            }
            _ => None,
        };
        at = next.unwrap_or(at);
    }
    (at, words)
}
