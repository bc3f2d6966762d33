//! The functions of expressions, each in an example with what that gives.

use std::fmt::Write;

use pillion::expression::{Bindings, Budget, Expression, Reads, Scope};
use serde_json::Value;

use crate::expression_source::Pod;

/// What an expression does, and examples.
const EXAMPLES: &[(&str, &[&str])] = &[
    (
        "Texts",
        &[
            "size('orders')",
            "'orders'.contains('der')",
            "'orders'.startsWith('or')",
            "'orders'.endsWith('s')",
            "'orders'.charAt(0)",
            "'a-b-c'.indexOf('-')",
            "'a-b-c'.lastIndexOf('-')",
            "'Orders'.lowerAscii()",
            "'orders'.upperAscii()",
            "' orders '.trim()",
            "'orders'.substring(2)",
            "'orders'.substring(0, 2)",
            "'a-b-c'.replace('-', '.')",
            "'db:5432'.split(':')",
            "['a', 'b'].join('-')",
            "'v1.2'.matches('v[0-9]+([.][0-9]+)*')",
        ],
    ),
    (
        "Types",
        &[
            "string(5432)",
            "int('5432')",
            "double('0.5')",
            "bool('true')",
            "dyn(1) == 1.0",
        ],
    ),
    (
        "Lists and maps",
        &[
            "['a', 'b'].size()",
            "'a' in ['a', 'b']",
            "{'a': 1, 'b': 2}['b']",
            "['a', 'b'].map(x, x + '1')",
            "[1, 2, 3].filter(x, x > 1)",
            "[1, 2].all(x, x > 0)",
            "[1, 2].exists(x, x == 2)",
            "[1, 2, 2].exists_one(x, x == 1)",
            "[[1, 2], [3]].flatten()",
            "[1, 2, 1].distinct()",
            "['b', 'a'].sort()",
            "[1, 2, 3].reverse()",
            "[1, 2, 3].slice(0, 2)",
            "lists.range(3)",
            "[1, 2, 3].sum()",
            "[1, 2, 3].min()",
            "[1, 2, 3].max()",
            "[1, 2, 3].isSorted()",
        ],
    ),
    (
        "What may be absent",
        &[
            "has({'a': 1}.b)",
            "{'a': 1}.?b.orValue(0)",
            "{'a': 1}[?'a'].value()",
            "[1, 2][?5].hasValue()",
            "{'a': 1}.?b.or(optional.of(2)).orValue(0)",
            "{'a': 1}.?a.optMap(x, x + 1).orValue(0)",
            "{'a': 1}.?a.optFlatMap(x, optional.of(x + 2)).orValue(0)",
            "{?'a': optional.none(), ?'b': optional.ofNonZeroValue('x')}",
            "[?optional.of(1), 2]",
        ],
    ),
    (
        "Quantities",
        &[
            "isQuantity('1Gi')",
            "quantity('1Gi').isGreaterThan(quantity('512Mi'))",
            "quantity('1Gi').isLessThan(quantity('512Mi'))",
            "quantity('1Gi').compareTo(quantity('1024Mi'))",
            "quantity('1Gi').add(quantity('1Mi')).asInteger()",
            "quantity('1Gi').sub(1024).asInteger()",
            "quantity('500m').asApproximateFloat()",
            "quantity('500m').isInteger()",
            "sign(quantity('-1'))",
        ],
    ),
];

/// The table of the functions.
pub(crate) fn table() -> String {
    let mut table = "| | Expression | Gives |\n|---|---|---|\n".to_owned();
    for (about, examples) in EXAMPLES {
        for (index, example) in examples.iter().enumerate() {
            let about = if index == 0 { about } else { "" };
            writeln!(table, "| {about} | `{example}` | `{}` |", given(example)).unwrap();
        }
    }
    table
}

/// What an expression gives.
fn given(source: &str) -> Value {
    let expression = Expression::compile(source, &Scope::new())
        .unwrap_or_else(|error| panic!("{source}: {error}"));
    let budget = Budget::new();
    let reads = Reads::default();
    let bindings = Bindings::new(&Pod(Value::Null), &reads, &[], &budget);
    let value = expression.evaluate(&bindings);
    value
        .unwrap_or_else(|error| panic!("{source}: {error}"))
        .unwrap_or_default()
}

#[test]
fn every_function_has_an_example() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/expression/functions.rs");
    let source = std::fs::read_to_string(path).unwrap();
    let (_, declared) = source.split_once("static FUNCTIONS").unwrap();
    let examples: Vec<_> = EXAMPLES
        .iter()
        .flat_map(|(_, examples)| *examples)
        .collect();
    let names: Vec<_> = ["function(", "method(", "or_else("]
        .iter()
        .flat_map(|start| declared.split(start).skip(1))
        .filter_map(|call| call.trim_start().strip_prefix('"')?.split('"').next())
        .collect();
    assert!(names.len() > 60, "{names:?}");
    for name in names {
        let call = format!("{name}(");
        assert!(
            examples.iter().any(|example| example.contains(&call)),
            "{name}"
        );
    }
}
