//! Compiling the parts of a template that become parts of a pod.

mod text;

use serde_json::Value;

use super::Errors;
use super::reader::join;
use crate::expression::{Scope, Type};
use crate::kubernetes::schema::{self, FieldType};
use crate::template::fragment::{Condition, Fragment, Slot, volume_field};
use crate::template::node::{Entry, Node, NodeValue};
use crate::wording::did_you_mean;
use text::compile_text;
pub(super) use text::{expression, origin};

/// The key that keeps or removes the map in which it stands.
pub(crate) const WHEN: &str = "$when";

/// What names mean where a fragment stands.
#[derive(Clone, Copy)]
pub(super) struct CompileScope<'m> {
    pub(crate) scope: &'m Scope,
    /// The template's own volumes.
    pub(crate) volumes: &'m [String],
}

/// Compiles what goes into a slot. `None` where it is null, or wrong (which is noted).
pub(super) fn compile(
    errors: &mut Errors<'_>,
    node: &Node,
    path: &str,
    slot: &Slot,
    meaning: CompileScope<'_>,
) -> Option<Fragment> {
    match &node.value {
        NodeValue::Null => None,
        NodeValue::Text(text) => compile_text(errors, node, text, path, slot, meaning.scope),
        NodeValue::List(items) => compile_list(errors, node, items, path, slot, meaning),
        NodeValue::Map(entries) => compile_map(errors, node, entries, path, slot, meaning),
        _ => constant(errors, node, path, slot),
    }
}

/// A number or boolean, as the slot takes it.
fn constant(errors: &mut Errors<'_>, node: &Node, path: &str, slot: &Slot) -> Option<Fragment> {
    let value = node.to_json();
    let fits_32 = value
        .as_i64()
        .is_some_and(|number| i32::try_from(number).is_ok());
    let fits = match &slot.ty {
        FieldType::Any => true,
        FieldType::Boolean => value.is_boolean(),
        FieldType::Integer32 | FieldType::IntegerOrText => fits_32,
        FieldType::Integer64 => value.is_i64(),
        FieldType::Number => value.is_number(),
        FieldType::Quantity if value.is_number() => {
            return Some(Fragment::constant(value.to_string()));
        }
        FieldType::Text if slot.scalars_as_text && !matches!(node.value, NodeValue::Number(_)) => {
            return Some(Fragment::constant(value.to_string()));
        }
        _ => false,
    };
    if fits {
        return Some(Fragment::constant(value));
    }
    let quote = if slot.ty == FieldType::Text {
        ": put it in quotes"
    } else {
        ""
    };
    let bits = if value.is_i64() && slot.ty == FieldType::Integer32 {
        " of at most 32 bits"
    } else {
        ""
    };
    let message = format!(
        "expected {}{bits}, found {}{quote}",
        slot.ty.words(),
        node.words()
    );
    errors.add(node.place, path, message);
    None
}

fn compile_list(
    errors: &mut Errors<'_>,
    node: &Node,
    items: &[Node],
    path: &str,
    slot: &Slot,
    meaning: CompileScope<'_>,
) -> Option<Fragment> {
    let Some(element) = slot.element() else {
        errors.add(
            node.place,
            path,
            format!("expected {}, found a list", slot.ty.words()),
        );
        return None;
    };
    let fragments = items
        .iter()
        .enumerate()
        .filter_map(|(index, item)| {
            compile(errors, item, &format!("{path}[{index}]"), &element, meaning)
        })
        .collect();
    Some(folded_list(fragments))
}

fn folded_list(fragments: Vec<Fragment>) -> Fragment {
    if fragments
        .iter()
        .all(|fragment| matches!(fragment, Fragment::Constant(_)))
    {
        let values = fragments.into_iter().filter_map(|fragment| match fragment {
            Fragment::Constant(constant) => Some(constant.value().clone()),
            _ => None,
        });
        return Fragment::constant(values.collect::<Value>());
    }
    Fragment::List(fragments)
}

fn compile_map(
    errors: &mut Errors<'_>,
    node: &Node,
    entries: &[Entry],
    path: &str,
    slot: &Slot,
    meaning: CompileScope<'_>,
) -> Option<Fragment> {
    if !matches!(
        slot.ty,
        FieldType::Object(_) | FieldType::Map(_) | FieldType::Any
    ) {
        errors.add(
            node.place,
            path,
            format!("expected {}, found a map", slot.ty.words()),
        );
        return None;
    }
    let condition = when(errors, node, path, meaning.scope);
    require_fields(errors, node, path, slot);
    let own_volume = own_volume(errors, entries, path, slot, meaning.volumes);
    let mut fields = Vec::with_capacity(entries.len());
    for entry in entries.iter().filter(|entry| entry.key != WHEN) {
        let field_path = join(path, &entry.key);
        let Some(inner) = field_slot(errors, entry, &field_path, slot) else {
            continue;
        };
        if let Some(fragment) = compile(errors, &entry.value, &field_path, &inner, meaning) {
            fields.push((entry.key.clone(), fragment));
        }
    }
    let mut fragment = folded_map(fields);
    if own_volume.is_some() || names_volume_by_expression(entries, slot) {
        fragment = Fragment::Mount(own_volume, Box::new(fragment), origin(node.place, path));
    }
    Some(guarded(fragment, condition))
}

