//! Colour for people, plain text for everything else.
//!
//! Colour is used where the stream is a terminal and `NO_COLOR` is unset or empty
//! (<https://no-color.org>). What comes from manifests is printed with its control characters
//! escaped, so that no manifest can move the cursor or forge a line of a report.

use std::borrow::Cow;
use std::io::IsTerminal;

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

/// The text on one line, with control characters escaped.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if character.is_control() {
            escaped.extend(character.escape_default());
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
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
    }
}
