//! The functions that an expression may call.
//!
//! A function is in this table only if the API server's CEL has it, and it means the same there:
//! a test on a real API server compares them. The API server's list is that of
//! `k8s.io/apiserver/pkg/cel/environment/base.go`: the CEL standard library, optionals (1.28),
//! `ext.Strings` version 2 (1.29), and Kubernetes' own `lists` and `quantity` libraries;
//! `lists.range`, `flatten`, `slice`, `distinct`, `sort` and `reverse` are `ext.Lists`.
//!
//! Left out on purpose: `uint`, `bytes`, `timestamp`, `duration` and `type` (no parameter or field
//! has such a value); `format` and `strings.quote` (their details differ); `string.reverse` and
//! `math.*` (not in the API server); `sets.*`, `url`, `ip`, `cidr`, `semver`, `find` (no
//! template needed them); `sortBy` and comprehensions over two variables (newer than the oldest API server that
//! evaluates policies).
//!
//! The macros `has`, `all`, `exists`, `exists_one`, `map`, `filter`, `optMap` and `optFlatMap`
//! are expanded by the parser and are not in the table.

mod arguments;
mod conversions;
mod lists;
mod optionals;
mod quantities;
mod text;

use super::budget::Budget;
use super::error::EvaluationError;
use super::types::Type;
use super::value::Val;
pub(super) use arguments::bounded;
pub(super) use text::append;

/// What a function takes in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    Anything,
    Text,
    Integer,
    Number,
    Boolean,
    Quantity,
    List,
    TextList,
    Map,
    Optional,
}

impl Takes {
    /// Whether a value of this type can be given.
    pub(super) fn accepts(self, ty: &Type) -> bool {
        match self {
            Self::Anything => true,
            Self::Text => ty.fits(&Type::Text),
            Self::Integer => ty.fits(&Type::Integer),
            Self::Number => ty.fits(&Type::Number),
            Self::Boolean => ty.fits(&Type::Boolean),
            Self::Quantity => ty.fits(&Type::Quantity),
            Self::List => ty.fits(&Type::list(Type::Any)),
            Self::TextList => ty.fits(&Type::list(Type::Text)),
            Self::Map => ty.fits(&Type::map(Type::Any)),
            Self::Optional => ty.fits(&Type::optional(Type::Any)),
        }
    }
}

/// The type of a function's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gives {
    Anything,
    Text,
    Integer,
    Number,
    Boolean,
    Quantity,
    TextList,
    IntegerList,
    /// The first argument's type.
    Same,
    /// An element of the first argument.
    Element,
    /// The first argument's elements, with lists among them replaced by their elements.
    Flat,
    /// An optional of the first argument.
    Wrapped,
    /// An absent optional.
    Absent,
    /// What the optional in the first argument holds.
    Unwrapped,
}

/// The code of a function. Its arguments may be of other types than the table says where nothing
/// was known of them before.
type Code = for<'v> fn(&mut [Val<'v>], &Budget<'_>) -> Result<Val<'v>, EvaluationError>;

#[derive(Clone, Copy)]
pub(super) enum Run {
    /// On the values of its arguments.
    Code(Code),
    /// The first argument where it holds something, `unwrapped` or as it is; else the second, which
    /// is evaluated only then.
    OrElse { unwrapped: bool },
}

/// One way to call a function.
#[derive(Clone, Copy)]
pub(super) struct Function {
    /// The name, with its namespace.
    pub(super) name: &'static str,
    /// Whether it is called on its first argument: `x.f(…)`.
    pub(super) on_value: bool,
    /// Its arguments, the value that it is called on included.
    pub(super) takes: &'static [Takes],
    /// The type of its result.
    pub(super) gives: Gives,
    pub(super) run: Run,
}

/// Functions whose result is their first argument, or elements of it.
const SELECTING: [&str; 9] = [
    "dyn",
    "value",
    "flatten",
    "slice",
    "distinct",
    "reverse",
    "sort",
    "optional.of",
    "optional.none",
];

