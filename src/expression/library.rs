//! The interpreter's functions: the crate's, and our own.
//!
//! Our own have names that start with `@`, which no template can write; the analysis puts them
//! in. They are there where the crate's are missing, differ from the API server's in a detail, or
//! could make more data than they were given.

mod conversions;
mod guards;
mod lists;
mod quantities;
mod text;

use std::any::Any;
use std::ops::RangeInclusive;

use cel::common::functions::Function;
use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelOptional, CelString,
    CelUInt, DYN_TYPE, Type as CelType,
};
use cel::common::value::{CowVal, FromVal, StaticVal, Val};
use cel::{Env, ExecutionError, extensions};

pub(super) use guards::BOUND_EXCEEDED;
pub(super) use quantities::QuantityValue;

use super::convert::kind_name;
use super::error::EvaluationError;

/// What a function is given and gives back.
type Arguments<'b, 'v> = Vec<CowVal<'b, 'v>>;
type Outcome<'b, 'v> = Result<CowVal<'b, 'v>, ExecutionError>;

/// All functions. Registering ours cannot fail, as no two have a name and number of arguments in
/// common: a test calls each of them.
pub(super) fn environment() -> Env {
    let mut env = Env::stdlib();
    for extension in [extensions::strings, extensions::lists] {
        let _ = env.add_extension(extension);
    }
    let groups = [
        guards::FUNCTIONS,
        conversions::FUNCTIONS,
        text::FUNCTIONS,
        lists::FUNCTIONS,
        quantities::FUNCTIONS,
    ];
    for (name, counts, function) in groups.into_iter().flatten() {
        for count in counts.clone() {
            let takes = (0..count).map(|_| DYN_TYPE).collect();
            let _ = env.add_overload(name, &format!("{name}/{count}"), takes, *function);
        }
    }
    env
}

/// A function: its name, the numbers of arguments that it can have, and its code.
type Entry = (&'static str, RangeInclusive<usize>, Function);

/// A compiled pattern of `matches`.
#[derive(Clone, Debug)]
pub(super) struct Pattern(pub(super) regex::Regex);

static PATTERN_TYPE: CelType = CelType::new_unspecified_type("pillion.Pattern");

impl Val for Pattern {
    fn get_type(&self) -> &CelType {
        &PATTERN_TYPE
    }

    fn cel_type() -> &'static CelType {
        &PATTERN_TYPE
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for Pattern {}

/// An argument as the type that the function wants.
fn argument<'b, 'v: 'b, T: FromVal<'b, 'v>>(
    function: &'static str,
    arguments: &'b [CowVal<'_, 'v>],
    index: usize,
) -> Result<&'b T, ExecutionError> {
    let given = arguments.get(index).map(AsRef::as_ref);
    let wanted = given.and_then(<dyn Val + 'v>::downcast_ref::<T>);
    wanted.ok_or_else(|| {
        let kind = given.map_or("nothing", |value| kind_name(value));
        ExecutionError::no_such_overload(function, vec![kind.to_owned()])
    })
}

fn text_argument<'b>(
    function: &'static str,
    arguments: &'b [CowVal<'_, '_>],
    index: usize,
) -> Result<&'b str, ExecutionError> {
    argument::<CelString>(function, arguments, index).map(CelString::inner)
}

fn integer_argument(
    function: &'static str,
    arguments: &[CowVal<'_, '_>],
    index: usize,
) -> Result<i64, ExecutionError> {
    argument::<CelInt>(function, arguments, index).map(|integer| *integer.inner())
}

/// A failure of our own functions. The reason holds no data.
fn failure(function: &'static str, reason: &str) -> ExecutionError {
    ExecutionError::function_error(function, reason)
}

fn flag<'b, 'v>(value: bool) -> CowVal<'b, 'v> {
    CowVal::owned(CelBool::from(value))
}

fn integer<'b, 'v>(value: i64) -> CowVal<'b, 'v> {
    CowVal::owned(CelInt::from(value))
}

fn text<'b, 'v>(value: String) -> CowVal<'b, 'v> {
    CowVal::owned(CelString::from(value))
}

/// A copy that borrows nothing, so that it can be kept.
pub(super) fn into_static(value: &dyn Val) -> Result<Box<dyn Val>, EvaluationError> {
    if let Some(text) = value.downcast_ref::<CelString>() {
        return Ok(Box::new(text.clone().into_static()));
    }
    if let Some(list) = value.downcast_ref::<CelList>() {
        let items: Result<Vec<_>, _> = list
            .inner()
            .iter()
            .map(|i| into_static(i.as_ref()))
            .collect();
        return Ok(Box::new(CelList::from(items?)));
    }
    if let Some(map) = value.downcast_ref::<CelMap>() {
        let mut entries = std::collections::HashMap::new();
        for (key, value) in map.inner() {
            let key: CelMapKey<'static> = key.clone().into_static();
            entries.insert(key, into_static(value.as_ref())?);
        }
        return Ok(Box::new(CelMap::from(entries)));
    }
    if let Some(optional) = value.downcast_ref::<CelOptional>() {
        return Ok(Box::new(match optional.option() {
            Some(value) => CelOptional::of(into_static(value)?),
            None => CelOptional::none(),
        }));
    }
    copy_of::<CelInt>(value)
        .or_else(|| copy_of::<CelBool>(value))
        .or_else(|| copy_of::<CelDouble>(value))
        .or_else(|| copy_of::<CelUInt>(value))
        .or_else(|| copy_of::<CelNull>(value))
        .or_else(|| copy_of::<QuantityValue>(value))
        .ok_or_else(|| EvaluationError::NotJson(kind_name(value)))
}

fn copy_of<T: StaticVal>(value: &dyn Val) -> Option<Box<dyn Val>> {
    value.downcast_ref::<T>().map(Val::clone_as_boxed)
}