/// A fragment that is there only where its condition holds.
pub(super) fn guarded(fragment: Fragment, condition: Option<Condition>) -> Fragment {
    match condition {
        Some(condition) => Fragment::When(Box::new(condition), Box::new(fragment)),
        None => fragment,
    }
}

fn folded_map(fields: Vec<(String, Fragment)>) -> Fragment {
    if fields
        .iter()
        .all(|(_, fragment)| matches!(fragment, Fragment::Constant(_)))
    {
        let values = fields
            .into_iter()
            .filter_map(|(key, fragment)| match fragment {
                Fragment::Constant(constant) => Some((key, constant.value().clone())),
                _ => None,
            });
        return Fragment::constant(Value::Object(values.collect()));
    }
    let fields = fields.into_iter();
    Fragment::Object(fields.map(|(key, part)| (key.into(), part)).collect())
}

/// The slot of a map's entry; a key that is wrong is noted.
pub(super) fn field_slot(
    errors: &mut Errors<'_>,
    entry: &Entry,
    path: &str,
    slot: &Slot,
) -> Option<Slot> {
    if entry.key.contains("${") {
        errors.add(entry.place, path, "an expression cannot stand in a key");
        return None;
    }
    let inner = slot.field(&entry.key);
    if let (None, FieldType::Object(name)) = (&inner, &slot.ty) {
        let known = schema::definition(name)
            .into_iter()
            .flatten()
            .map(|(field, _)| field.as_str());
        let hint = did_you_mean(&entry.key, known);
        errors.add(
            entry.place,
            path,
            format!("unknown field `{}` of {name}{hint}", entry.key),
        );
    }
    inner
}

/// Notes the fields without which the API server refuses the object.
fn require_fields(errors: &mut Errors<'_>, node: &Node, path: &str, slot: &Slot) {
    let FieldType::Object(name) = &slot.ty else {
        return;
    };
    for (field, declared) in schema::definition(name).into_iter().flatten() {
        let missing = node
            .get(field)
            .is_none_or(|value| matches!(value.value, NodeValue::Null));
        if declared.required && missing {
            errors.add(node.place, path, format!("the field `{field}` is required"));
        }
    }
}

/// The condition of a map's `$when`.
pub(super) fn when(
    errors: &mut Errors<'_>,
    node: &Node,
    path: &str,
    scope: &Scope,
) -> Option<Condition> {
    let node = node.get(WHEN)?;
    condition(errors, node, &join(path, WHEN), scope)
}

/// A node whose text is a condition, or that is a plain boolean.
pub(super) fn condition(
    errors: &mut Errors<'_>,
    node: &Node,
    path: &str,
    scope: &Scope,
) -> Option<Condition> {
    let source = match &node.value {
        NodeValue::Text(text) => text.clone(),
        NodeValue::Boolean(value) => value.to_string(),
        _ => {
            errors.add(
                node.place,
                path,
                format!("expected an expression, found {}", node.words()),
            );
            return None;
        }
    };
    if source.trim_start().starts_with("${") {
        errors.add(
            node.place,
            path,
            "this is an expression already: write it without `${` and `}`",
        );
        return None;
    }
    let expression = expression(errors, node, &source, 0, path, scope)?;
    if !matches!(expression.result(), Type::Boolean | Type::Any) {
        let message = format!(
            "expected true or false, but this gives {}",
            expression.result()
        );
        errors.add(node.place, path, message);
        return None;
    }
    Some(Condition {
        expression,
        origin: origin(node.place, path),
    })
}

/// The entry with which a slot names a volume, and its text.
fn volume_entry<'e>(entries: &'e [Entry], slot: &Slot) -> Option<(&'e Entry, &'e str)> {
    let FieldType::Object(definition) = &slot.ty else {
        return None;
    };
    let field = volume_field(definition)?;
    let entry = entries.iter().find(|entry| entry.key == field)?;
    Some((entry, entry.value.text()?))
}

fn names_volume_by_expression(entries: &[Entry], slot: &Slot) -> bool {
    volume_entry(entries, slot).is_some_and(|(_, text)| text.contains("${"))
}

/// The template's own volume that a mount names literally; one from an
/// expression is the pod's of that name, else the template's.
fn own_volume(
    errors: &mut Errors<'_>,
    entries: &[Entry],
    path: &str,
    slot: &Slot,
    volumes: &[String],
) -> Option<String> {
    let (entry, text) = volume_entry(entries, slot)?;
    if text.contains("${") {
        return None;
    }
    if volumes.iter().any(|volume| volume == text) {
        return Some(text.to_owned());
    }
    let hint = did_you_mean(text, volumes.iter().map(String::as_str));
    let message = format!(
        "the template has no volume `{text}`{hint} (a volume of the pod's own is named by an \
         expression)"
    );
    errors.add(entry.value.place, &join(path, &entry.key), message);
    None
}
