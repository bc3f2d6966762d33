//! Cuts a YAML stream into documents without losing a byte.
//!
//! A parser gives values, not the text between them, and a document that nobody touches must leave
//! as it came. So the stream is cut here, by the one rule that YAML has for it: `---` and `...` at
//! the start of a line, followed by white space or the end of the line, are markers wherever they
//! stand, also inside quoted scalars (YAML 1.2.2, section 9.1.2, `c-forbidden`).

/// One document of a stream: its exact text, and where its content starts and ends in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct YamlDocument<'a> {
    /// Every byte, from after the document before to where the next one starts.
    pub(super) text: &'a str,
    /// Length of what stands before the content: directives, `---`, comments, blank lines.
    pub(super) head: usize,
    /// Where the comments after the content, or the `...`, start.
    pub(super) tail: usize,
    /// The number of lines before this document in the stream.
    pub(super) lines_before: usize,
}

/// The documents of a stream; their texts joined are the stream.
pub(super) fn split(stream: &str) -> Vec<YamlDocument<'_>> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut offset = 0;
    let mut lines_before = 0;
    let mut line_number = 0;
    let mut begun = false;
    for line in stream.split_inclusive('\n') {
        let kind = Line::of(line, begun);
        if kind == Line::Start && begun {
            pieces.push(piece(stream, start, offset, lines_before));
            (start, lines_before) = (offset, line_number);
        }
        offset += line.len();
        line_number += 1;
        match kind {
            Line::Start | Line::Content => begun = true,
            Line::End => {
                pieces.push(piece(stream, start, offset, lines_before));
                (start, lines_before, begun) = (offset, line_number, false);
            }
            Line::Blank | Line::Comment | Line::Directive => {}
        }
    }
    if start < stream.len() {
        pieces.push(piece(stream, start, stream.len(), lines_before));
    }
    pieces
}

/// What a line is, as far as the borders of documents are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// `---`, perhaps with content behind it.
    Start,
    End,
    /// `%YAML`, `%TAG`: only before a document has begun.
    Directive,
    /// A comment at any indentation.
    Comment,
    /// Nothing but white space.
    Blank,
    /// Anything else.
    Content,
}

impl Line {
    fn of(line: &str, begun: bool) -> Self {
        let line = line.strip_prefix('\u{feff}').unwrap_or(line);
        if after_marker(line, "---").is_some() {
            Self::Start
        } else if after_marker(line, "...").is_some() {
            Self::End
        } else if line.starts_with('%') && !begun {
            Self::Directive
        } else if line.trim_start().starts_with('#') {
            Self::Comment
        } else if line.trim().is_empty() {
            Self::Blank
        } else {
            Self::Content
        }
    }
}

/// What follows a marker at the start of a line, white space removed.
fn after_marker<'a>(line: &'a str, marker: &str) -> Option<&'a str> {
    let rest = line.strip_prefix(marker)?;
    (rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n'])).then(|| rest.trim())
}

fn piece(stream: &str, start: usize, end: usize, lines_before: usize) -> YamlDocument<'_> {
    let text = stream.get(start..end).unwrap_or_default();
    let head = head_of(text);
    YamlDocument {
        text,
        head,
        tail: tail_of(text, head),
        lines_before,
    }
}

/// Where the content starts: after all that is no content, and after a `---` before it.
fn head_of(text: &str) -> usize {
    let mut offset = 0;
    let mut begun = false;
    for line in text.split_inclusive('\n') {
        match Line::of(line, begun) {
            Line::Content | Line::End => return offset,
            Line::Start => {
                begun = true;
                let bare = line.strip_prefix('\u{feff}').unwrap_or(line);
                let rest = after_marker(bare, "---").unwrap_or_default();
                if !rest.is_empty() && !rest.starts_with('#') {
                    return offset + line.trim_end().len() - rest.len();
                }
            }
            Line::Directive | Line::Comment | Line::Blank => {}
        }
        offset += line.len();
    }
    offset
}

