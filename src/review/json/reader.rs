//! Reading JSON (RFC 8259) into an index.
//!
//! It takes what `serde_json` takes when it skips a value, and refuses the rest; a property holds both
//! together. Texts, which are most of a review, are searched eight bytes at once.

use super::{Kind, Node};

/// How deep values may be in each other, as for `serde_json`.
const DEEPEST: usize = 127;

/// About as many bytes of a review belong to one node; more room is made where they are fewer.
const BYTES_OF_A_NODE: usize = 8;

/// The index of a text; `None` where it is no JSON, is nested too deep, or has 4 GiB.
pub(super) fn read(text: &str) -> Option<Vec<Node>> {
    u32::try_from(text.len()).ok()?;
    let mut reader = Reader {
        bytes: text.as_bytes(),
        at: 0,
        nodes: Vec::with_capacity(text.len() / BYTES_OF_A_NODE + 1),
    };
    reader.value(0)?;
    reader.skip_space();
    (reader.at == text.len()).then_some(reader.nodes)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    nodes: Vec<Node>,
}

impl Reader<'_> {
    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// The next byte that is no space.
    #[inline]
    fn token(&mut self) -> Option<u8> {
        match self.peek() {
            Some(b' ' | b'\n' | b'\t' | b'\r') => {
                self.skip_space();
                self.peek()
            }
            byte => byte,
        }
    }

    /// Takes the next byte that is no space, if it is this one.
    #[inline]
    fn take(&mut self, expected: u8) -> Option<()> {
        (self.token()? == expected).then(|| self.at += 1)
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        match self.token()? {
            b'"' => self.text(),
            b'{' => self.object(depth),
            b'[' => self.list(depth),
            b't' => self.word(b"true", Kind::True),
            b'f' => self.word(b"false", Kind::False),
            b'n' => self.word(b"null", Kind::Null),
            b'-' | b'0'..=b'9' => self.number(),
            _ => None,
        }
    }

    /// Begins a node at the current byte.
    #[inline]
    fn open(&mut self, kind: Kind) -> usize {
        let index = self.nodes.len();
        self.nodes.push(Node {
            kind,
            start: narrow(self.at),
            end: 0,
            next: 0,
        });
        index
    }

    /// Ends a node in front of the current byte.
    #[inline]
    fn close(&mut self, index: usize) {
        let next = narrow(self.nodes.len());
        if let Some(node) = self.nodes.get_mut(index) {
            node.end = narrow(self.at);
            node.next = next;
        }
    }

    /// A node without others in it, from `start` to the current byte.
    #[inline]
    fn leaf(&mut self, kind: Kind, start: usize) {
        let next = narrow(self.nodes.len() + 1);
        self.nodes.push(Node {
            kind,
            start: narrow(start),
            end: narrow(self.at),
            next,
        });
    }

    fn word(&mut self, word: &[u8], kind: Kind) -> Option<()> {
        let start = self.at;
        self.bytes.get(start..)?.starts_with(word).then_some(())?;
        self.at += word.len();
        self.leaf(kind, start);
        Some(())
    }

    fn object(&mut self, depth: usize) -> Option<()> {
        let index = self.enter(Kind::Object, depth)?;
        if self.token()? == b'}' {
            self.at += 1;
        } else {
            loop {
                (self.token()? == b'"').then_some(())?;
                self.text()?;
                self.take(b':')?;
                self.value(depth + 1)?;
                if self.is_last(b'}')? {
                    break;
                }
            }
        }
        self.close(index);
        Some(())
    }

    fn list(&mut self, depth: usize) -> Option<()> {
        let index = self.enter(Kind::List, depth)?;
        if self.token()? == b']' {
            self.at += 1;
        } else {
            loop {
                self.value(depth + 1)?;
                if self.is_last(b']')? {
                    break;
                }
            }
        }
        self.close(index);
        Some(())
    }

    #[inline]
    fn enter(&mut self, kind: Kind, depth: usize) -> Option<usize> {
        (depth < DEEPEST).then_some(())?;
        let index = self.open(kind);
        self.at += 1;
        Some(index)
    }

    /// Takes what follows an element: its end, or a comma.
    #[inline]
    fn is_last(&mut self, end: u8) -> Option<bool> {
        let byte = self.token()?;
        self.at += 1;
        match byte {
            b',' => Some(false),
            byte if byte == end => Some(true),
            _ => None,
        }
    }

    #[inline]
    fn text(&mut self) -> Option<()> {
        let start = self.at + 1;
        let rest = self.bytes.get(start..)?;
        let length = plain(rest);
        self.at = start + length;
        if rest.get(length) == Some(&b'"') {
            self.leaf(Kind::Text, start);
            self.at += 1;
            return Some(());
        }
        self.escaped_text(start)
    }

    /// The rest of a text that is not written as it is read.
    fn escaped_text(&mut self, start: usize) -> Option<()> {
        while self.peek()? != b'"' {
            self.escape()?;
            self.at += plain(self.bytes.get(self.at..)?);
        }
        self.leaf(Kind::Escaped, start);
        self.at += 1;
        Some(())
    }

    fn escape(&mut self) -> Option<()> {
        (self.peek()? == b'\\').then_some(())?;
        match self.bytes.get(self.at + 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 2,
            b'u' => {
                let digits = self.bytes.get(self.at + 2..self.at + 6)?;
                digits.iter().all(u8::is_ascii_hexdigit).then_some(())?;
                self.at += 6;
            }
            _ => return None,
        }
        Some(())
    }

    fn number(&mut self) -> Option<()> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek()? {
            b'0' => self.at += 1,
            b'1'..=b'9' => self.digits()?,
            _ => return None,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        self.leaf(Kind::Number, start);
        Some(())
    }

    /// One digit or more.
    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }
}

/// A place in a text whose length is known to fit.
#[inline]
fn narrow(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

/// How many bytes stand in front of the first that ends a text, escapes in it or may not be in it.
#[inline]
fn plain(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES << 7;
    let repeated = |byte: u8| ONES * u64::from(byte);
    let mut at = 0;
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*chunk);
        // The lowest bit that is set is right; those above it may not be.
        let is_zero = |word: u64| word.wrapping_sub(ONES) & !word;
        let control = word.wrapping_sub(repeated(0x20)) & !word;
        let special = is_zero(word ^ repeated(b'"')) | is_zero(word ^ repeated(b'\\')) | control;
        match special & HIGH {
            0 => at += 8,
            found => return at + found.trailing_zeros() as usize / 8,
        }
    }
    let rest = bytes.get(at..).unwrap_or_default();
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    at + rest.iter().position(is_special).unwrap_or(rest.len())
}
