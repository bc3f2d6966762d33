//! A look at an expression before it is parsed.
//!
//! The parser of the `cel` crate needs time and memory that grow exponentially with some inputs
//! (125 bytes of nested `!!(` took 15 s and 1.2 GB), and it recurses. This pass is linear, keeps
//! a small stack of its own, and refuses what the parser could not bear. It knows just enough of
//! the language for that: strings, comments, brackets and operators.

use super::error::ExpressionError;

/// The longest expression, in bytes.
pub(super) const MAX_LENGTH: usize = 4096;
/// How many tokens it may have: the parser needs some 20 µs for each in a debug build.
const MAX_TOKENS: usize = 1024;
/// How deep brackets may be nested.
pub(super) const MAX_NESTING: usize = 12;
/// How many `!` or `-` may stand before one operand.
const MAX_PREFIXES: usize = 2;
/// How many prefix operators may apply to brackets that are still open.
const MAX_OPEN_PREFIXES: usize = 4;
/// How many ternaries one bracket may hold between commas.
const MAX_TERNARIES: usize = 8;
/// How deep a tree may get by operators: an expression like `a + b + c` counts one for each `+`,
/// and the selections, calls and indexes of its longest operand.
pub(super) const MAX_DEPTH: usize = 64;

/// An open bracket, and what stands between it and here.
struct Level {
    closed_by: u8,
    /// Operators since the last comma.
    operators: usize,
    /// Selections, calls and indexes of the current operand, and the most of an operand before.
    postfixes: usize,
    most_postfixes: usize,
    ternaries: usize,
    /// Prefixes before the bracket.
    prefixes: usize,
    /// The deepest bracket since the last comma.
    inner: usize,
    /// The deepest part before the last comma.
    deepest: usize,
}

impl Level {
    fn new(closed_by: u8, prefixes: usize) -> Self {
        Self {
            closed_by,
            operators: 0,
            postfixes: 0,
            most_postfixes: 0,
            ternaries: 0,
            prefixes,
            inner: 0,
            deepest: 0,
        }
    }

    fn depth(&self) -> usize {
        let postfixes = self.postfixes.max(self.most_postfixes);
        self.deepest.max(self.operators + postfixes + self.inner)
    }

    fn comma(&mut self) {
        self.deepest = self.depth();
        self.operators = 0;
        self.postfixes = 0;
        self.most_postfixes = 0;
        self.ternaries = 0;
        self.inner = 0;
    }
}

/// Refuses an expression that would be dangerous to parse or to evaluate.
pub(super) fn scan(source: &str) -> Result<(), ExpressionError> {
    if source.len() > MAX_LENGTH {
        let message = format!("the expression is longer than {MAX_LENGTH} bytes");
        return Err(ExpressionError::at(MAX_LENGTH, message).hint("split it into `variables`"));
    }
    if source.trim().is_empty() {
        return Err(ExpressionError::at(0, "the expression is empty"));
    }
    let refused = |c: char| c.is_control() && c != '\n' && c != '\t' && c != '\r';
    if let Some((offset, _)) = source.char_indices().find(|(_, c)| refused(*c)) {
        return Err(
            ExpressionError::at(offset, "the expression holds a control character")
                .hint("write it as an escape, such as `\\u0007`"),
        );
    }
    Scanner {
        bytes: source.as_bytes(),
        at: 0,
        levels: vec![Level::new(0, 0)],
        prefixes: 0,
        operand_before: false,
    }
    .run()
}

struct Scanner<'s> {
    bytes: &'s [u8],
    at: usize,
    levels: Vec<Level>,
    /// Prefix operators directly before here.
    prefixes: usize,
    /// Whether an operand stands directly before here, so that `-` takes away, `[` indexes.
    operand_before: bool,
}

