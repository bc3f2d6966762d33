//! Values to YAML, for the documents that were changed.
//!
//! serde-saphyr's serializer does what Kubernetes needs: text that any reader could take for
//! something else (`no`, `0644`, `1e3`, `null`, `1:30`) is quoted, several lines become a `|`
//! block, an empty map is `{}`, and a property test below holds that reading gives the value back.
//! Three things are decided here. Text is never folded, because long arguments and annotations are
//! easier to compare unfolded. Lists are indented the way the document indented them, so that a
//! comparison of before and after shows the change and not the taste; for the same reason text that
//! was in quotes stays in them, and JSON in a text, such as a status, is in single quotes, in which
//! nothing of it has to be escaped. And text becomes a block only
//! where libyaml and its Go descendant, which `kubectl` uses, read it back: they refuse a block
//! that begins with a tab, and disagree about one that begins with a blank line.

use std::collections::{BTreeMap, BTreeSet};

use serde::ser::{Serialize, SerializeMap as _, SerializeSeq as _, Serializer};
use serde_json::Value;
use serde_saphyr::{DoubleQuoted, LitStr, SingleQuoted};

/// How a changed document is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Style {
    /// Whether the `-` of a list inside a map stands below the key and not two spaces in.
    compact_lists: bool,
    /// Whether lines end with CR LF.
    carriage_returns: bool,
    /// Texts that are always in quotes, each with its key (empty in lists), and in which.
    quotes: BTreeMap<(String, String), Quote>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quote {
    Single,
    Double,
}

impl Style {
    /// The style of a text.
    pub(super) fn of(text: &str) -> Self {
        Self {
            compact_lists: has_compact_lists(text),
            carriage_returns: text
                .split_once('\n')
                .is_some_and(|(first, _)| first.ends_with('\r')),
            quotes: quotes(text),
        }
    }
}

/// The texts that stand in quotes at the end of a line, and nowhere without. What has an escape is
/// left to the serializer.
fn quotes(text: &str) -> BTreeMap<(String, String), Quote> {
    let (mut quotes, mut plain) = (BTreeMap::new(), BTreeSet::new());
    for line in text.lines() {
        let content = line.trim().trim_start_matches("- ");
        let (key, value) = content.split_once(": ").unwrap_or(("", content));
        let value = value.trim();
        let quoted = [('"', Quote::Double), ('\'', Quote::Single)]
            .into_iter()
            .find_map(|(mark, quote)| {
                let inside = value.strip_prefix(mark)?.strip_suffix(mark)?;
                (!inside.contains([mark, '\\'])).then_some((inside, quote))
            });
        match quoted {
            Some((inside, quote)) => {
                quotes.insert((key.to_owned(), inside.to_owned()), quote);
            }
            None => {
                plain.insert((key, value));
            }
        }
    }
    quotes.retain(|(key, text), _| !plain.contains(&(key.as_str(), text.as_str())));
    quotes
}

/// Looks at the first list below a key; without one, the compact form that `kubectl` prints.
fn has_compact_lists(text: &str) -> bool {
    let mut key_indentation = None;
    for line in text.lines() {
        let content = line.trim_start();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let indentation = line.len() - content.len();
        if content.starts_with("- ")
            && let Some(key) = key_indentation
        {
            return indentation <= key;
        }
        let before_comment = content.split(" #").next().unwrap_or(content).trim_end();
        key_indentation = before_comment.ends_with(':').then(|| {
            let dashes = content.len() - content.trim_start_matches(['-', ' ']).len();
            indentation + dashes
        });
    }
    true
}

/// The YAML of a value in block style, ending with a line break.
pub(super) fn emit(value: &Value, style: &Style) -> Result<String, serde_saphyr::SerializeError> {
    let options = serde_saphyr::ser_options! {
        compact_list_indent: style.compact_lists,
        prefer_block_scalars: false,
    };
    let mut text = serde_saphyr::to_string_with_options(&Readable(value, style, ""), options)?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    if style.carriage_returns {
        text = text.replace('\n', "\r\n");
    }
    Ok(text)
}

/// A value whose texts of several lines are written as blocks where that is safe, and whose other
/// texts have the quotes of the style; with its key.
struct Readable<'a>(&'a Value, &'a Style, &'a str);

impl Serialize for Readable<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::String(text) if is_block(text) => LitStr(text).serialize(serializer),
            Value::String(text) => match self.1.quotes.get(&(self.2.to_owned(), text.clone())) {
                Some(Quote::Double) => DoubleQuoted(text).serialize(serializer),
                Some(Quote::Single) if is_plain(text) => SingleQuoted(text).serialize(serializer),
                None if is_json(text) => SingleQuoted(text).serialize(serializer),
                _ => text.serialize(serializer),
            },
            Value::Array(elements) => {
                let mut list = serializer.serialize_seq(Some(elements.len()))?;
                for element in elements {
                    list.serialize_element(&Readable(element, self.1, ""))?;
                }
                list.end()
            }
            Value::Object(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key, &Readable(value, self.1, key))?;
                }
                map.end()
            }
            other => other.serialize(serializer),
        }
    }
}

