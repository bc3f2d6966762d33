//! The functions that an expression may call.
//!
//! A function is in this table only if both the `cel` crate (or our own library) and the API
//! server's CEL have it with the same meaning. The API server's list is that of
//! `k8s.io/apiserver/pkg/cel/environment/base.go`: the CEL standard library, optionals (1.28),
//! `ext.Strings` version 2 (1.29), and Kubernetes' own `lists` and `quantity` libraries;
//! `lists.range`, `flatten`, `slice`, `distinct`, `sort` and `reverse` are `ext.Lists`.
//!
//! Left out on purpose: `uint`, `bytes`, `timestamp`, `duration` and `type` (no parameter or field
//! has such a value); `format` and `strings.quote` (their details differ); `string.reverse` and
//! `math.*` (not in the API server); `sets.*`, `url`, `ip`, `cidr`, `semver`, `find` (not in the
//! crate); `sortBy` and comprehensions over two variables (newer than the oldest API server that
//! evaluates policies).
//!
//! The macros `has`, `all`, `exists`, `exists_one`, `map`, `filter`, `optMap` and `optFlatMap`
//! are expanded by the parser and are not in the table.

use super::types::Type;

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

/// How many elements the result has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Items {
    /// Not a list, or as many as any list without a bound.
    Unknown,
    /// At most as many as the first argument.
    Same,
}

/// One way to call a function.
#[derive(Clone, Copy, Debug)]
pub(super) struct Function {
    /// The name, with its namespace.
    pub(super) name: &'static str,
    /// Whether it is called on its first argument: `x.f(…)`.
    pub(super) on_value: bool,
    /// Its arguments, the value that it is called on included.
    pub(super) takes: &'static [Takes],
    /// The type of its result.
    pub(super) gives: Gives,
    /// The elements of its result.
    pub(super) items: Items,
    /// The implementation, if not the crate's of the same name. Ours start with `@`, which no
    /// template can write.
    pub(super) ours: Option<&'static str>,
}

const fn function(name: &'static str, takes: &'static [Takes], gives: Gives) -> Function {
    Function {
        name,
        on_value: false,
        takes,
        gives,
        items: Items::Unknown,
        ours: None,
    }
}

const fn method(name: &'static str, takes: &'static [Takes], gives: Gives) -> Function {
    Function {
        on_value: true,
        ..function(name, takes, gives)
    }
}

const fn own(name: &'static str, known: Function) -> Function {
    Function {
        ours: Some(name),
        ..known
    }
}

const fn keeping_items(known: Function) -> Function {
    Function {
        items: Items::Same,
        ..known
    }
}

use Takes::{Anything, Boolean, Integer, List, Map, Number, Optional, Quantity, Text, TextList};

