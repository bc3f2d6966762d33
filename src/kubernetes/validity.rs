//! What the API server asks of the parts of a pod beyond their types.
//!
//! A template that loads gives valid pods. So what is known of its containers, volumes and pod
//! fields at load is checked here as the API server checks it
//! (kubernetes/kubernetes:pkg/apis/core/validation/validation.go), and what expressions give is
//! checked the same way on each pod. `null` stands for what is not known yet, and a map with
//! `$when` for one that may be absent: neither is ever held against a template.
//!
//! Words, ranges and spellings are tables; what relates several fields is in the modules below.
//! Where versions of Kubernetes differ, the strictest supported one (1.30) decides.

mod container;
mod probe;
mod relations;
pub(crate) mod resources;
mod scheduling;
mod tables;
mod volumes;

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::names;
use super::object::ReadObject;
use super::schema::{self, FieldType};

/// The key of a map that may be absent.
const WHEN: &str = "$when";

/// Where a value comes from: constants were checked when their template was loaded.
pub(crate) trait ValueOrigin {
    /// The origin of a field's value.
    fn field(&self, name: &str) -> Option<&dyn ValueOrigin>;

    /// Whether the value is the same for every pod.
    fn is_constant(&self) -> bool;
}

/// A step from an object to something inside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Field(Cow<'static, str>),
    /// An element of a list.
    Index(usize),
}

/// Something that the API server refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Where, from the object that was checked.
    pub(crate) path: Vec<Step>,
    /// What is wrong and what would be right.
    pub(crate) message: String,
}

impl Problem {
    /// The path in words, such as `env[0].name`; empty for the object itself.
    pub(crate) fn field(&self) -> String {
        let mut words = String::new();
        for step in &self.path {
            match step {
                Step::Field(name) if words.is_empty() => words.push_str(name),
                Step::Field(name) => {
                    words.push('.');
                    words.push_str(name);
                }
                Step::Index(index) => {
                    words.push('[');
                    words.push_str(&index.to_string());
                    words.push(']');
                }
            }
        }
        words
    }
}

/// The problems of one object, as they are found.
#[derive(Debug, Default)]
struct Problems {
    path: Vec<Step>,
    list: Vec<Problem>,
}

impl Problems {
    /// Notes a problem of the object itself.
    fn here(&mut self, message: impl Into<String>) {
        self.list.push(Problem {
            path: self.path.clone(),
            message: message.into(),
        });
    }

    /// Notes a problem of something below.
    fn at<const N: usize>(&mut self, steps: [Step; N], message: impl Into<String>) {
        let mut path = self.path.clone();
        path.extend(steps);
        let message = message.into();
        self.list.push(Problem { path, message });
    }

    fn below(&mut self, step: Step, check: impl FnOnce(&mut Self)) {
        self.path.push(step);
        check(self);
        self.path.pop();
    }
}

/// The step to a field.
fn field(name: &str) -> Step {
    Step::Field(Cow::Owned(name.to_owned()))
}

/// Checks an object of an API type, such as `Container`, with all that is in it.
pub(crate) fn check(definition: &str, value: &Value) -> Vec<Problem> {
    let mut problems = Problems::default();
    walk(
        &mut problems,
        &FieldType::Object(definition.to_owned()),
        value,
        None,
    );
    problems.list
}

/// Checks the fields that a fragment gave for an object of an API type. What is constant in it was
/// checked when its template was loaded: of that only how it stands to the rest is looked at.
pub(crate) fn check_fields(
    definition: &str,
    fields: &dyn ReadObject,
    origin: &dyn ValueOrigin,
) -> Vec<Problem> {
    let mut problems = Problems::default();
    object(&mut problems, definition, fields, Some(origin));
    problems.list
}

/// Checks a value; `fragment`: what gave it, where that is known.
fn walk(problems: &mut Problems, ty: &FieldType, value: &Value, origin: Option<&dyn ValueOrigin>) {
    match (ty, value) {
        (FieldType::Object(definition), Value::Object(fields)) => {
            object(problems, definition, fields, origin);
        }
        // Elements that were left out have moved the others, so that it is not known which fragment
        // gave which.
        (FieldType::List(element), Value::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                let step = Step::Index(index);
                problems.below(step, |problems| walk(problems, element, item, None));
            }
        }
        _ => {}
    }
}

fn object(
    problems: &mut Problems,
    definition: &str,
    fields: &dyn ReadObject,
    origin: Option<&dyn ValueOrigin>,
) {
    let known = schema::definition(definition);
    fields.each(&mut |name, value| {
        let declared = known.and_then(|known| known.get(name));
        if let Some(facts) = declared.and_then(|declared| declared.facts) {
            tables::field_value(problems, facts, value);
        }
    });
    tables::one_of(problems, definition, fields);
    tables::required(problems, definition, fields);
    relations::check(problems, definition, fields);
    fields.each(&mut |name, value| {
        let origin = origin.and_then(|origin| origin.field(name));
        let is_scalar = !matches!(value, Value::Object(_) | Value::Array(_));
        if is_scalar || origin.is_some_and(ValueOrigin::is_constant) {
            return;
        }
        let declared = known.and_then(|known| known.get_key_value(name));
        if let Some((name, declared)) = declared {
            let step = Step::Field(Cow::Borrowed(name));
            problems.below(step, |problems| {
                walk(problems, &declared.ty, value, origin);
            });
        }
    });
}

/// A field's text, where it is known.
fn text<'v>(fields: &'v dyn ReadObject, name: &str) -> Option<&'v str> {
    fields.get(name).and_then(Value::as_str)
}

/// The objects of a list field with their indices; those that may be absent are left out.
fn certain<'v>(
    fields: &'v dyn ReadObject,
    name: &str,
) -> impl Iterator<Item = (usize, &'v Map<String, Value>)> {
    let items = fields.get(name).and_then(Value::as_array);
    items
        .into_iter()
        .flatten()
        .enumerate()
        .filter_map(|(index, item)| Some((index, item.as_object()?)))
        .filter(|(_, item)| !item.contains_key(WHEN))
}

/// Whether a value surely stands there: it is known, and no `$when` can remove it.
fn is_certain(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Object(fields) => !fields.contains_key(WHEN),
        _ => true,
    }
}

#[cfg(test)]
mod tests;