/// Whether a text of several lines is read back from a block by every reader. What else a block
/// cannot hold, such as carriage returns, the serializer knows and quotes.
fn is_block(text: &str) -> bool {
    text.contains('\n')
        && !text.starts_with([' ', '\t', '\n'])
        && !text.contains("\n\t")
        && !text.contains(['\u{85}', '\u{2028}', '\u{2029}', '\u{feff}'])
}

/// Whether a text can stand in single quotes, which know no escapes.
fn is_plain(text: &str) -> bool {
    !text.contains(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}'))
}

/// Whether a text looks like JSON that double quotes would fill with escapes.
fn is_json(text: &str) -> bool {
    text.starts_with(['{', '[']) && text.contains('"') && !text.contains('\'') && is_plain(text)
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn emit(value: &Value, style: &Style) -> Result<String, serde_saphyr::SerializeError> {
        super::emit(value, style)
    }

    fn plain() -> Style {
        Style::of("")
    }

    #[test]
    fn text_stays_text_for_every_reader() {
        let table = [
            ("no", "\"no\"\n"),
            ("on", "\"on\"\n"),
            ("y", "\"y\"\n"),
            ("0644", "\"0644\"\n"),
            ("1e3", "\"1e3\"\n"),
            ("1_000", "\"1_000\"\n"),
            ("1:30", "\"1:30\"\n"),
            ("null", "\"null\"\n"),
            ("~", "\"~\"\n"),
            ("", "\"\"\n"),
            ("{a", "\"{a\"\n"),
            ("a\nb\n", "|\n  a\n  b\n"),
            ("a\nb", "|-\n  a\n  b\n"),
            ("a\n\n", "|+\n  a\n  \n"),
            ("a\n  b: c # d\n", "|\n  a\n    b: c # d\n"),
            ("\ta\n", "\"\\ta\\n\"\n"),
            ("\na", "\"\\na\"\n"),
            ("a\r\nb", "\"a\\r\\nb\"\n"),
        ];
        for (text, expected) in table {
            let yaml = emit(&json!({ "k": text }), &plain()).unwrap();
            assert_eq!(yaml, format!("k: {expected}"));
        }
    }

    #[test]
    fn collections_are_written_as_kubectl_does() {
        let value = json!({"spec": {"volumes": [{"emptyDir": {}, "name": "a"}], "args": []}});
        assert_eq!(
            emit(&value, &plain()).unwrap(),
            "spec:\n  volumes:\n  - emptyDir: {}\n    name: a\n  args: []\n"
        );
        let long = "word ".repeat(60) + "end";
        assert_eq!(
            emit(&json!({ "k": long }), &plain()).unwrap(),
            format!("k: {long}\n")
        );
    }

    #[test]
    fn the_style_is_that_of_the_document() {
        let table = [
            ("a:\n- b\n", true, false),
            ("a:\n  - b\n", false, false),
            ("a: # c\n\n  # d\n  - b\n", false, false),
            ("a:\n  b:\n  - c:\n    - d\n", true, false),
            ("a:\r\n  - b\r\n", false, true),
            ("a: b\n", true, false),
        ];
        for (text, compact_lists, carriage_returns) in table {
            let expected = Style {
                compact_lists,
                carriage_returns,
                ..Style::default()
            };
            assert_eq!(Style::of(text), expected, "{text:?}");
        }
    }

    #[test]
    fn quotes_are_kept_and_json_needs_no_escapes() {
        let text = "a: \"collector:24224\"\nb: 'x y'\nc:\n  - \"-v\" \n  - plain\n  - \"plain\"\nd: b\ne: \"b\"\n";
        let value = parse::yaml(text).unwrap();
        let kept = "a: \"collector:24224\"\nb: 'x y'\nc:\n  - \"-v\"\n  - plain\n  - plain\nd: b\ne: \"b\"\n";
        assert_eq!(emit(&value, &Style::of(text)).unwrap(), kept);
        let status = r#"{"verdict":"Injected","added":["a"]}"#;
        assert_eq!(
            emit(&json!({ "s": status }), &plain()).unwrap(),
            format!("s: '{status}'\n")
        );
    }

    fn scalar() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-1e12..1e12f64)
                .prop_filter("whole floats are read as integers", |float| float.fract()
                    != 0.0)
                .prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[ \t\r\n'\"#:>|{}\\[\\]&*!?,%@`~a0.\u{85}\u{2028}\u{feff}-]{0,16}"
                .prop_map(Value::from),
            "(yes|no|on|off|[0-9._+:eExob-]{1,8})".prop_map(Value::from),
        ]
    }

    fn value() -> impl Strategy<Value = Value> {
        scalar().prop_recursive(4, 48, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec(("[ \n:#a-c0-9.~/-]{0,8}", inner), 0..6)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn reading_gives_back_what_was_written(
            value in value(),
            compact_lists: bool,
            carriage_returns: bool,
            quotes in prop::collection::vec("(yes|no|on|off|[0-9._+:eExob' -]{1,8})", 0..4),
        ) {
            let quotes = quotes.into_iter().map(|text| ((String::new(), text), Quote::Single)).collect();
            let style = Style { compact_lists, carriage_returns, quotes };
            let text = emit(&json!({ "root": value.clone() }), &style).unwrap();
            let back = parse::yaml(&text);
            prop_assert_eq!(back, Ok(json!({ "root": value })), "{}", text);
        }
    }
}
