//! What a template takes of a replica's memory, told by its spec before it is compiled.
//!
//! The numbers were measured on specs that are dense in one thing, and rounded up; a test
//! fills a replica with such specs and holds its memory against the bound. Patterns are counted exactly
//! when they are compiled, as nothing about their text tells their size.

use serde_json::Value;

use crate::template::text::{TextSegment, split};

/// The keys whose text is an expression without `${` and `}`.
const EXPRESSION_KEYS: [&str; 2] = ["expression", "$when"];

/// What a value of a document becomes, with the key that it stands under.
const VALUE: usize = 500;

/// What a byte of text becomes: it is kept in the spec, in the compiled template and in its sources.
const TEXT_BYTE: usize = 4;

/// What an expression becomes, however short it is.
const EXPRESSION: usize = 1000;

/// What a byte of an expression becomes: `1,` is a node of the program.
const EXPRESSION_BYTE: usize = 70;

/// What a generated file becomes besides its content: a key, an item and a source.
const FILE: usize = 2500;

/// The bytes that a template with this spec takes at most, but for its patterns.
pub(super) fn weight(spec: &Value) -> usize {
    under("", spec)
}

fn under(key: &str, value: &Value) -> usize {
    VALUE
        + match value {
            Value::String(text) if EXPRESSION_KEYS.contains(&key) => {
                EXPRESSION + text.len() * EXPRESSION_BYTE
            }
            Value::String(text) if text.contains("${") => interpolated(text),
            Value::String(text) => text.len() * TEXT_BYTE,
            Value::Array(items) => items.iter().map(|item| under("", item)).sum(),
            Value::Object(fields) => {
                let each = if key == "files" { FILE } else { 0 };
                let entries = fields.iter();
                entries
                    .map(|(key, value)| each + key.len() * TEXT_BYTE + under(key, value))
                    .sum()
            }
            _ => 0,
        }
}

/// A text with expressions in it, which alone become more than text.
fn interpolated(text: &str) -> usize {
    let Ok(segments) = split(text) else {
        return EXPRESSION + text.len() * EXPRESSION_BYTE;
    };
    segments
        .iter()
        .map(|segment| match segment {
            TextSegment::Literal(literal) => literal.len() * TEXT_BYTE,
            TextSegment::Expression { source, .. } => EXPRESSION + source.len() * EXPRESSION_BYTE,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_becomes_more_weighs_more() {
        let bytes = |spec: &Value| weight(spec).div_ceil(spec.to_string().len());
        let text = json!({"description": "a".repeat(1000)});
        assert!(bytes(&text) < 8);
        let numbers = json!({"args": vec![0; 1000]});
        assert!(bytes(&numbers) > 200);
        let expression = json!({"variables": [{"name": "v", "expression": "1+".repeat(500)}]});
        assert!(bytes(&expression) > 60);
        let within = json!({"args": ["${params.a}"]});
        assert!(weight(&within) > EXPRESSION);
        let around = json!({"args": [format!("{}${{params.a}}", "a".repeat(1000))]});
        assert!(bytes(&around) < 8);
        let nested = json!({"args": [format!("${{{{'a': 1}}.a{}}}", "+1".repeat(500))]});
        assert!(bytes(&nested) > 60);
        let files = |count: usize| {
            let files = (0..count).map(|n| (format!("f{n}"), json!("x")));
            json!({"volumes": [{"name": "v", "files": Value::Object(files.collect())}]})
        };
        assert!(weight(&files(100)) > weight(&files(0)) + 100 * FILE);
    }

    #[test]
    fn a_namespace_has_room_for_several_of_the_largest_templates_of_the_catalog() {
        let sizes = crate::template::built_in::sources()
            .into_iter()
            .map(|source| {
                let template: Value = serde_saphyr::from_str(&source.text).unwrap();
                (weight(&template["spec"]), source.path)
            });
        let (largest, path) = sizes.max().unwrap();
        assert!(largest < 1024 * 1024, "{path}: {largest}");
    }
}
