//! Colour for people, plain text for everything else.
//!
//! Colour is used where the stream is a terminal and `NO_COLOR` is unset or empty
//! (<https://no-color.org>). What comes from manifests is printed with its control characters, and
//! those that turn the direction of writing, escaped, so that no manifest can move the cursor, forge a
//! line of a report or show another text than it holds.

use std::borrow::Cow;
use std::io::IsTerminal;

use crate::wording::{escaped, is_invisible};

/// A colour of the terminal's own palette.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colour {
    Red,
    Green,
    Yellow,
    Cyan,
    Dim,
    Bold,
}

/// Whether one stream is painted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Paint {
    enabled: bool,
}

impl Paint {
    /// No paint, for what is no stream.
    pub(crate) const NONE: Self = Self { enabled: false };

    /// Paint for a stream of this process.
    pub(crate) fn for_stream(stream: &impl IsTerminal) -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            enabled: stream.is_terminal() && !refused,
        }
    }

    /// Whether there are colours, and so a terminal.
    pub(crate) fn is_enabled(self) -> bool {
        self.enabled
    }

    /// The text, in a colour where there are colours.
    pub(crate) fn text(self, colour: Colour, text: &str) -> Cow<'_, str> {
        if !self.enabled {
            return Cow::Borrowed(text);
        }
        let code = match colour {
            Colour::Red => "31",
            Colour::Green => "32",
            Colour::Yellow => "33",
            Colour::Cyan => "36",
            Colour::Dim => "2",
            Colour::Bold => "1",
        };
        Cow::Owned(format!("\x1b[{code}m{text}\x1b[0m"))
    }
}

/// The text on one line, with characters escaped that are no part of it to the eye.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    escaped(text, is_invisible)
}

/// The same of a text of several lines.
pub(crate) fn printable_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| {
        !matches!(c, '\n' | '\r' | '\t') && is_invisible(c)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_for_terminals_only() {
        let plain = Paint { enabled: false };
        let coloured = Paint { enabled: true };
        assert_eq!(plain.text(Colour::Red, "x"), "x");
        assert_eq!(coloured.text(Colour::Red, "x"), "\x1b[31mx\x1b[0m");
    }

    #[test]
    fn control_characters_are_shown() {
        assert_eq!(printable("wéb"), "wéb");
        assert_eq!(printable("a\x1b[2J\nb"), "a\\u{1b}[2J\\nb");
        assert_eq!(printable_lines("a\x1b[2J\n\tb"), "a\\u{1b}[2J\n\tb");
        assert_eq!(printable("a\u{202e}b\u{2066}"), "a\\u{202e}b\\u{2066}");
    }
}
