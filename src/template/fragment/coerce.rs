//! Fitting the value of an expression into its field.

use std::borrow::Cow;

use serde_json::{Map, Number, Value};

use super::Slot;
use crate::expression::Type;
use crate::kubernetes::quantity::Quantity;
use crate::kubernetes::schema::{self, FieldType};

/// A value that its field cannot hold. The value itself is not named: it may be secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}expected {wanted}, the expression gave {found}", at(path))]
pub(crate) struct MismatchError {
    /// The path below the field, where the value is a list or map.
    path: String,
    wanted: String,
    found: &'static str,
}

fn at(path: &str) -> String {
    if path.is_empty() {
        String::new()
    } else {
        format!("at {path}: ")
    }
}

impl MismatchError {
    fn new(slot: &Slot, value: &Value) -> Self {
        Self {
            path: String::new(),
            wanted: slot.ty.words(),
            found: kind(value),
        }
    }

    fn below(mut self, step: &str) -> Self {
        self.path = format!(
            "{step}{}{}",
            if self.path.is_empty() { "" } else { "." },
            self.path
        );
        self
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

/// The text of a scalar.
pub(in crate::template) fn scalar_text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number_text(number))),
        Value::Bool(boolean) => Some(Cow::Owned(boolean.to_string())),
        _ => None,
    }
}

/// A number as `string(…)` of an expression writes it: `1` where JSON has `1.0`.
fn number_text(number: &Number) -> String {
    let mut text = number.to_string();
    if text.ends_with(".0") {
        text.truncate(text.len() - 2);
    }
    text
}

/// Fits a value into a slot; `None` where it is null and so left out.
///
/// A `verbatim` value is the user's own: fields that this version of the API
/// types does not know are kept.
pub(super) fn coerce(
    value: Value,
    slot: &Slot,
    verbatim: bool,
) -> Result<Option<Value>, MismatchError> {
    if value.is_null() {
        return Ok(None);
    }
    let fitted = match (&slot.ty, value) {
        (FieldType::Any, value) => without_nulls(value),
        (FieldType::Text, Value::String(text)) => match slot.interpolated(&text) {
            Cow::Owned(doubled) => Value::String(doubled),
            Cow::Borrowed(_) => Value::String(text),
        },
        (FieldType::Text, value) if slot.scalars_as_text => match scalar_text(&value) {
            Some(text) => Value::String(text.into_owned()),
            None => return Err(MismatchError::new(slot, &value)),
        },
        (FieldType::Integer32, value) if fits_32(&value) => value,
        (FieldType::Integer64, value) if value.is_i64() => value,
        (FieldType::Number, value) if value.is_number() => value,
        (FieldType::Boolean, value) if value.is_boolean() => value,
        (FieldType::IntegerOrText, value) if value.is_string() || fits_32(&value) => value,
        (FieldType::Quantity, value) => match quantity(&value) {
            Some(text) => Value::String(text),
            None => return Err(MismatchError::new(slot, &value)),
        },
        (FieldType::List(_), Value::Array(items)) => list(items, slot, verbatim)?,
        (FieldType::Map(_) | FieldType::Object(_), Value::Object(fields)) => {
            object(fields, slot, verbatim)?
        }
        (_, value) => return Err(MismatchError::new(slot, &value)),
    };
    Ok(Some(fitted))
}

/// A quantity as the API server reads it: a text stays as it is written, a number becomes text.
fn quantity(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => text.parse::<Quantity>().ok().map(|_| text.clone()),
        Value::Number(number) => Some(number.to_string().parse::<Quantity>().ok()?.to_string()),
        _ => None,
    }
}

fn fits_32(value: &Value) -> bool {
    value
        .as_i64()
        .is_some_and(|number| i32::try_from(number).is_ok())
}

fn list(items: Vec<Value>, slot: &Slot, verbatim: bool) -> Result<Value, MismatchError> {
    let Some(element) = slot.element() else {
        return Ok(Value::Array(items));
    };
    let mut fitted = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        let item = coerce(item, &element, verbatim)
            .map_err(|mismatch| mismatch.below(&format!("[{index}]")))?;
        fitted.extend(item);
    }
    Ok(Value::Array(fitted))
}