/// Where the comments after the content start. Blank lines before the first comment stay with the
/// content, as a block scalar with `|+` may own them.
fn tail_of(text: &str, head: usize) -> usize {
    let mut tail = text.len();
    let mut end = text.len();
    let body = text.get(head..).unwrap_or_default();
    for line in body.split_inclusive('\n').rev() {
        let start = end - line.len();
        match Line::of(line, true) {
            Line::Comment if line.starts_with('#') => tail = start,
            Line::End => tail = start,
            Line::Blank => {}
            _ => break,
        }
        end = start;
    }
    tail
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(stream: &str) -> Vec<&str> {
        split(stream).iter().map(|piece| piece.text).collect()
    }

    fn parts(stream: &str) -> (&str, &str, &str) {
        let pieces = split(stream);
        assert_eq!(pieces.len(), 1, "{pieces:?}");
        let piece = &pieces[0];
        (
            &piece.text[..piece.head],
            &piece.text[piece.head..piece.tail],
            &piece.text[piece.tail..],
        )
    }

    #[test]
    fn streams_are_cut_at_markers_only() {
        let table: &[(&str, &[&str])] = &[
            ("", &[]),
            ("a: 1", &["a: 1"]),
            ("a: 1\n---\nb: 2\n", &["a: 1\n", "---\nb: 2\n"]),
            ("---\na: 1\n---\n", &["---\na: 1\n", "---\n"]),
            ("---\n---\na: 1\n", &["---\n", "---\na: 1\n"]),
            ("# c\n\n---\na: 1\n", &["# c\n\n---\na: 1\n"]),
            ("a: 1\n# of b\n---\nb: 2", &["a: 1\n# of b\n", "---\nb: 2"]),
            ("%YAML 1.2\n---\na: 1\n", &["%YAML 1.2\n---\na: 1\n"]),
            (
                "a: 1\n...\n%YAML 1.2\n---\nb: 2\n",
                &["a: 1\n...\n", "%YAML 1.2\n---\nb: 2\n"],
            ),
            ("a: |\n  ---\n  b\n", &["a: |\n  ---\n  b\n"]),
            ("a: ---b\n---c: 1\n", &["a: ---b\n---c: 1\n"]),
            ("a: 1\r\n---\r\nb: 2\r\n", &["a: 1\r\n", "---\r\nb: 2\r\n"]),
            (
                "--- {a: 1}\n--- # c\nb: 2\n",
                &["--- {a: 1}\n", "--- # c\nb: 2\n"],
            ),
            (
                "\u{feff}---\na: 1\n---\tx",
                &["\u{feff}---\na: 1\n", "---\tx"],
            ),
            ("a: 1\n%b: 2\n", &["a: 1\n%b: 2\n"]),
        ];
        for (stream, expected) in table {
            assert_eq!(texts(stream), *expected, "{stream:?}");
        }
    }

    #[test]
    fn content_is_found_between_its_comments() {
        let table = [
            ("a: 1\n", ("", "a: 1\n", "")),
            (
                "# c\n---\n\n# d\na: 1\n",
                ("# c\n---\n\n# d\n", "a: 1\n", ""),
            ),
            ("--- {a: 1} # x\r\n", ("--- ", "{a: 1} # x\r\n", "")),
            ("\u{feff}---  a\n", ("\u{feff}---  ", "a\n", "")),
            ("--- # x\na: 1", ("--- # x\n", "a: 1", "")),
            ("a: 1\n\n# z\n\n", ("", "a: 1\n\n", "# z\n\n")),
            ("a: 1\n... # end\n", ("", "a: 1\n", "... # end\n")),
            (
                "a:\n  b: 1\n  # inner\n",
                ("", "a:\n  b: 1\n  # inner\n", ""),
            ),
            ("# only\n", ("# only\n", "", "")),
        ];
        for (stream, expected) in table {
            assert_eq!(parts(stream), expected, "{stream:?}");
        }
    }

    #[test]
    fn lines_before_a_document_are_counted() {
        let pieces = split("a: 1\nb: 2\n---\nc: 3\n...\nd: 4\n");
        let lines: Vec<_> = pieces.iter().map(|piece| piece.lines_before).collect();
        assert_eq!(lines, [0, 2, 5]);
    }

    proptest! {
        #[test]
        fn no_byte_is_lost(stream in "(---|\\.\\.\\.|[ab:#%\u{feff} \t\r\n-]|\n){0,60}") {
            let pieces = split(&stream);
            let joined: String = pieces.iter().map(|piece| piece.text).collect();
            prop_assert_eq!(&joined, &stream);
            for piece in pieces {
                prop_assert!(piece.head <= piece.tail && piece.tail <= piece.text.len());
                prop_assert!(piece.text.is_char_boundary(piece.head));
            }
        }
    }
}
