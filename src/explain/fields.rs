//! What a template adds, field by field, each with the line that it comes from.

use serde::Serialize;
use serde_json::Value;

use super::lines::{Lines, TemplatePlace};
use crate::inject::patch::unescape;
use crate::inject::trace::{AddedTo, Addition};
use crate::template::Template;

/// One field that a template adds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Field {
    /// Where in the pod, elements by name: `spec.initContainers[pgbouncer].image`.
    pub(crate) path: String,
    /// What is added: text, a number, a boolean, or an empty list or map.
    pub(crate) value: Value,
    /// The line in the template's file; absent where the file is not at hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

/// Every field of these additions.
pub(super) fn of(template: &Template, additions: &[Addition], lines: &mut Lines<'_>) -> Vec<Field> {
    let mut fields = Vec::new();
    for addition in additions {
        let spot = lines.spot(template, addition);
        collect(place(&addition.to), &addition.value, spot, &mut fields);
    }
    fields
}

/// The path of what an addition is added to.
fn place(to: &AddedTo) -> String {
    match to {
        AddedTo::List(list, name) => format!("spec.{}[{name}]", list.field()),
        AddedTo::Container(list, name, pointer) => {
            format!("spec.{}[{name}]{}", list.field(), dotted(pointer))
        }
        AddedTo::Spec(pointer) => format!("spec{}", dotted(pointer)),
        AddedTo::Label(key) => format!("metadata.labels[{key}]"),
        AddedTo::Annotation(key) => format!("metadata.annotations[{key}]"),
    }
}

/// A JSON pointer as a path: positions in brackets.
fn dotted(pointer: &str) -> String {
    let steps = pointer.split('/').skip(1);
    steps
        .map(|step| {
            let step = unescape(step);
            let is_position = step == "-" || step.bytes().all(|byte| byte.is_ascii_digit());
            if is_position {
                format!("[{step}]")
            } else {
                format!(".{step}")
            }
        })
        .collect()
}

/// Adds every leaf of a value.
fn collect(path: String, value: &Value, spot: TemplatePlace<'_>, fields: &mut Vec<Field>) {
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            for (key, value) in entries {
                collect(format!("{path}.{key}"), value, spot.field(key), fields);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for ((index, item), spot) in items.iter().enumerate().zip(spot.elements(items)) {
                collect(format!("{path}[{index}]"), item, spot, fields);
            }
        }
        value => fields.push(Field {
            path,
            value: value.clone(),
            line: spot.line(),
        }),
    }
}
