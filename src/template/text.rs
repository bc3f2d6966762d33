//! Text with expressions in it: `redis://localhost:${params.port}`.
//!
//! `${` opens an expression that ends at its matching brace; braces inside CEL's strings and maps
//! do not count. `$${` is a literal `${`. A value that an expression gives is never scanned again.

/// One part of a text, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TextSegment {
    Literal(String),
    /// The source of an expression, without `${` and `}`.
    Expression {
        source: String,
        /// Bytes from the start of the text to the source.
        offset: usize,
    },
}

/// Why a text cannot be split.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`${{` is not closed by `}}`: for a literal `${{` write `$${{`")]
pub(crate) struct UnclosedError {
    /// Bytes from the start of the text to the `${`.
    pub(crate) offset: usize,
}

/// Splits a text into literals and expressions.
pub(crate) fn split(text: &str) -> Result<Vec<TextSegment>, UnclosedError> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        let offset = text.len() - from.len();
        let inside = from.get(2..).unwrap_or_default();
        if let Some(unescaped) = before.strip_suffix('$') {
            literal.push_str(unescaped);
            literal.push_str("${");
            rest = inside;
            continue;
        }
        literal.push_str(before);
        let length = expression_length(inside).ok_or(UnclosedError { offset })?;
        if !literal.is_empty() {
            pieces.push(TextSegment::Literal(std::mem::take(&mut literal)));
        }
        let (source, after) = inside.split_at(length);
        pieces.push(TextSegment::Expression {
            source: source.to_owned(),
            offset: offset + 2,
        });
        rest = after.get(1..).unwrap_or_default();
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        pieces.push(TextSegment::Literal(literal));
    }
    Ok(pieces)
}

/// Bytes up to the brace that closes an expression.
fn expression_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 0 => return Some(at),
            b'}' => depth -= 1,
            b'\'' | b'"' => at = string_end(bytes, at)?,
            _ => {}
        }
        at += 1;
    }
    None
}

/// The position of the last byte of the CEL string that opens at `start`, raw strings (`r'…'`, no
/// escapes) and triple quotes included.
fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let quote = *bytes.get(start)?;
    let before = |back: usize| {
        start
            .checked_sub(back)
            .and_then(|at| bytes.get(at))
            .copied()
    };
    let is_raw = match before(1) {
        Some(b'r' | b'R') => before(2).is_none_or(|byte| {
            matches!(byte, b'b' | b'B') || !(byte.is_ascii_alphanumeric() || byte == b'_')
        }),
        Some(b'b' | b'B') => matches!(before(2), Some(b'r' | b'R')),
        _ => false,
    };
    let triple = [quote; 3];
    let opens_triple = bytes.get(start..start + 3) == Some(&triple[..]);
    let closing: &[u8] = if opens_triple { &triple } else { &triple[..1] };
    let mut at = start + closing.len();
    while at < bytes.len() {
        if bytes.get(at) == Some(&b'\\') && !is_raw {
            at += 2;
        } else if bytes.get(at..at + closing.len()) == Some(closing) {
            return Some(at + closing.len() - 1);
        } else {
            at += 1;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(text: &str) -> TextSegment {
        TextSegment::Literal(text.to_owned())
    }

    fn expression(source: &str, offset: usize) -> TextSegment {
        TextSegment::Expression {
            source: source.to_owned(),
            offset,
        }
    }

    #[test]
    fn texts_split_at_matching_braces() {
        let table: &[(&str, Vec<TextSegment>)] = &[
            ("plain", vec![literal("plain")]),
            ("", vec![]),
            ("${a}", vec![expression("a", 2)]),
            (
                "x${a}y${b}",
                vec![
                    literal("x"),
                    expression("a", 3),
                    literal("y"),
                    expression("b", 8),
                ],
            ),
            (
                "${{'a': {'b': 1}}['a']}",
                vec![expression("{'a': {'b': 1}}['a']", 2)],
            ),
            (
                "${p == '}' ? '${X}' : \"}\"}",
                vec![expression("p == '}' ? '${X}' : \"}\"", 2)],
            ),
            (
                r"${'it\'s}' + r'\'}",
                vec![expression(r"'it\'s}' + r'\'", 2)],
            ),
            ("${'''a'}''' + b}", vec![expression("'''a'}''' + b", 2)]),
            (
                "$${HOME} ${a}",
                vec![literal("${HOME} "), expression("a", 11)],
            ),
            ("$(VAR) $x {y}", vec![literal("$(VAR) $x {y}")]),
        ];
        for (text, expected) in table {
            assert_eq!(split(text).as_ref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn an_open_expression_is_an_error_at_its_place() {
        for (text, offset) in [("ab${c", 2), ("${'}", 0), ("${a} ${{}", 5)] {
            assert_eq!(split(text), Err(UnclosedError { offset }), "{text}");
        }
    }
}
