//! Wording that the messages of all rooms share: an error with its causes, and the name that was
//! probably meant.

use std::borrow::Cow;
use std::error::Error;

/// Longer words resemble no name, and comparing them would take long.
const LONGEST_WORD: usize = 128;

/// How many names are compared.
const MOST_NAMES: usize = 1024;

/// The longest part of a value that a message repeats, in characters.
const SHOWN: usize = 60;

/// An error with its sources, in one line.
pub(crate) fn with_sources(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(next) = source {
        text.push_str(": ");
        text.push_str(&next.to_string());
        source = next.source();
    }
    text
}

/// The known name that was probably meant by one that is unknown.
pub(crate) fn nearest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    if name.len() > LONGEST_WORD {
        return None;
    }
    known
        .into_iter()
        .take(MOST_NAMES)
        .map(|candidate| {
            let distance = if name.eq_ignore_ascii_case(candidate) {
                0
            } else {
                strsim::damerau_levenshtein(name, candidate)
            };
            (distance, candidate)
        })
        .min()
        .filter(|(distance, _)| *distance <= name.len().max(3) / 2)
        .map(|(_, candidate)| candidate)
}

/// `; did you mean …?` for the nearest known name; nothing where none is near.
pub(crate) fn did_you_mean<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> String {
    nearest(name, known).map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

/// How many names a message lists.
const LISTED: usize = 4;

/// Some of these names, and how many more there are; `none` where there are none.
pub(crate) fn some<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let mut names = names.into_iter();
    let listed: Vec<_> = names.by_ref().take(LISTED).map(shown).collect();
    match (listed.len(), names.count()) {
        (0, _) => "none".to_owned(),
        (_, 0) => listed.join(", "),
        (_, more) => format!("{} and {more} more", listed.join(", ")),
    }
}

/// Whether a character moves the cursor, or changes how others are shown: control characters, line
/// separators and the marks of bidirectional text (Unicode 17, UAX #9).
pub(crate) fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        )
        || matches!(c, '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// The longest message to the API server, in characters: names and values in it may be long, as it calls
/// before it looks at them.
const LONGEST_MESSAGE: usize = 4096;

/// A message for whoever created a pod: of bounded length, and with characters escaped that move the cursor.
pub(crate) fn bounded(message: &str) -> Cow<'_, str> {
    let is_hidden = |c: char| !matches!(c, '\n' | '\t') && is_invisible(c);
    cut(message, LONGEST_MESSAGE, is_hidden)
}

/// A value as a message repeats it: short, on one line.
pub(crate) fn shown(text: &str) -> String {
    cut(text, SHOWN, is_invisible).into_owned()
}

/// So many characters of a text at most, with some escaped; where it is cut, it ends with `…`.
fn cut(text: &str, most: usize, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    let end = text.char_indices().nth(most).map(|(end, _)| end);
    match end.and_then(|end| text.get(..end)) {
        Some(start) => Cow::Owned(escaped(start, is_escaped).into_owned() + "…"),
        None => escaped(text, is_escaped),
    }
}

/// A text with some characters escaped.
pub(crate) fn escaped(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_escaped(character) {
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
    fn a_near_name_is_suggested_and_a_far_or_endless_one_is_not() {
        let known = ["sidecars", "initContainers", "volumes"];
        assert_eq!(did_you_mean("sidecar", known), "; did you mean `sidecars`?");
        assert_eq!(nearest("volume", known), Some("volumes"));
        assert_eq!(nearest("x", known), None);
        assert_eq!(nearest("M", ["b", "m"]), Some("m"));
        assert_eq!(nearest("INITCONTAINERS", known), Some("initContainers"));
        assert_eq!(nearest(&"volumes".repeat(1000), known), None);
    }
}
