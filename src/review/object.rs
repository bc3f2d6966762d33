//! Borrowed texts, and what can be told of JSON without reading it.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Visitor};

/// A text that borrows where the JSON has no escapes in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text<'a>(pub(crate) Cow<'a, str>);

impl Text<'_> {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The text in memory of its own.
    pub(crate) fn into_owned(self) -> Text<'static> {
        Text(Cow::Owned(self.0.into_owned()))
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl AsRef<str> for Text<'_> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for Text<'_> {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }

            // As in the API server, where null decodes into an empty string.
            fn visit_unit<E>(self) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed("")))
            }
        }
        deserializer.deserialize_any(TextVisitor)
    }
}

/// Whether JSON writes the letters, digits and signs that names and keys are made of (`-`, `.`, `/`) as
/// themselves and none as an escape, as every API server does: then they can be searched for.
pub(crate) fn is_written_plainly(json: &[u8]) -> bool {
    let mut rest = json;
    while let Some(start) = memchr::memchr(b'\\', rest) {
        let escape = rest.get(start + 1..).unwrap_or_default();
        if escapes_a_name(escape) {
            return false;
        }
        // A backslash may be what is escaped.
        rest = escape.get(1..).unwrap_or_default();
    }
    true
}

/// Whether what stands behind a backslash is a letter, a digit or a sign of names.
fn escapes_a_name(escape: &[u8]) -> bool {
    let is_of_names = |byte: u8| byte.is_ascii_alphanumeric() || b"-./".contains(&byte);
    match escape {
        [b'/', ..] => true,
        [b'u', digits @ ..] => {
            let digits = digits.get(..4).map(std::str::from_utf8);
            let code = digits.and_then(|digits| u32::from_str_radix(digits.ok()?, 16).ok());
            code.is_none_or(|code| u8::try_from(code).is_ok_and(is_of_names))
        }
        _ => false,
    }
}

/// Substring check on JSON as it is written: `false` means that none of the texts can occur. A list may be
/// long, and mostly it holds none of them.
pub(crate) fn may_hold<'t>(json: &str, mut texts: impl Iterator<Item = &'t str>) -> bool {
    let json = json.as_bytes();
    // A text with an escape in it may be written otherwise than it is read.
    memchr::memmem::find(json, b"\\u").is_some()
        || texts.any(|text| {
            !text.bytes().all(|byte| byte.is_ascii_graphic())
                || text.contains(['"', '\\', '/'])
                || memchr::memmem::find(json, text.as_bytes()).is_some()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_is_an_empty_text_as_in_the_api_server() {
        let texts: Vec<Text<'_>> = serde_json::from_str(r#"["a", null]"#).unwrap();
        assert_eq!(texts[1].as_str(), "");
        assert!(serde_json::from_str::<Text<'_>>("1").is_err());
    }

    #[test]
    fn what_a_list_surely_does_not_hold_is_known_without_reading_it() {
        let holds = |json: &str, text: &str| may_hold(json, [text].into_iter());
        let list = r#"[{"name": "HOST", "value": "a\nb"}]"#;
        assert!(holds(list, "HOST") && holds(list, "HO") && !holds(list, "PORT"));
        let escaped = r#"[{"name": "\u0048OST"}]"#;
        assert!(holds(escaped, "HOST"));
        for text in ["a/b", "a\"b", "a b", "\u{e9}"] {
            assert!(holds(list, text), "{text} may be written in other ways");
        }
    }
}
