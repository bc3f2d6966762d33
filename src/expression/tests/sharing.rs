//! Values that grow by what they share: a made list costs little to put into others again and again, until all of
//! it is written out.

use std::time::Instant;

use super::hostile::{PATIENCE, endure};
use super::*;

/// Evaluates `source` with variables of which each reads the one before it.
fn with_variables(variables: &[String], source: &str) -> Result<Option<Value>, EvaluationError> {
    let names: Vec<_> = (0..variables.len())
        .map(|index| format!("v{index}"))
        .collect();
    let texts = variables.iter().map(String::as_str);
    let sources: Vec<_> = names.iter().map(String::as_str).zip(texts).collect();
    let (scope, known) = values::variables(&sources);
    let expression = Expression::compile(source, &scope).unwrap();
    let data = data();
    let budget = Budget::new();
    let bindings = Bindings::new(&data, expression.reads(), &known, &budget);
    expression.evaluate(&bindings)
}

#[test]
fn variables_that_share_a_list_make_no_more_than_is_paid_for() {
    let range = "lists.range(1000)".to_owned();
    let again = |before: &str| format!("lists.range(1000).map(i, variables.{before})");
    let bytes = EvaluationError::BudgetExceeded(Exhausted::Bytes);
    let start = Instant::now();
    let variables = [range, again("v0"), again("v1")];
    assert_eq!(with_variables(&variables, "variables.v2"), Err(bytes));
    assert!(start.elapsed() < PATIENCE);
}

#[test]
fn variables_inside_one_another_are_not_deep() {
    let around = |index: usize| match index {
        0 => "[1]".to_owned(),
        _ => format!("[[[[[[[[variables.v{}]]]]]]]]", index - 1),
    };
    let chain = |count| (0..count).map(around).collect::<Vec<_>>();
    let whole = with_variables(&chain(12), "variables.v11");
    assert!(whole.is_ok(), "{whole:?}");
    let deep = with_variables(&chain(400), "variables.v399");
    assert!(deep.unwrap_err().to_string().contains("variable `v"));
}

/// What is constant is evaluated when a template is loaded, where no pod pays.
#[test]
fn constants_that_grow_by_sharing_are_loaded_in_time() {
    let ten = "map(a, [a, a, a, a, a, a, a, a, a, a])";
    let source = format!("[lists.range(90)].{}", [ten; 12].join("."));
    let (result, took) = endure(source);
    assert!(result.is_err());
    assert!(took < PATIENCE, "{took:?}");
}
