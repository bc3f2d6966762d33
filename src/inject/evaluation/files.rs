//! Generated configuration: annotations of the pod that a `downwardAPI` volume shows as files.
//!
//! It reaches any image, distroless ones too, and needs no object besides the pod. Trees are written
//! as JSON, or as YAML in block style with every string quoted: that is what the strictest readers
//! take (twemproxy refuses flow style and JSON).

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{evaluated, failed};
use crate::inject::verdict::Refusal;
use crate::template::Template;
use crate::template::compiled::{FileTemplate, FilesTemplate, TreeFormat, VolumeTemplate};
use crate::template::fragment::{Evaluation, Failure};
use crate::template::value::{TemplateValue, write_text};

/// The annotations that carry files, by key.
type Annotations = Vec<(String, String)>;

/// Evaluates the files of a volume: the `downwardAPI` source that shows them, and their annotations.
pub(super) fn evaluate(
    template: &Template,
    volume: &VolumeTemplate,
    files: &FilesTemplate,
    with: Evaluation<'_, '_>,
) -> Result<(TemplateValue, Annotations), Refusal> {
    let mut annotations = Vec::with_capacity(files.files.len());
    for file in &files.files {
        if let Some(content) = evaluated(template, file.content.evaluate(with))? {
            let text = text(template, volume, file, content.into_value())?;
            annotations.push((file.key.clone(), text));
        }
    }
    if annotations.len() == files.files.len() {
        return Ok((
            TemplateValue::Shared(Arc::clone(&files.source)),
            annotations,
        ));
    }
    let is_kept = |file: &&FileTemplate| annotations.iter().any(|(key, _)| *key == file.key);
    let kept = files.files.iter().filter(is_kept);
    let items: Vec<_> = kept.map(|file| &file.item).collect();
    let source = json!({"items": items});
    Ok((source.into(), annotations))
}

/// U+FFFE and U+FFFF, which Unicode sets aside and YAML forbids.
fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{fffe}' | '\u{ffff}')
}

fn text(
    template: &Template,
    volume: &VolumeTemplate,
    file: &FileTemplate,
    content: Value,
) -> Result<String, Refusal> {
    match (content, file.format) {
        (Value::String(text), _) if text.contains(is_noncharacter) => {
            let problem = format!(
                "the file `{}` of `{}` holds U+FFFE or U+FFFF, which is no character and which no \
                 YAML reader takes",
                file.name, volume.name
            );
            Err(failed(template, &Failure::at(&volume.origin, problem)))
        }
        (Value::String(text), _) => Ok(text),
        (tree, Some(TreeFormat::Json)) => {
            Ok(serde_json::to_string_pretty(&tree).unwrap_or_default() + "\n")
        }
        (tree, Some(TreeFormat::Yaml)) => {
            let mut text = String::new();
            block(&tree, 0, &mut text);
            Ok(text)
        }
        (_, None) => {
            let problem = format!("the file `{}` of `{}` is not text", file.name, volume.name);
            Err(failed(template, &Failure::at(&volume.origin, problem)))
        }
    }
}

/// Writes YAML in block style. JSON's quoting of strings is valid YAML.
fn block(value: &Value, indent: usize, text: &mut String) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (index, (key, value)) in fields.iter().enumerate() {
                start_line(indent, index, text);
                if is_plain(key) {
                    text.push_str(key);
                } else {
                    text.push_str(&printable(&Value::from(key.as_str()).to_string()));
                }
                text.push(':');
                nested(value, indent, text);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                start_line(indent, index, text);
                text.push('-');
                nested(item, indent, text);
            }
        }
        Value::String(scalar) => {
            let mut quoted = String::with_capacity(scalar.len() + 2);
            write_text(scalar, &mut quoted);
            text.push_str(&printable(&quoted));
            text.push('\n');
        }
        scalar => {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{scalar}");
        }
    }
}

/// A scalar with what YAML calls not printable, or takes for a line break inside quotes (YAML 1.1
/// section 5.4: U+0085, U+2028, U+2029), as escapes. JSON leaves these characters as they are.
fn printable(scalar: &str) -> Cow<'_, str> {
    let is_special = |c: char| {
        matches!(
            c,
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
    };
    if !scalar.contains(is_special) {
        return Cow::Borrowed(scalar);
    }
    let mut text = String::with_capacity(scalar.len() + 8);
    for c in scalar.chars() {
        if is_special(c) {
            let _ = write!(text, "\\u{:04x}", u32::from(c));
        } else {
            text.push(c);
        }
    }
    Cow::Owned(text)
}

fn start_line(indent: usize, index: usize, text: &mut String) {
    if index > 0 || text.is_empty() || text.ends_with('\n') {
        text.extend(std::iter::repeat_n(' ', indent));
    }
}

/// A value behind `key:` or `-`: on the same line where it is a scalar or empty, else below. What
/// a list holds begins on the line of its `-`.
fn nested(value: &Value, indent: usize, text: &mut String) {
    let is_block = match value {
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    if is_block && text.ends_with(':') {
        text.push('\n');
        block(value, indent + 2, text);
    } else if is_block {
        text.push(' ');
        block(value, indent + 2, text);
    } else {
        text.push(' ');
        block(value, 0, text);
    }
}

/// Whether no reader can take a key that is not quoted for anything else.
fn is_plain(key: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-' || c == '.';
    let reserved = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key.chars().all(is_word)
        && !reserved.iter().any(|word| key.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_are_written_in_block_style_with_quoted_strings() {
        let tree = json!({"alpha": {"listen": "0.0.0.0:6379", "redis": true, "none": {},
            "servers": ["a:1", "b: 2"], "nested": [{"x": 1, "y": ["q"]}, [1, [2]], []]}, "no": "on"});
        let mut text = String::new();
        block(&tree, 0, &mut text);
        let expected = r#"alpha:
  listen: "0.0.0.0:6379"
  redis: true
  none: {}
  servers:
    - "a:1"
    - "b: 2"
  nested:
    - x: 1
      "y":
        - "q"
    - - 1
      - - 2
    - []
"no": "on"
"#;
        assert_eq!(text, expected);
        let read = crate::template::node::read(&text)
            .unwrap()
            .remove(0)
            .to_json();
        assert_eq!(read, tree);
    }

    #[test]
    fn what_is_no_character_is_escaped() {
        let mut text = String::new();
        block(&json!({"a\u{fffe}": "b\u{ffff}"}), 0, &mut text);
        assert_eq!(text, "\"a\\ufffe\": \"b\\uffff\"\n");
    }

    proptest::proptest! {
        #[test]
        fn any_text_reads_back(value: String, key: String) {
            let tree = json!({ key: [value] });
            let mut text = String::new();
            block(&tree, 0, &mut text);
            let read = crate::template::node::read(&text);
            proptest::prop_assert_eq!(read.unwrap().remove(0).to_json(), tree);
        }
    }
}
