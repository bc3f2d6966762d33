//! The errors of the `cel` crate in words for a person.
//!
//! The crate's own texts print values, which may be secret, and speak of overloads. Here each
//! error becomes one of ours; what it carries is used only where it is not data.

use cel::{ExecutionError, ParseErrors};

use super::budget::{EXHAUSTED, MAX_TEXT, TOO_LONG};
use super::error::{EvaluationError, ExpressionError};
use super::library::BOUND_EXCEEDED;

/// What the parser found: its first error. Positions of the parser count characters in a line.
pub(super) fn of_parsing(source: &str, errors: &ParseErrors) -> ExpressionError {
    let Some(first) = errors.errors.first() else {
        return ExpressionError::at(0, "the expression cannot be parsed");
    };
    let (line, column) = first.pos;
    let line = usize::try_from(line).unwrap_or(1).max(1) - 1;
    let column = usize::try_from(column).unwrap_or(1).max(1) - 1;
    let before: usize = source.split_inclusive('\n').take(line).map(str::len).sum();
    let inside = source.get(before..).unwrap_or_default();
    let inside = inside
        .char_indices()
        .nth(column)
        .map_or(inside.len(), |(offset, _)| offset);
    let text = first.msg.lines().next().unwrap_or_default();
    let text = text.strip_prefix("Syntax error: ").unwrap_or(text);
    ExpressionError::at(
        (before + inside).min(source.len()),
        format!("not a CEL expression: {}", shorten(text)),
    )
}

/// The parser lists every token that it would have taken: no help to anybody.
fn shorten(text: &str) -> String {
    match text.split_once(" expecting {") {
        Some((what, _)) => what.to_owned(),
        None => text.chars().take(200).collect(),
    }
}

/// What failed on a pod. `unbound` is why a name had no value, where one had none.
pub(super) fn of_evaluation(
    error: &ExecutionError,
    unbound: Option<&EvaluationError>,
) -> EvaluationError {
    match error {
        ExecutionError::NoSuchKey(key) => EvaluationError::NoSuchKey(key.as_ref().clone()),
        ExecutionError::UndeclaredReference(name) => unbound
            .cloned()
            .unwrap_or_else(|| EvaluationError::Unbound(name.as_ref().clone())),
        ExecutionError::IndexOutOfBounds(_) => EvaluationError::IndexOutOfBounds,
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            EvaluationError::DivisionByZero
        }
        ExecutionError::Overflow(..) => EvaluationError::Overflow,
        ExecutionError::DuplicateKey(_) => EvaluationError::DuplicateKey,
        ExecutionError::NoSuchOverload(overload) => {
            wrong_type(overload.function(), &overload.argument_types().join(", "))
        }
        ExecutionError::UnexpectedType { got, want } => wrong_type(want, got),
        ExecutionError::ValuesNotComparable(a, b) => {
            wrong_type("a comparison", &format!("{}, {}", a.type_of(), b.type_of()))
        }
        ExecutionError::UnsupportedBinaryOperator(name, a, b) => {
            wrong_type(name, &format!("{}, {}", a.type_of(), b.type_of()))
        }
        ExecutionError::UnsupportedKeyType(key) => {
            wrong_type("a map key", &key.type_of().to_string())
        }
        ExecutionError::FunctionError { function, message } => of_function(function, message),
        _ => EvaluationError::Function {
            function: "CEL".to_owned(),
            reason: "the values do not fit the expression".to_owned(),
        },
    }
}

/// The operators and types by the names that authors know them by.
fn wrong_type(operation: &str, types: &str) -> EvaluationError {
    let operation = match operation {
        "add" => "+",
        "sub" => "-",
        "mul" => "*",
        "div" => "/",
        "rem" => "%",
        other => other.trim_matches(|c| c == '_' || c == '@'),
    };
    let types: Vec<&str> = types.split(", ").map(type_name).collect();
    EvaluationError::WrongType {
        operation: operation.to_owned(),
        types: types.join(" and "),
    }
}

fn type_name(name: &str) -> &str {
    match name {
        "string" => "text",
        "int" | "uint" => "integer",
        "double" | "float" => "number",
        "bool" => "boolean",
        "null_type" => "null",
        "optional_type" => "optional",
        "kubernetes.Quantity" => "quantity",
        other => other,
    }
}

/// Errors of functions. Only the texts of our own library and those known to hold no data are
/// passed on.
fn of_function(function: &str, message: &str) -> EvaluationError {
    match function {
        EXHAUSTED => return EvaluationError::TooMuchWork,
        TOO_LONG => return EvaluationError::TextTooLong(MAX_TEXT),
        BOUND_EXCEEDED => {
            return EvaluationError::TooManyItems {
                bound: message.parse().unwrap_or_default(),
            };
        }
        _ => {}
    }
    let reason = match function {
        "int" | "@double" | "@bool" => "the text does not name such a value".to_owned(),
        "substring" | "charAt" | "slice" => "the positions lie outside".to_owned(),
        "value" => "the optional is absent; use `orValue(…)`".to_owned(),
        _ if function.starts_with('@') => message.to_owned(),
        _ => "its arguments do not fit".to_owned(),
    };
    EvaluationError::Function {
        function: function.trim_start_matches('@').to_owned(),
        reason,
    }
}
