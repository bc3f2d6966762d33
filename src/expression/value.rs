//! Values while an expression is evaluated.
//!
//! What a pod, a parameter or a constant holds is borrowed as it is; only what an expression makes
//! has memory of its own. An integer of JSON is a CEL `int` and never a `uint`, as in the API
//! server.

use std::rc::Rc;

use serde_json::{Map, Number, Value};

use super::budget::Budget;
use super::error::EvaluationError;
use crate::kubernetes::quantity::Quantity;

mod order;
mod text;

pub(super) use order::{compare, equal};
pub(super) use text::Text;

pub(super) type Object = Map<String, Value>;

#[derive(Clone, Debug)]
pub(super) enum Val<'v> {
    Null,
    Boolean(bool),
    Integer(i64),
    Number(f64),
    Text(Text<'v>),
    Quantity(Rc<Quantity>),
    /// A list of JSON.
    Array(&'v [Value]),
    /// A map of JSON.
    Object(&'v Object),
    /// A list that an expression made.
    List(Rc<Vec<Self>>, Depth),
    /// A map that an expression made, sorted by its keys: text, integers and booleans.
    Map(Rc<Vec<(Self, Self)>>, Depth),
    Optional(Option<Rc<Self>>, Depth),
}

/// How many made lists, maps and optionals stand inside one another; what is borrowed counts as none.
pub(super) type Depth = u8;

/// How deep a value may be. Each variable may put the one before it into another list, so that no bound of
/// expressions bounds their values, and what goes through a value recurses.
const MOST_DEPTH: Depth = 100;

impl<'v> Val<'v> {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(Text::Owned(text.into()))
    }

    pub(super) fn borrowed(text: &'v str) -> Self {
        Self::Text(Text::Borrowed(text))
    }

    pub(super) fn list(items: Vec<Self>) -> Result<Self, EvaluationError> {
        let depth = depth_around(items.iter())?;
        Ok(Self::List(Rc::new(items), depth))
    }

    /// A map of entries that are sorted by their keys.
    pub(super) fn map(entries: Vec<(Self, Self)>) -> Result<Self, EvaluationError> {
        let depth = depth_around(entries.iter().map(|(_, value)| value))?;
        Ok(Self::Map(Rc::new(entries), depth))
    }

    pub(super) fn optional(value: Option<Self>) -> Result<Self, EvaluationError> {
        let depth = depth_around(value.iter())?;
        Ok(Self::Optional(value.map(Rc::new), depth))
    }

    fn depth(&self) -> Depth {
        match self {
            Self::List(_, depth) | Self::Map(_, depth) | Self::Optional(_, depth) => *depth,
            _ => 0,
        }
    }

    pub(super) fn quantity(quantity: Quantity) -> Self {
        Self::Quantity(Rc::new(quantity))
    }

    /// The same value, so that copies of it share their text.
    pub(super) fn shared(self) -> Self {
        match self {
            Self::Text(Text::Owned(text)) => Self::Text(Text::Shared(text.into())),
            other => other,
        }
    }

    /// The items of a list.
    pub(super) fn items(&self) -> Option<Items<'_, 'v>> {
        match self {
            Self::Array(items) => Some(Items::Json(items)),
            Self::List(items, _) => Some(Items::Made(items)),
            _ => None,
        }
    }

    /// How many elements a list or map has.
    pub(super) fn len(&self) -> Option<usize> {
        match self {
            Self::Object(fields) => Some(fields.len()),
            Self::Map(entries, _) => Some(entries.len()),
            other => Some(other.items()?.len()),
        }
    }

    pub(super) fn is_map(&self) -> bool {
        matches!(self, Self::Object(_) | Self::Map(..))
    }

    /// What the key of a map leads to.
    pub(super) fn find(&self, key: &Self) -> Option<Self> {
        match (self, key) {
            (Self::Object(fields), Self::Text(key)) => fields.get(key.as_str()).map(Self::from),
            (Self::Map(entries, _), key) => {
                let mut known = entries.iter();
                let found = known.find(|(known, _)| order::equal_scalars(known, key));
                found.map(|(_, value)| value.clone())
            }
            _ => None,
        }
    }

    /// What a field of a map holds.
    pub(super) fn field(&self, name: &'v str) -> Option<Self> {
        match self {
            Self::Object(fields) => fields.get(name).map(Self::from),
            other => other.find(&Self::borrowed(name)),
        }
    }

    /// The keys of a map, sorted.
    pub(super) fn keys(&self) -> Option<Vec<Self>> {
        match self {
            Self::Object(fields) => {
                let mut keys: Vec<&'v str> = fields.keys().map(String::as_str).collect();
                keys.sort_unstable();
                Some(keys.into_iter().map(Self::borrowed).collect())
            }
            Self::Map(entries, _) => Some(entries.iter().map(|(key, _)| key.clone()).collect()),
            _ => None,
        }
    }

    /// How messages call its type.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "boolean",
            Self::Integer(_) => "integer",
            Self::Number(_) => "number",
            Self::Text(_) => "text",
            Self::Quantity(_) => "quantity",
            Self::Array(_) | Self::List(..) => "list",
            Self::Object(_) | Self::Map(..) => "map",
            Self::Optional(..) => "optional",
        }
    }

    /// What it is, in words for a person.
    pub(super) fn described(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "a boolean",
            Self::Integer(_) => "an integer",
            Self::Number(_) => "a number",
            Self::Text(_) => "text",
            Self::Quantity(_) => "a quantity",
            Self::Array(_) | Self::List(..) => "a list",
            Self::Object(_) | Self::Map(..) => "a map",
            Self::Optional(..) => "an optional",
        }
    }

    /// The JSON of a result: `None` for null and for an absent optional.
    pub(super) fn into_result(self, budget: &Budget<'_>) -> Result<Option<Value>, EvaluationError> {
        match self {
            Self::Null => Ok(None),
            Self::Optional(value, _) => {
                value.map_or(Ok(None), |value| unwrapped(value).into_result(budget))
            }
            other => other.into_json(budget),
        }
    }

    /// The JSON of a part of a result, where null stays null. `None` for an absent optional. Each part is paid
    /// for: a made list costs little to put into others again and again, and JSON holds each of them.
    pub(super) fn into_json(self, budget: &Budget<'_>) -> Result<Option<Value>, EvaluationError> {
        budget.make(0)?;
        Ok(Some(match self {
            Self::Null => Value::Null,
            Self::Boolean(flag) => flag.into(),
            Self::Integer(integer) => integer.into(),
            Self::Number(number) => Number::from_f64(number)
                .map(Value::Number)
                .ok_or(EvaluationError::NotJson("not a number, or infinite"))?,
            Self::Text(Text::Owned(text)) => Value::String(text),
            Self::Text(text) => {
                budget.make(text.as_str().len())?;
                Value::String(text.into_string())
            }
            Self::Quantity(_) => return Err(EvaluationError::NotJson(self.described())),
            Self::Array(items) => {
                let items = items.iter().map(|item| copy(item, budget));
                Value::Array(items.collect::<Result<_, _>>()?)
            }
            Self::Object(fields) => copy_object(fields, budget)?,
            Self::List(items, _) => {
                let mut values = Vec::with_capacity(items.len());
                for item in unwrapped(items) {
                    values.extend(item.into_json(budget)?);
                }
                Value::Array(values)
            }
            Self::Map(entries, _) => entries_to_json(unwrapped(entries), budget)?,
            Self::Optional(None, _) => return Ok(None),
            Self::Optional(Some(value), _) => return unwrapped(value).into_json(budget),
        }))
    }
}