fn object(fields: Map<String, Value>, slot: &Slot, verbatim: bool) -> Result<Value, MismatchError> {
    let mut fitted = Map::with_capacity(fields.len());
    for (key, value) in fields {
        let fitted_value = match slot.field(&key) {
            Some(inner) => coerce(value, &inner, verbatim).map_err(|error| error.below(&key))?,
            None if verbatim => Some(value),
            None => {
                let wanted = format!("a field of {}", slot.ty.words());
                return Err(MismatchError {
                    path: key,
                    wanted,
                    found: "an unknown field",
                });
            }
        };
        if let Some(value) = fitted_value {
            fitted.insert(key, value);
        }
    }
    if let (FieldType::Object(name), false) = (&slot.ty, verbatim) {
        let missing = schema::definition(name)
            .into_iter()
            .flatten()
            .find(|(field, declared)| declared.required && !fitted.contains_key(field.as_str()));
        if let Some((field, _)) = missing {
            let wanted = format!("the field `{field}`, which is required,");
            return Err(MismatchError {
                path: String::new(),
                wanted,
                found: "none",
            });
        }
    }
    Ok(Value::Object(fitted))
}

/// Drops what is null in free data.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Array(items) => items
            .into_iter()
            .filter(|item| !item.is_null())
            .map(without_nulls)
            .collect(),
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key, without_nulls(value)))
            .collect::<Map<_, _>>()
            .into(),
        value => value,
    }
}

/// Whether an expression of this type can give what the slot takes, as far as can be told before
/// it runs.
pub(crate) fn holds(slot: &Slot, ty: &Type) -> bool {
    match (&slot.ty, ty) {
        // A quantity is for calculating: CEL has no function that writes one.
        (_, Type::Quantity) => false,
        (_, Type::Any | Type::Null)
        | (FieldType::Any, _)
        | (FieldType::Text, Type::Text)
        | (FieldType::Object(_), Type::Map(_)) => true,
        (_, Type::Optional(inner)) => holds(slot, inner),
        (FieldType::Text, Type::Boolean | Type::Integer | Type::Number) => slot.scalars_as_text,
        (FieldType::Integer32 | FieldType::Integer64, ty) => *ty == Type::Integer,
        (FieldType::Number, ty) => matches!(ty, Type::Integer | Type::Number),
        (FieldType::Boolean, ty) => *ty == Type::Boolean,
        (FieldType::IntegerOrText, ty) => matches!(ty, Type::Integer | Type::Text),
        (FieldType::Quantity, ty) => {
            matches!(ty, Type::Integer | Type::Number | Type::Text)
        }
        (FieldType::List(_), Type::List(item)) => {
            slot.element().is_none_or(|element| holds(&element, item))
        }
        (FieldType::Map(_), Type::Map(value)) => {
            slot.field("").is_none_or(|inner| holds(&inner, value))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_field_decides_the_type() {
        let env = Slot::object("EnvVar").field("value").unwrap();
        let image = Slot::object("Container").field("image").unwrap();
        let port = Slot::object("ContainerPort")
            .field("containerPort")
            .unwrap();
        let target = Slot::object("TCPSocketAction").field("port").unwrap();
        let memory = Slot::of(FieldType::Quantity);
        let args = Slot::object("Container").field("args").unwrap();
        let table = [
            (&env, json!(5432), Some(json!("5432"))),
            (&env, json!(true), Some(json!("true"))),
            (&env, json!("$(TOKEN)"), Some(json!("$$(TOKEN)"))),
            (&env, json!(["a"]), None),
            (&image, json!("a:1"), Some(json!("a:1"))),
            (&image, json!(1), None),
            (&port, json!(80), Some(json!(80))),
            (&port, json!("80"), None),
            (&port, json!(4_294_967_296_i64), None),
            (&target, json!("http"), Some(json!("http"))),
            (&target, json!(80), Some(json!(80))),
            (&memory, json!(5), Some(json!("5"))),
            (&memory, json!("5Mi"), Some(json!("5Mi"))),
            (&memory, json!("lots of it"), None),
            (&args, json!(["-p", 80, null]), Some(json!(["-p", "80"]))),
            (&args, json!("-p"), None),
        ];
        for (slot, value, expected) in table {
            let coerced = coerce(value.clone(), slot, false).ok().flatten();
            assert_eq!(coerced, expected, "{:?} {value}", slot.ty);
        }
    }

    #[test]
    fn built_objects_know_their_fields_and_copied_ones_keep_theirs() {
        let env = Slot::object("Container").field("env").unwrap();
        let built = json!([{"name": "A", "valeu": "x"}]);
        let error = coerce(built.clone(), &env, false).unwrap_err();
        assert!(error.to_string().contains("[0].valeu"), "{error}");
        assert_eq!(coerce(built.clone(), &env, true).unwrap(), Some(built));
        let error = coerce(json!([{"value": "x"}]), &env, false).unwrap_err();
        assert!(error.to_string().contains("`name`"), "{error}");
        let copied = json!([{"name": "A", "value": "$(B)"}]);
        assert_eq!(
            coerce(copied.clone(), &env.copied(), true).unwrap(),
            Some(copied)
        );
    }
}
