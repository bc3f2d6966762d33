//! Between JSON and the values of the interpreter.
//!
//! An integer of JSON becomes a CEL `int` and never a `uint`: `5432 == params.port` compares two
//! of one kind, as it does in the API server.

use std::collections::HashMap;

use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelOptional, CelString,
    CelUInt, Kind,
};
use cel::common::value::Val;
use serde_json::{Map, Number, Value};

use super::error::EvaluationError;

/// The interpreter's value for a JSON value.
pub(super) fn to_cel(value: &Value) -> Box<dyn Val> {
    match value {
        Value::Null => Box::new(CelNull),
        Value::Bool(value) => Box::new(CelBool::from(*value)),
        Value::Number(number) => number_to_cel(number),
        Value::String(text) => Box::new(CelString::from(text.clone())),
        Value::Array(items) => {
            let items: Vec<Box<dyn Val>> = items.iter().map(to_cel).collect();
            Box::new(CelList::from(items))
        }
        Value::Object(fields) => {
            let fields: HashMap<CelMapKey<'static>, Box<dyn Val>> = fields
                .iter()
                .map(|(key, value)| (CelMapKey::String(key.clone().into()), to_cel(value)))
                .collect();
            Box::new(CelMap::from(fields))
        }
    }
}

fn number_to_cel(number: &Number) -> Box<dyn Val> {
    match number.as_i64() {
        Some(integer) => Box::new(CelInt::from(integer)),
        None => Box::new(CelDouble::from(number.as_f64().unwrap_or(f64::NAN))),
    }
}

/// The JSON value for a result: `None` for null and for an absent optional.
pub(super) fn to_json(value: &dyn Val) -> Result<Option<Value>, EvaluationError> {
    if let Some(optional) = value.downcast_ref::<CelOptional>() {
        return optional.option().map_or(Ok(None), to_json);
    }
    match value.get_type().kind() {
        Kind::NullType => Ok(None),
        _ => inner_to_json(value),
    }
}

/// The JSON value for a part of a result, where null stays null. `None` for an absent optional.
fn inner_to_json(value: &dyn Val) -> Result<Option<Value>, EvaluationError> {
    if let Some(text) = value.downcast_ref::<CelString>() {
        return Ok(Some(Value::String(text.inner().to_owned())));
    }
    if let Some(list) = value.downcast_ref::<CelList>() {
        return list_to_json(list).map(Some);
    }
    if let Some(map) = value.downcast_ref::<CelMap>() {
        return map_to_json(map).map(Some);
    }
    if let Some(optional) = value.downcast_ref::<CelOptional>() {
        return optional.option().map_or(Ok(None), inner_to_json);
    }
    scalar_to_json(value).map(Some)
}

fn scalar_to_json(value: &dyn Val) -> Result<Value, EvaluationError> {
    if let Some(integer) = value.downcast_ref::<CelInt>() {
        Ok(Value::from(*integer.inner()))
    } else if let Some(flag) = value.downcast_ref::<CelBool>() {
        Ok(Value::from(*flag.inner()))
    } else if let Some(number) = value.downcast_ref::<CelDouble>() {
        Number::from_f64(*number.inner())
            .map(Value::Number)
            .ok_or(EvaluationError::NotJson("not a number, or infinite"))
    } else if let Some(unsigned) = value.downcast_ref::<CelUInt>() {
        Ok(Value::from(*unsigned.inner()))
    } else if value.get_type().kind() == Kind::NullType {
        Ok(Value::Null)
    } else {
        Err(EvaluationError::NotJson(kind_name(value)))
    }
}

fn list_to_json(list: &CelList<'_>) -> Result<Value, EvaluationError> {
    let mut items = Vec::with_capacity(list.len());
    for item in list.inner() {
        items.extend(inner_to_json(item.as_ref())?);
    }
    Ok(Value::Array(items))
}

/// Keys are sorted: the interpreter's own order is random.
fn map_to_json(map: &CelMap<'_>) -> Result<Value, EvaluationError> {
    let mut entries = Vec::with_capacity(map.inner().len());
    for (key, value) in map.inner() {
        let CelMapKey::String(key) = key else {
            return Err(EvaluationError::NotJson(
                "a map with keys that are not text",
            ));
        };
        if let Some(value) = inner_to_json(value.as_ref())? {
            entries.push((key.inner().to_owned(), value));
        }
    }
    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(Value::Object(Map::from_iter(entries)))
}

/// What a value is, in words for a person.
pub(super) fn kind_name(value: &dyn Val) -> &'static str {
    match value.get_type().kind() {
        Kind::Boolean => "a boolean",
        Kind::Bytes => "a list of bytes",
        Kind::Double => "a number",
        Kind::Int | Kind::UInt => "an integer",
        Kind::List => "a list",
        Kind::Map => "a map",
        Kind::NullType => "null",
        Kind::String => "text",
        Kind::Type => "a type",
        _ if value.downcast_ref::<CelOptional>().is_some() => "an optional",
        _ => "a quantity",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_comes_back_as_it_went() {
        let value = json!({"b": [1, -2, 3.5, "x", true, null], "a": {"n": {}, "l": []}});
        let back = to_json(to_cel(&value).as_ref()).unwrap().unwrap();
        assert_eq!(back, value);
        let keys: Vec<_> = back.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["a", "b"], "keys are sorted");
    }

    #[test]
    fn nothing_is_told_from_null_inside() {
        assert_eq!(to_json(&CelNull).unwrap(), None);
        assert_eq!(to_json(&CelOptional::none()).unwrap(), None);
        let list: Vec<Box<dyn Val>> = vec![Box::new(CelNull), Box::new(CelOptional::none())];
        assert_eq!(to_json(&CelList::from(list)).unwrap(), Some(json!([null])));
    }

    #[test]
    fn what_json_cannot_hold_is_refused() {
        assert_eq!(
            to_json(&CelDouble::from(f64::INFINITY)),
            Err(EvaluationError::NotJson("not a number, or infinite"))
        );
        let bytes = cel::common::types::CelBytes::from(vec![1]);
        assert_eq!(
            to_json(&bytes),
            Err(EvaluationError::NotJson("a list of bytes"))
        );
    }
}
