//! Values to YAML, for the documents that were changed.
//!
//! serde-saphyr's serializer does what Kubernetes needs: text that any reader could take for
//! something else (`no`, `0644`, `1e3`, `null`, `1:30`) is quoted, several lines become a `|`
//! block, an empty map is `{}`, and a property test below holds that reading gives the value back.
//! Three things are decided here. Text is never folded, because long arguments and annotations are
//! easier to compare unfolded. Lists are indented the way the document indented them, so that a
//! comparison of before and after shows the change and not the taste. And text becomes a block only
//! where libyaml and its Go descendant, which `kubectl` uses, read it back: they refuse a block
//! that begins with a tab, and disagree about one that begins with a blank line.

use serde::ser::{Serialize, SerializeMap as _, SerializeSeq as _, Serializer};
use serde_json::Value;
use serde_saphyr::LitStr;

/// How a changed document is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Style {
    /// Whether the `-` of a list inside a map stands below the key and not two spaces in.
    compact_lists: bool,
    /// Whether lines end with CR LF.
    carriage_returns: bool,
}

impl Style {
    /// The style of a text.
    pub(super) fn of(text: &str) -> Self {
        Self {
            compact_lists: has_compact_lists(text),
            carriage_returns: text
                .split_once('\n')
                .is_some_and(|(first, _)| first.ends_with('\r')),
        }
    }
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
pub(super) fn emit(value: &Value, style: Style) -> Result<String, serde_saphyr::SerializeError> {
    let options = serde_saphyr::ser_options! {
        compact_list_indent: style.compact_lists,
        prefer_block_scalars: false,
    };
    let mut text = serde_saphyr::to_string_with_options(&Readable(value), options)?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    if style.carriage_returns {
        text = text.replace('\n', "\r\n");
    }
    Ok(text)
}

/// A value whose texts of several lines are written as blocks where that is safe.
struct Readable<'a>(&'a Value);

impl Serialize for Readable<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::String(text) if is_block(text) => LitStr(text).serialize(serializer),
            Value::Array(elements) => {
                let mut list = serializer.serialize_seq(Some(elements.len()))?;
                for element in elements {
                    list.serialize_element(&Readable(element))?;
                }
                list.end()
            }
            Value::Object(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key, &Readable(value))?;
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

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const PLAIN: Style = Style {
        compact_lists: true,
        carriage_returns: false,
    };

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
            let yaml = emit(&json!({ "k": text }), PLAIN).unwrap();
            assert_eq!(yaml, format!("k: {expected}"));
        }
    }

    #[test]
    fn collections_are_written_as_kubectl_does() {
        let value = json!({"spec": {"volumes": [{"emptyDir": {}, "name": "a"}], "args": []}});
        assert_eq!(
            emit(&value, PLAIN).unwrap(),
            "spec:\n  volumes:\n  - emptyDir: {}\n    name: a\n  args: []\n"
        );
        let long = "word ".repeat(60) + "end";
        assert_eq!(
            emit(&json!({ "k": long }), PLAIN).unwrap(),
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
            };
            assert_eq!(Style::of(text), expected, "{text:?}");
        }
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
        ) {
            let style = Style { compact_lists, carriage_returns };
            let text = emit(&json!({ "root": value.clone() }), style).unwrap();
            let back = parse::yaml(&text);
            prop_assert_eq!(back, Ok(json!({ "root": value })), "{}", text);
        }
    }
}