impl Scanner<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn run(mut self) -> Result<(), ExpressionError> {
        let mut tokens = 0;
        while self.at < self.bytes.len() {
            let start = self.at;
            self.token()?;
            if self.at == start {
                self.at += 1;
            }
            let blank = self.bytes.get(start).is_some_and(u8::is_ascii_whitespace);
            tokens += usize::from(!blank);
            if tokens > MAX_TOKENS {
                let message = format!("the expression has more than {MAX_TOKENS} names and signs");
                return Err(ExpressionError::at(start, message).hint("split it into `variables`"));
            }
            self.check_depth(start)?;
        }
        match self.levels.as_slice() {
            [_] => Ok(()),
            _ => Err(ExpressionError::at(self.at, "a bracket is not closed")),
        }
    }

    fn token(&mut self) -> Result<(), ExpressionError> {
        match self.peek(0) {
            b' ' | b'\t' | b'\n' | b'\r' => {}
            b'/' if self.peek(1) == b'/' => self.skip_comment(),
            b'"' | b'\'' => self.string(false)?,
            byte if byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80 => self.word()?,
            byte @ (b'(' | b'[' | b'{') => self.open(byte)?,
            byte @ (b')' | b']' | b'}') => self.close(byte)?,
            b',' => {
                self.level().comma();
                self.expect_operand();
            }
            b'!' if self.peek(1) != b'=' => self.prefix()?,
            b'-' if !self.operand_before => self.prefix()?,
            b'?' => self.question_mark()?,
            b':' => self.expect_operand(),
            b'&' | b'|' | b'=' | b'!' | b'<' | b'>' => {
                let length = if matches!(self.peek(1), b'&' | b'|' | b'=') {
                    2
                } else {
                    1
                };
                self.operator(length);
            }
            b'.' => self.selection(),
            b'+' | b'-' | b'*' | b'/' | b'%' => self.operator(1),
            _ => self.operand_before = false,
        }
        Ok(())
    }

    /// The innermost open bracket; the expression itself is the outermost.
    fn level(&mut self) -> &mut Level {
        if self.levels.is_empty() {
            self.levels.push(Level::new(0, 0));
        }
        let last = self.levels.len() - 1;
        #[expect(clippy::indexing_slicing, reason = "there is always one level")]
        &mut self.levels[last]
    }

    fn expect_operand(&mut self) {
        self.operand_before = false;
        self.prefixes = 0;
    }

    fn operator(&mut self, length: usize) {
        let level = self.level();
        level.operators += 1;
        level.most_postfixes = level.most_postfixes.max(level.postfixes);
        level.postfixes = 0;
        self.expect_operand();
        self.at += length;
    }

    /// The `.` of a selection.
    fn selection(&mut self) {
        self.level().postfixes += 1;
        self.expect_operand();
        self.at += 1;
    }

    fn prefix(&mut self) -> Result<(), ExpressionError> {
        self.prefixes += 1;
        self.level().operators += 1;
        let open: usize = self.levels.iter().map(|level| level.prefixes).sum();
        if self.prefixes > MAX_PREFIXES || open + self.prefixes > MAX_OPEN_PREFIXES {
            return Err(ExpressionError::at(self.at, "too many `!` or `-` in a row"));
        }
        self.operand_before = false;
        self.at += 1;
        Ok(())
    }

    /// `?` begins a ternary, but not in `.?field`, `[?index]`, `{?key: …}` and `[?element]`.
    fn question_mark(&mut self) -> Result<(), ExpressionError> {
        if self.operand_before {
            let at = self.at;
            let level = self.level();
            level.operators += 1;
            level.ternaries += 1;
            if level.ternaries > MAX_TERNARIES {
                let message = "too many `? :` in one another";
                return Err(ExpressionError::at(at, message).hint("split it into `variables`"));
            }
        }
        self.expect_operand();
        Ok(())
    }

    fn open(&mut self, byte: u8) -> Result<(), ExpressionError> {
        if self.levels.len() > MAX_NESTING {
            let message = format!("brackets are nested more than {MAX_NESTING} deep");
            return Err(ExpressionError::at(self.at, message).hint("split it into `variables`"));
        }
        if self.operand_before {
            self.level().postfixes += 1;
        }
        let closed_by = match byte {
            b'(' => b')',
            b'[' => b']',
            _ => b'}',
        };
        self.levels.push(Level::new(closed_by, self.prefixes));
        self.expect_operand();
        self.at += 1;
        Ok(())
    }

    fn close(&mut self, byte: u8) -> Result<(), ExpressionError> {
        let closed = self.levels.pop_if(|level| level.closed_by == byte);
        let Some(closed) = closed else {
            let message = format!("`{}` closes nothing", char::from(byte));
            return Err(ExpressionError::at(self.at, message));
        };
        let depth = closed.depth() + 1;
        let level = self.level();
        level.inner = level.inner.max(depth);
        self.operand_before = true;
        self.prefixes = 0;
        self.at += 1;
        Ok(())
    }

    fn check_depth(&mut self, at: usize) -> Result<(), ExpressionError> {
        let depth: usize = self.levels.iter().map(Level::depth).sum();
        if depth > MAX_DEPTH {
            let message = format!("more than {MAX_DEPTH} operators depend on one another");
            return Err(ExpressionError::at(at, message).hint("split it into `variables`"));
        }
        Ok(())
    }

    fn skip_comment(&mut self) {
        while self.at < self.bytes.len() && self.peek(0) != b'\n' {
            self.at += 1;
        }
    }

    /// A name, a number, or the prefix of a string.
    fn word(&mut self) -> Result<(), ExpressionError> {
        let start = self.at;
        while matches!(self.peek(0), b'_' | 0x80.. | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z') {
            self.at += 1;
        }
        let word = self.bytes.get(start..self.at).unwrap_or_default();
        let quote = matches!(self.peek(0), b'"' | b'\'');
        let is_raw = word.iter().any(|byte| matches!(byte, b'r' | b'R'));
        if quote && word.len() <= 2 && word.iter().all(|byte| b"rRbB".contains(byte)) {
            return self.string(is_raw);
        }
        if word == b"in" {
            self.operator(0);
            return Ok(());
        }
        self.operand_before = true;
        self.prefixes = 0;
        Ok(())
    }

    /// A string, from its quote on.
    fn string(&mut self, raw: bool) -> Result<(), ExpressionError> {
        let start = self.at;
        let quote = self.peek(0);
        let triple = self.peek(1) == quote && self.peek(2) == quote;
        let width = if triple { 3 } else { 1 };
        self.at += width;
        loop {
            match self.peek(0) {
                _ if self.at >= self.bytes.len() => break,
                b'\\' if !raw => self.at += 2,
                b'\n' | b'\r' if !triple => break,
                byte if byte == quote && (!triple || self.closes(quote)) => {
                    self.at += width;
                    self.operand_before = true;
                    self.prefixes = 0;
                    return Ok(());
                }
                _ => self.at += 1,
            }
        }
        Err(ExpressionError::at(start, "a string is not closed"))
    }

    fn closes(&self, quote: u8) -> bool {
        self.peek(1) == quote && self.peek(2) == quote
    }
}
