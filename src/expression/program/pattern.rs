//! The patterns of `matches` and of parameters.
//!
//! The API server's are RE2 patterns, in which `\d`, `\w`, `\s` and `\b` know ASCII only, and which
//! have no set operations in brackets. They are written so that they mean the same here.

use crate::expression::budget::{Budget, Exhausted};
use crate::expression::regular_expression::{
    PatternAllowance, RegularExpression, RegularExpressionError,
};

/// How large a compiled pattern of `matches` may be, in bytes.
pub(in crate::expression) const MAX_SIZE: usize = 1024 * 1024;

/// What a step of evaluation matches of a text: bytes of a program times bytes of text. A program
/// is gone through for each byte in the worst case, at about two nanoseconds for each instruction.
const SIZE_PER_STEP: u64 = 256;

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    regex: RegularExpression,
    /// How many steps a byte of text takes.
    steps_per_byte: u64,
}

impl Pattern {
    /// Compiles a pattern of at most so many bytes, which takes its part of its template's allowance.
    pub(crate) fn compile(
        pattern: &str,
        most: usize,
        allowance: &PatternAllowance,
    ) -> Result<Self, RegularExpressionError> {
        let translated = translate(pattern);
        let mut size = 4 * 1024;
        loop {
            match RegularExpression::compile(&translated, size, allowance) {
                Ok(regex) => {
                    let steps_per_byte = size as u64 / (16 * SIZE_PER_STEP);
                    return Ok(Self {
                        regex,
                        steps_per_byte,
                    });
                }
                Err(RegularExpressionError::TooLarge(_)) if size < most => size *= 4,
                Err(error) => return Err(error),
            }
        }
    }

    /// How many steps it takes to match a text.
    fn steps(&self, text: &str) -> u64 {
        1 + self.steps_per_byte.saturating_mul(text.len() as u64) / 4
    }

    /// Whether it is found in a text, which is paid for.
    pub(crate) fn is_match(&self, text: &str, budget: &Budget<'_>) -> Result<bool, Exhausted> {
        budget.step(self.steps(text))?;
        Ok(self.regex.is_match(text))
    }
}

/// A pattern of RE2 as the `regex` crate reads it.
fn translate(pattern: &str) -> String {
    let mut translated = String::with_capacity(pattern.len());
    let mut in_brackets = false;
    let mut characters = pattern.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\\' => match (characters.next(), in_brackets) {
                (Some('d'), _) => translated.push_str("[0-9]"),
                (Some('D'), _) => translated.push_str("[^0-9]"),
                (Some('w'), _) => translated.push_str("[0-9A-Za-z_]"),
                (Some('W'), _) => translated.push_str("[^0-9A-Za-z_]"),
                (Some('s'), _) => translated.push_str(r"[\t\n\f\r ]"),
                (Some('S'), _) => translated.push_str(r"[^\t\n\f\r ]"),
                (Some(boundary @ ('b' | 'B')), false) => {
                    translated.extend(["(?-u:\\", if boundary == 'b' { "b)" } else { "B)" }]);
                }
                (Some(escaped), _) => translated.extend(['\\', escaped]),
                (None, _) => translated.push('\\'),
            },
            '[' if !in_brackets => {
                in_brackets = true;
                translated.push('[');
                if let Some(negation) = characters.next_if_eq(&'^') {
                    translated.push(negation);
                }
                // The first `]` is one of the characters, and so is the first of two `-`.
                if characters.next_if_eq(&']').is_some() {
                    translated.push_str(r"\]");
                } else if characters.next_if_eq(&'-').is_some() {
                    translated.push_str(r"\-");
                }
            }
            '[' if characters.peek() == Some(&':') => {
                translated.push('[');
                for c in characters.by_ref() {
                    translated.push(c);
                    if c == ']' {
                        break;
                    }
                }
            }
            '[' | '&' | '~' if in_brackets => translated.extend(['\\', c]),
            // The second of two is a character, and they are no difference of sets.
            '-' if in_brackets && characters.next_if_eq(&'-').is_some() => {
                translated.push_str(r"-\-");
            }
            ']' => {
                in_brackets = false;
                translated.push(']');
            }
            c => translated.push(c),
        }
    }
    translated
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compile(pattern: &str) -> Result<Pattern, RegularExpressionError> {
        Pattern::compile(pattern, MAX_SIZE, &PatternAllowance::default())
    }

    #[test]
    fn patterns_mean_what_they_mean_in_re2() {
        for (pattern, text, matches) in [
            (r"^\d+$", "12", true),
            (r"^\d+$", "\u{661}", false),
            (r"^\w$", "é", false),
            (r"^[\w.-]+$", "a-b.c_1", true),
            (r"\bx\b", "éxé", true),
            (r"^[[:alpha:]&&[b]$", "&", true),
            (r"^[]a]+$", "]a]", true),
            (r"^[^]a]+$", "bc", true),
            (r"^é.$", "éñ", true),
            (r"^[a-z--]+$", "m-x", true),
            (r"^[a-z--]+$", "/", false),
            (r"^[+--]+$", "+,-", true),
            (r"^[--/]+$", "-./", true),
            (r"^[-a]+$", "a-", true),
            (r"^[^-a]+$", "b", true),
            (r"^[^-a]+$", "-", false),
            (r"^a[a-]$", "a-", true),
        ] {
            let compiled = compile(pattern).unwrap();
            let is_match = compiled.is_match(text, &Budget::new());
            assert_eq!(is_match, Ok(matches), "{pattern} {text}");
        }
    }

    #[test]
    fn a_larger_pattern_takes_more_steps() {
        let small = compile("^a$").unwrap();
        let large = compile("^[ab]{1000}$").unwrap();
        assert!(small.steps("aaaa") * 4 <= large.steps("aaaa"));
        assert!(compile("(x{1000}){1000}").is_err());
    }
}
