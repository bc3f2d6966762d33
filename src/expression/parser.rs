//! From text to a tree, by the parser of the `cel` crate.
//!
//! The parser recurses, and takes long for some texts with many brackets that are not closed. So
//! length and depth of brackets are bounded before it sees a text. What is inside, down to
//! [`MAX_NESTING`] brackets, it parses in a few milliseconds and less than 1 MiB of stack.

use std::sync::LazyLock;

use cel::common::ast::SourceInfo;
use cel::{Env, IdedExpr, ParseErrors};

use super::error::ExpressionError;

/// The longest expression, in bytes.
const MAX_LENGTH: usize = 8 * 1024;
/// How deep brackets may be nested.
const MAX_NESTING: usize = 32;

/// The macros of the standard library and of optionals, made once.
static ENVIRONMENT: LazyLock<Env> = LazyLock::new(Env::stdlib);

pub(super) struct Parsed {
    pub(super) tree: IdedExpr,
    pub(super) positions: SourceInfo,
}

pub(super) fn parse(source: &str) -> Result<Parsed, ExpressionError> {
    check(source)?;
    let parser = ENVIRONMENT.parser();
    let (tree, positions) = parser
        .parse_with_source_info(source)
        .map_err(|errors| syntax_error(source, &errors))?;
    Ok(Parsed { tree, positions })
}

/// Refuses what the parser should not see.
pub(super) fn check(source: &str) -> Result<(), ExpressionError> {
    check_text(source)?;
    check_brackets(source.as_bytes())
}

fn check_text(source: &str) -> Result<(), ExpressionError> {
    if source.len() > MAX_LENGTH {
        let message = format!("the expression is longer than {MAX_LENGTH} bytes");
        return Err(ExpressionError::at(MAX_LENGTH, message).hint("split it into `variables`"));
    }
    if source.trim().is_empty() {
        return Err(ExpressionError::at(0, "the expression is empty"));
    }
    let mut characters = source.char_indices();
    if let Some((offset, _)) = characters.find(|(_, c)| c.is_control() && !"\n\t\r".contains(*c)) {
        return Err(
            ExpressionError::at(offset, "the expression holds a control character")
                .hint("write it as an escape, such as `\\u0007`"),
        );
    }
    Ok(())
}

/// Refuses brackets that are nested too deep or do not fit one another.
fn check_brackets(source: &[u8]) -> Result<(), ExpressionError> {
    let mut open = Vec::new();
    let mut at = 0;
    while let Some(&byte) = source.get(at) {
        match byte {
            b'"' | b'\'' => {
                at = end_of_string(source, at)
                    .ok_or_else(|| ExpressionError::at(at, "a string is not closed"))?;
                continue;
            }
            b'/' if source.get(at + 1) == Some(&b'/') => {
                let rest = source.get(at..).unwrap_or_default();
                at += rest.iter().take_while(|byte| **byte != b'\n').count();
                continue;
            }
            b'(' => open.push(b')'),
            b'[' => open.push(b']'),
            b'{' => open.push(b'}'),
            b')' | b']' | b'}' if open.pop() != Some(byte) => {
                let message = format!("`{}` closes nothing", char::from(byte));
                return Err(ExpressionError::at(at, message));
            }
            _ => {}
        }
        if open.len() > MAX_NESTING {
            let message = format!("brackets are nested more than {MAX_NESTING} deep");
            return Err(ExpressionError::at(at, message).hint("split it into `variables`"));
        }
        at += 1;
    }
    match open.as_slice() {
        [] => Ok(()),
        _ => Err(ExpressionError::at(at, "a bracket is not closed")),
    }
}

/// The offset behind a string that begins here.
fn end_of_string(source: &[u8], start: usize) -> Option<usize> {
    let quote = *source.get(start)?;
    let closes = |at: usize, width: usize| {
        let end = source.get(at..at + width);
        end.is_some_and(|end| end.iter().all(|byte| *byte == quote))
    };
    let width = if closes(start, 3) { 3 } else { 1 };
    let before = source
        .get(start.saturating_sub(2)..start)
        .unwrap_or_default();
    let is_raw = is_raw(before);
    let mut at = start + width;
    while let Some(&byte) = source.get(at) {
        match byte {
            b'\\' if !is_raw => at += 2,
            b'\n' | b'\r' if width == 1 => return None,
            _ if closes(at, width) => return Some(at + width),
            _ => at += 1,
        }
    }
    None
}

/// Whether the letters directly before a quote make a string raw.
fn is_raw(before: &[u8]) -> bool {
    match before {
        [first, second] => match second {
            b'r' | b'R' => !first.is_ascii_alphanumeric() || matches!(first, b'b' | b'B'),
            b'b' | b'B' => matches!(first, b'r' | b'R'),
            _ => false,
        },
        [b'r' | b'R'] => true,
        _ => false,
    }
}

/// Where the character with this number begins, in bytes; behind the last one, the end of the text.
pub(super) fn byte_offset(text: &str, character: usize) -> usize {
    let mut starts = text.char_indices().map(|(offset, _)| offset);
    starts.nth(character).unwrap_or(text.len())
}

/// What the parser found: its first error. Positions of the parser count characters in a line.
fn syntax_error(source: &str, errors: &ParseErrors) -> ExpressionError {
    let Some(first) = errors.errors.first() else {
        return ExpressionError::at(0, "the expression cannot be parsed");
    };
    let (line, column) = first.pos;
    let line = usize::try_from(line).unwrap_or(1).max(1) - 1;
    let column = usize::try_from(column).unwrap_or(1).max(1) - 1;
    let before: usize = source.split_inclusive('\n').take(line).map(str::len).sum();
    let inside = byte_offset(source.get(before..).unwrap_or_default(), column);
    let message = first.msg.lines().next().unwrap_or_default();
    let text = message.strip_prefix("Syntax error: ").unwrap_or(message);
    ExpressionError::at(
        (before + inside).min(source.len()),
        format!("not a CEL expression: {}", plain(text)),
    )
}

/// The parser's words for a mistake of syntax, and ours: its list of every token that it would have
/// taken is no help to anybody.
const MISTAKES: [(&str, &str); 4] = [
    ("mismatched input '", "is not expected here"),
    ("extraneous input '", "is not expected here"),
    ("no viable alternative at input '", "is not expected here"),
    (
        "token recognition error at: '",
        "is no part of an expression",
    ),
];

/// The first mistake that the parser found, for a person.
fn plain(text: &str) -> String {
    for (start, meaning) in MISTAKES {
        let Some(rest) = text.strip_prefix(start) else {
            continue;
        };
        let quoted = rest.rsplit_once('\'').map_or(rest, |(quoted, _)| quoted);
        return match quoted.split("' expecting").next().unwrap_or(quoted) {
            "<EOF>" => "it ends where more is expected".to_owned(),
            found => format!("`{}` {meaning}", clip(found)),
        };
    }
    clip(text).to_owned()
}

/// At most 200 bytes of a text.
fn clip(text: &str) -> &str {
    text.get(..text.floor_char_boundary(200)).unwrap_or(text)
}