impl Function {
    /// Whether it makes nothing anew of its first argument.
    pub(super) fn selects(&self) -> bool {
        SELECTING.contains(&self.name)
    }
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// The most arguments that a function has.
pub(super) const MOST_ARGUMENTS: usize = 4;

const fn function(
    name: &'static str,
    takes: &'static [Takes],
    gives: Gives,
    run: Code,
) -> Function {
    Function {
        name,
        on_value: false,
        takes,
        gives,
        run: Run::Code(run),
    }
}

const fn method(name: &'static str, takes: &'static [Takes], gives: Gives, run: Code) -> Function {
    Function {
        on_value: true,
        ..function(name, takes, gives, run)
    }
}

const fn or_else(
    name: &'static str,
    takes: &'static [Takes],
    gives: Gives,
    unwrapped: bool,
) -> Function {
    Function {
        name,
        on_value: true,
        takes,
        gives,
        run: Run::OrElse { unwrapped },
    }
}

use Takes::{Anything, Boolean, Integer, List, Map, Number, Optional, Quantity, Text, TextList};

/// All functions, in groups. Where a name has several entries, the first that accepts the types
/// of the arguments is taken.
pub(super) static FUNCTIONS: &[Function] = &[
    // The CEL standard library, but for `matches`, whose pattern is compiled beforehand.
    function("size", &[Text], Gives::Integer, text::size),
    function("size", &[List], Gives::Integer, text::size),
    function("size", &[Map], Gives::Integer, text::size),
    method("size", &[Text], Gives::Integer, text::size),
    method("size", &[List], Gives::Integer, text::size),
    method("size", &[Map], Gives::Integer, text::size),
    method("contains", &[Text, Text], Gives::Boolean, text::contains),
    method(
        "startsWith",
        &[Text, Text],
        Gives::Boolean,
        text::starts_with,
    ),
    method("endsWith", &[Text, Text], Gives::Boolean, text::ends_with),
    function("string", &[Text], Gives::Text, conversions::string),
    function("string", &[Integer], Gives::Text, conversions::string),
    function("string", &[Number], Gives::Text, conversions::string),
    function("string", &[Boolean], Gives::Text, conversions::string),
    function("int", &[Integer], Gives::Integer, conversions::integer),
    function("int", &[Number], Gives::Integer, conversions::integer),
    function("int", &[Text], Gives::Integer, conversions::integer),
    function("double", &[Number], Gives::Number, conversions::double),
    function("double", &[Integer], Gives::Number, conversions::double),
    function("double", &[Text], Gives::Number, conversions::double),
    function("bool", &[Boolean], Gives::Boolean, conversions::boolean),
    function("bool", &[Text], Gives::Boolean, conversions::boolean),
    function("dyn", &[Anything], Gives::Anything, optionals::unchanged),
    // ext.Strings version 2.
    method("charAt", &[Text, Integer], Gives::Text, text::char_at),
    method("indexOf", &[Text, Text], Gives::Integer, text::index_of),
    method(
        "lastIndexOf",
        &[Text, Text],
        Gives::Integer,
        text::last_index_of,
    ),
    method("lowerAscii", &[Text], Gives::Text, text::lower_ascii),
    method("upperAscii", &[Text], Gives::Text, text::upper_ascii),
    method("trim", &[Text], Gives::Text, text::trim),
    method("substring", &[Text, Integer], Gives::Text, text::substring),
    method(
        "substring",
        &[Text, Integer, Integer],
        Gives::Text,
        text::substring,
    ),
    method("replace", &[Text, Text, Text], Gives::Text, text::replace),
    method(
        "replace",
        &[Text, Text, Text, Integer],
        Gives::Text,
        text::replace,
    ),
    method("split", &[Text, Text], Gives::TextList, text::split),
    method(
        "split",
        &[Text, Text, Integer],
        Gives::TextList,
        text::split,
    ),
    method("join", &[TextList], Gives::Text, text::join),
    method("join", &[TextList, Text], Gives::Text, text::join),
    // Kubernetes' lists library.
    method("isSorted", &[List], Gives::Boolean, lists::is_sorted),
    method("sum", &[List], Gives::Element, lists::sum),
    method("min", &[List], Gives::Element, lists::min),
    method("max", &[List], Gives::Element, lists::max),
    method("indexOf", &[List, Anything], Gives::Integer, text::index_of),
    method(
        "lastIndexOf",
        &[List, Anything],
        Gives::Integer,
        text::last_index_of,
    ),
    // ext.Lists.
    function("lists.range", &[Integer], Gives::IntegerList, lists::range),
    method("flatten", &[List], Gives::Flat, lists::flatten),
    method(
        "slice",
        &[List, Integer, Integer],
        Gives::Same,
        lists::slice,
    ),
    method("distinct", &[List], Gives::Same, lists::distinct),
    method("reverse", &[List], Gives::Same, lists::reverse),
    method("sort", &[List], Gives::Same, lists::sort),
    // Optionals.
    function("optional.none", &[], Gives::Absent, optionals::none),
    function("optional.of", &[Anything], Gives::Wrapped, optionals::of),
    function(
        "optional.ofNonZeroValue",
        &[Anything],
        Gives::Wrapped,
        optionals::of_non_zero_value,
    ),
    method(
        "hasValue",
        &[Optional],
        Gives::Boolean,
        optionals::has_value,
    ),
    method("value", &[Optional], Gives::Unwrapped, optionals::value),
    or_else("or", &[Optional, Optional], Gives::Same, false),
    or_else("orValue", &[Optional, Anything], Gives::Unwrapped, true),
    // Kubernetes' quantity library.
    function("quantity", &[Text], Gives::Quantity, quantities::quantity),
    function(
        "isQuantity",
        &[Text],
        Gives::Boolean,
        quantities::is_quantity,
    ),
    function("sign", &[Quantity], Gives::Integer, quantities::sign),
    method(
        "isGreaterThan",
        &[Quantity, Quantity],
        Gives::Boolean,
        quantities::is_greater_than,
    ),
    method(
        "isLessThan",
        &[Quantity, Quantity],
        Gives::Boolean,
        quantities::is_less_than,
    ),
    method(
        "compareTo",
        &[Quantity, Quantity],
        Gives::Integer,
        quantities::compare_to,
    ),
    method(
        "asApproximateFloat",
        &[Quantity],
        Gives::Number,
        quantities::as_approximate_float,
    ),
    method(
        "asInteger",
        &[Quantity],
        Gives::Integer,
        quantities::as_integer,
    ),
    method(
        "isInteger",
        &[Quantity],
        Gives::Boolean,
        quantities::is_integer,
    ),
    method(
        "add",
        &[Quantity, Quantity],
        Gives::Quantity,
        quantities::add,
    ),
    method(
        "add",
        &[Quantity, Integer],
        Gives::Quantity,
        quantities::add,
    ),
    method(
        "sub",
        &[Quantity, Quantity],
        Gives::Quantity,
        quantities::sub,
    ),
    method(
        "sub",
        &[Quantity, Integer],
        Gives::Quantity,
        quantities::sub,
    ),
];

/// The ways to call `name`, on a value or not.
pub(super) fn named(name: &str, on_value: bool) -> impl Iterator<Item = &'static Function> {
    FUNCTIONS
        .iter()
        .filter(move |function| function.name == name && function.on_value == on_value)
}
