//! The same answers as the interpreter's.

use serde_json::json;

use super::super::{Bindings, Expression, Paths, Scope, Type};
use super::*;

struct Values(Value);

impl Source for Values {
    fn parameter(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }
    fn pod(&self, _: &Paths) -> Value {
        Value::Null
    }
    fn apps(&self, _: &Paths) -> Value {
        Value::Null
    }
    fn app(&self, _: &Paths) -> Value {
        Value::Null
    }
    fn own(&self, _: &Paths) -> Value {
        Value::Null
    }
    fn namespace(&self, _: &Paths) -> Value {
        Value::Null
    }
    fn kubernetes_minor(&self) -> u32 {
        37
    }
}

fn scope() -> Scope {
    Scope::new()
        .parameter("text", Type::Text, None)
        .parameter("other", Type::Text, None)
        .parameter("number", Type::Integer, None)
        .parameter("ratio", Type::Number, None)
        .parameter("flag", Type::Boolean, None)
        .parameter("list", Type::List(Box::new(Type::Text)), Some(4))
        .parameter("numbers", Type::List(Box::new(Type::Integer)), Some(4))
        .parameter("map", Type::Map(Box::new(Type::Text)), Some(4))
}

/// Expressions that are answered without the interpreter wherever their values allow it.
const KNOWN: &[&str] = &[
    "'a'",
    "-1 == params.number",
    "true",
    "params.text == ''",
    "params.text != params.other",
    "params.number != 6432",
    "params.flag == true",
    "!params.flag",
    "params.flag && params.text == 'x'",
    "params.flag || params.number == 1 || params.text == 'x'",
    "params.text == '' ? 'any' : 'scram'",
    "params.flag ? params.number : 7",
    "params.text + ':' + string(params.number)",
    "string(params.flag) + string(params.text)",
    "params.list.join(',')",
    "params.list.map(x, x)",
    "params.list.map(x, x + ' = ' + params.text).join('\\n')",
    "params.list.map(x, x == params.text ? x : 'no ' + x).join(params.other)",
    "params.list.map(x, string(params.number) + (params.flag ? x : '')).join('')",
];

/// Expressions that are left to the interpreter.
const UNKNOWN: &[&str] = &[
    "params.list.filter(x, x != '')",
    "params.list.map(x, x.size())",
    "params.list.map(x, params.list.map(y, x + y).join(','))",
    "params.map.text",
    "size(params.list) > 0",
    "params.ratio < 2.0",
];

#[test]
fn answers_are_the_interpreters() {
    let long = "x".repeat(MOST_HANDLED);
    let sets = [
        json!({"text": "", "other": "", "number": 0, "ratio": 0.5, "flag": false, "list": [],
            "numbers": [], "map": {}}),
        json!({"text": "x", "other": ", ", "number": -1, "ratio": 2, "flag": true,
            "list": ["x", "y"], "numbers": [1], "map": {"text": "t"}}),
        json!({"text": "é\n$", "other": "x", "number": i64::MAX, "ratio": 1e30, "flag": true,
            "list": ["", "é", "x", "x"], "numbers": [1, 2], "map": {}}),
        // Values that declarations rule out, and those above the bounds.
        json!({"text": 1, "other": null, "number": "1", "flag": "true", "list": "x", "map": []}),
        json!({"text": long, "other": "x", "number": 1.5, "flag": false,
            "list": ["1", "2", "3", "4", "5"]}),
        json!({"text": "x", "other": long, "number": 1, "flag": true, "list": [1, "x"]}),
        json!({}),
    ];
    let mut answered = 0;
    for source in KNOWN.iter().chain(UNKNOWN) {
        let expression = Expression::compile(source, &scope()).unwrap();
        let Some(direct) = expression.direct() else {
            assert!(UNKNOWN.contains(source), "{source}");
            continue;
        };
        assert!(KNOWN.contains(source), "{source}");
        for set in &sets {
            let values = Values(set.clone());
            let bindings = Bindings::new(&values, expression.reads(), &[]);
            if let Some(answer) = direct.value(&values) {
                let interpreted = expression.interpret(&bindings);
                assert_eq!(interpreted, Ok(Some(answer)), "{source} {set}");
                answered += 1;
            }
            if let Some(truth) = direct.truth(&values) {
                assert_eq!(direct.value(&values), Some(truth.into()), "{source} {set}");
            }
        }
    }
    assert!(answered > 3 * KNOWN.len(), "{answered}");
}

#[test]
fn what_is_large_is_left_to_the_interpreter() {
    let source = "params.list.map(x, x + params.text).join(params.other)";
    let expression = Expression::compile(source, &scope()).unwrap();
    let direct = expression.direct().unwrap();
    let answer = |text: &str, list: &[&str]| {
        let values = Values(json!({"text": text, "other": ",", "list": list}));
        direct.value(&values)
    };
    assert_eq!(answer("1", &["a", "b"]), Some(json!("a1,b1")));
    assert_eq!(answer("1", &["a", "b", "c", "d", "e"]), None);
    assert_eq!(answer(&"1".repeat(MOST_HANDLED / 2), &["a", "b"]), None);
}