impl<'v> From<&'v Value> for Val<'v> {
    fn from(value: &'v Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(flag) => Self::Boolean(*flag),
            Value::Number(number) => match number.as_i64() {
                Some(integer) => Self::Integer(integer),
                None => Self::Number(number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(text) => Self::borrowed(text),
            Value::Array(items) => Self::Array(items),
            Value::Object(fields) => Self::Object(fields),
        }
    }
}

/// The depth of what holds these values.
fn depth_around<'a, 'v: 'a>(
    values: impl Iterator<Item = &'a Val<'v>>,
) -> Result<Depth, EvaluationError> {
    let deepest = values.map(Val::depth).max().unwrap_or(0);
    if deepest >= MOST_DEPTH {
        return Err(EvaluationError::TooDeep(MOST_DEPTH));
    }
    Ok(deepest + 1)
}

/// The value inside, without a copy where nobody else has it.
pub(super) fn unwrapped<T: Clone>(shared: Rc<T>) -> T {
    Rc::try_unwrap(shared).unwrap_or_else(|shared| (*shared).clone())
}

/// A copy of JSON; keys are sorted, as those of every map that expressions give.
fn copy(value: &Value, budget: &Budget<'_>) -> Result<Value, EvaluationError> {
    match value {
        Value::String(text) => {
            budget.make(text.len())?;
            Ok(value.clone())
        }
        Value::Array(items) => {
            budget.make(0)?;
            let items = items.iter().map(|item| copy(item, budget));
            Ok(Value::Array(items.collect::<Result<_, _>>()?))
        }
        Value::Object(fields) => copy_object(fields, budget),
        scalar => {
            budget.make(0)?;
            Ok(scalar.clone())
        }
    }
}

fn copy_object(fields: &Object, budget: &Budget<'_>) -> Result<Value, EvaluationError> {
    let mut sorted: Vec<_> = fields.iter().collect();
    sorted.sort_unstable_by_key(|(key, _)| key.as_str());
    let mut copied = Object::with_capacity(sorted.len());
    for (key, value) in sorted {
        budget.make(key.len())?;
        copied.insert(key.clone(), copy(value, budget)?);
    }
    Ok(Value::Object(copied))
}

fn entries_to_json(
    entries: Vec<(Val<'_>, Val<'_>)>,
    budget: &Budget<'_>,
) -> Result<Value, EvaluationError> {
    let mut fields = Object::with_capacity(entries.len());
    for (key, value) in entries {
        let Val::Text(key) = key else {
            let what = "a map with keys that are not text";
            return Err(EvaluationError::NotJson(what));
        };
        if let Some(value) = value.into_json(budget)? {
            fields.insert(key.into_string(), value);
        }
    }
    Ok(Value::Object(fields))
}

/// The items of a list.
#[derive(Clone, Copy)]
pub(super) enum Items<'a, 'v> {
    Json(&'v [Value]),
    Made(&'a [Val<'v>]),
}

impl<'a, 'v> Items<'a, 'v> {
    pub(super) fn len(self) -> usize {
        match self {
            Self::Json(items) => items.len(),
            Self::Made(items) => items.len(),
        }
    }

    pub(super) fn get(self, index: usize) -> Option<Val<'v>> {
        match self {
            Self::Json(items) => items.get(index).map(Val::from),
            Self::Made(items) => items.get(index).cloned(),
        }
    }

    pub(super) fn iter(self) -> impl DoubleEndedIterator<Item = Val<'v>> + use<'a, 'v> {
        (0..self.len()).filter_map(move |index| self.get(index))
    }
}

#[cfg(test)]
mod tests;
