//! A shell's script cut into its plain commands.
//!
//! No shell: only as much of the grammar as tells where one command ends and the next begins. What
//! would need more than that is given up.

/// What stands behind a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    /// `;`, a new line, or the end of the script.
    Then,
    /// `&&`
    And,
    /// `||`
    Or,
    /// `|`
    Pipe,
    /// `&`
    Background,
}

/// One command, or a part of a loop's or a condition's frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segment {
    /// Its words, without quotes.
    pub(super) words: Vec<String>,
    /// What stands behind it.
    pub(super) link: Link,
}

/// The longest script that is looked into, in bytes.
const LONGEST: usize = 16 * 1024;

/// Cuts a script; `None` where it is not understood.
pub(super) fn segments(script: &str) -> Option<Vec<Segment>> {
    if script.len() > LONGEST || script.contains("<<") {
        return None;
    }
    let mut reader = Reader {
        rest: script.chars().peekable(),
        word: None,
        words: Vec::new(),
        segments: Vec::new(),
    };
    reader.read()?;
    Some(reader.segments)
}

struct Reader<'s> {
    rest: std::iter::Peekable<std::str::Chars<'s>>,
    word: Option<String>,
    words: Vec<String>,
    segments: Vec<Segment>,
}

impl Reader<'_> {
    fn read(&mut self) -> Option<()> {
        while let Some(c) = self.rest.next() {
            match c {
                ' ' | '\t' => self.end_word(),
                '\n' | ';' => self.end(Link::Then),
                '&' if self.rest.next_if_eq(&'&').is_some() => self.end(Link::And),
                '|' if self.rest.next_if_eq(&'|').is_some() => self.end(Link::Or),
                '|' => self.end(Link::Pipe),
                // `2>&1` and `&>file` send output elsewhere.
                '&' if self.word.as_ref().is_some_and(|word| word.ends_with('>')) => self.push('&'),
                '&' if self.rest.peek() == Some(&'>') => self.push('&'),
                '&' => self.end(Link::Background),
                '#' if self.word.is_none() => while self.rest.next_if(|c| *c != '\n').is_some() {},
                '\'' => self.single()?,
                '"' => self.double()?,
                '\\' => match self.rest.next()? {
                    '\n' => {}
                    c => self.push(c),
                },
                '`' => self.substitution('`')?,
                '$' if self.rest.next_if_eq(&'(').is_some() => self.substitution(')')?,
                c => self.push(c),
            }
        }
        self.end(Link::Then);
        Some(())
    }

    fn push(&mut self, c: char) {
        self.word.get_or_insert_default().push(c);
    }

    fn end_word(&mut self) {
        let Some(word) = self.word.take() else {
            return;
        };
        // The frames of loops and conditions stand before commands without a sign between them.
        let is_frame = matches!(word.as_str(), "do" | "then" | "else" | "{");
        if is_frame && self.words.is_empty() {
            self.segments.push(Segment {
                words: vec![word],
                link: Link::Then,
            });
        } else {
            self.words.push(word);
        }
    }

    fn end(&mut self, link: Link) {
        self.end_word();
        if !self.words.is_empty() {
            let words = std::mem::take(&mut self.words);
            self.segments.push(Segment { words, link });
        }
    }

    fn single(&mut self) -> Option<()> {
        self.word.get_or_insert_default();
        loop {
            match self.rest.next()? {
                '\'' => return Some(()),
                c => self.push(c),
            }
        }
    }

    fn double(&mut self) -> Option<()> {
        self.word.get_or_insert_default();
        loop {
            match self.rest.next()? {
                '"' => return Some(()),
                '\\' => {
                    let c = self.rest.next()?;
                    self.push(c);
                }
                '`' => self.substitution('`')?,
                '$' if self.rest.next_if_eq(&'(').is_some() => self.substitution(')')?,
                c => self.push(c),
            }
        }
    }

    /// A command whose output becomes text: it cannot end the script. Its words are not looked at.
    fn substitution(&mut self, end: char) -> Option<()> {
        self.push('$');
        let mut depth = 1_usize;
        loop {
            match self.rest.next()? {
                c if c == end => depth -= 1,
                '(' if end == ')' => depth += 1,
                // A quote may hold the closing sign.
                '\'' | '"' => return None,
                _ => {}
            }
            if depth == 0 {
                return Some(());
            }
        }
    }
}