/// All functions, in groups. Where a name has several entries, the first that accepts the types
/// of the arguments is taken.
pub(super) static FUNCTIONS: &[Function] = &[
    // The CEL standard library. `matches` is checked apart: its pattern must be a literal.
    function("size", &[Text], Gives::Integer),
    function("size", &[List], Gives::Integer),
    function("size", &[Map], Gives::Integer),
    method("size", &[Text], Gives::Integer),
    method("size", &[List], Gives::Integer),
    method("size", &[Map], Gives::Integer),
    method("contains", &[Text, Text], Gives::Boolean),
    method("startsWith", &[Text, Text], Gives::Boolean),
    method("endsWith", &[Text, Text], Gives::Boolean),
    own("@matches", method("matches", &[Text, Text], Gives::Boolean)),
    own(
        "@matches",
        function("matches", &[Text, Text], Gives::Boolean),
    ),
    own("@string", function("string", &[Text], Gives::Text)),
    own("@string", function("string", &[Integer], Gives::Text)),
    own("@string", function("string", &[Number], Gives::Text)),
    own("@string", function("string", &[Boolean], Gives::Text)),
    function("int", &[Integer], Gives::Integer),
    function("int", &[Number], Gives::Integer),
    function("int", &[Text], Gives::Integer),
    own("@double", function("double", &[Number], Gives::Number)),
    own("@double", function("double", &[Integer], Gives::Number)),
    own("@double", function("double", &[Text], Gives::Number)),
    own("@bool", function("bool", &[Boolean], Gives::Boolean)),
    own("@bool", function("bool", &[Text], Gives::Boolean)),
    function("dyn", &[Anything], Gives::Anything),
    // ext.Strings version 2.
    method("charAt", &[Text, Integer], Gives::Text),
    own("@indexOf", method("indexOf", &[Text, Text], Gives::Integer)),
    own(
        "@lastIndexOf",
        method("lastIndexOf", &[Text, Text], Gives::Integer),
    ),
    method("lowerAscii", &[Text], Gives::Text),
    method("upperAscii", &[Text], Gives::Text),
    method("trim", &[Text], Gives::Text),
    method("substring", &[Text, Integer], Gives::Text),
    method("substring", &[Text, Integer, Integer], Gives::Text),
    own(
        "@replace",
        method("replace", &[Text, Text, Text], Gives::Text),
    ),
    own(
        "@replace",
        method("replace", &[Text, Text, Text, Integer], Gives::Text),
    ),
    own("@split", method("split", &[Text, Text], Gives::TextList)),
    own(
        "@split",
        method("split", &[Text, Text, Integer], Gives::TextList),
    ),
    own("@join", method("join", &[TextList], Gives::Text)),
    own("@join", method("join", &[TextList, Text], Gives::Text)),
    // Kubernetes' lists library.
    own("@isSorted", method("isSorted", &[List], Gives::Boolean)),
    own("@sum", method("sum", &[List], Gives::Element)),
    own("@min", method("min", &[List], Gives::Element)),
    own("@max", method("max", &[List], Gives::Element)),
    own(
        "@indexOf",
        method("indexOf", &[List, Anything], Gives::Integer),
    ),
    own(
        "@lastIndexOf",
        method("lastIndexOf", &[List, Anything], Gives::Integer),
    ),
    // ext.Lists.
    own(
        "@range",
        function("lists.range", &[Integer], Gives::IntegerList),
    ),
    method("flatten", &[List], Gives::Flat),
    keeping_items(method("slice", &[List, Integer, Integer], Gives::Same)),
    keeping_items(method("distinct", &[List], Gives::Same)),
    keeping_items(method("reverse", &[List], Gives::Same)),
    keeping_items(method("sort", &[List], Gives::Same)),
    // Optionals.
    function("optional.none", &[], Gives::Absent),
    keeping_items(function("optional.of", &[Anything], Gives::Wrapped)),
    keeping_items(function(
        "optional.ofNonZeroValue",
        &[Anything],
        Gives::Wrapped,
    )),
    method("hasValue", &[Optional], Gives::Boolean),
    keeping_items(method("value", &[Optional], Gives::Unwrapped)),
    method("or", &[Optional, Optional], Gives::Same),
    method("orValue", &[Optional, Anything], Gives::Unwrapped),
    // Kubernetes' quantity library.
    own("@quantity", function("quantity", &[Text], Gives::Quantity)),
    own(
        "@isQuantity",
        function("isQuantity", &[Text], Gives::Boolean),
    ),
    own(
        "@quantitySign",
        function("sign", &[Quantity], Gives::Integer),
    ),
    own(
        "@isGreaterThan",
        method("isGreaterThan", &[Quantity, Quantity], Gives::Boolean),
    ),
    own(
        "@isLessThan",
        method("isLessThan", &[Quantity, Quantity], Gives::Boolean),
    ),
    own(
        "@compareTo",
        method("compareTo", &[Quantity, Quantity], Gives::Integer),
    ),
    own(
        "@asApproximateFloat",
        method("asApproximateFloat", &[Quantity], Gives::Number),
    ),
    own(
        "@asInteger",
        method("asInteger", &[Quantity], Gives::Integer),
    ),
    own(
        "@isInteger",
        method("isInteger", &[Quantity], Gives::Boolean),
    ),
    own(
        "@add",
        method("add", &[Quantity, Quantity], Gives::Quantity),
    ),
    own("@add", method("add", &[Quantity, Integer], Gives::Quantity)),
    own(
        "@sub",
        method("sub", &[Quantity, Quantity], Gives::Quantity),
    ),
    own("@sub", method("sub", &[Quantity, Integer], Gives::Quantity)),
];

/// The ways to call `name`, on a value or not.
pub(super) fn named(name: &str, on_value: bool) -> impl Iterator<Item = &'static Function> {
    FUNCTIONS
        .iter()
        .filter(move |function| function.name == name && function.on_value == on_value)
}
