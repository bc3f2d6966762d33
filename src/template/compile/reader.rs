//! Reading plain fields of a document: maps with known keys, text, numbers, choices.

use super::Errors;
use crate::template::node::{Entry, Node, NodeValue};
use crate::wording::did_you_mean;

/// The entries of a map, each with a known key. Anything else is noted as an error.
pub(super) fn entries<'n>(
    errors: &mut Errors<'_>,
    node: &'n Node,
    path: &str,
    known: &[&str],
) -> &'n [Entry] {
    let entries = any_entries(errors, node, path);
    for entry in entries
        .iter()
        .filter(|entry| !known.contains(&entry.key.as_str()))
    {
        let hint = did_you_mean(&entry.key, known.iter().copied());
        let message = format!("unknown field `{}`{hint}", entry.key);
        errors.add(entry.place, &join(path, &entry.key), message);
    }
    entries
}

/// The entries of a map with free keys.
pub(super) fn any_entries<'n>(errors: &mut Errors<'_>, node: &'n Node, path: &str) -> &'n [Entry] {
    match &node.value {
        NodeValue::Map(entries) => entries,
        NodeValue::Null => &[],
        _ => {
            errors.add(
                node.place,
                path,
                format!("expected a map, found {}", node.words()),
            );
            &[]
        }
    }
}

/// The items of a list.
pub(super) fn items<'n>(errors: &mut Errors<'_>, node: &'n Node, path: &str) -> &'n [Node] {
    match &node.value {
        NodeValue::List(items) => items,
        NodeValue::Null => &[],
        _ => {
            errors.add(
                node.place,
                path,
                format!("expected a list, found {}", node.words()),
            );
            &[]
        }
    }
}

/// A text.
pub(super) fn text<'n>(errors: &mut Errors<'_>, node: &'n Node, path: &str) -> Option<&'n str> {
    let text = node.text();
    if text.is_none() {
        errors.add(
            node.place,
            path,
            format!("expected text, found {}", node.words()),
        );
    }
    text
}

/// A boolean.
pub(super) fn boolean(errors: &mut Errors<'_>, node: &Node, path: &str) -> Option<bool> {
    if let NodeValue::Boolean(value) = node.value {
        return Some(value);
    }
    errors.add(
        node.place,
        path,
        format!("expected true or false, found {}", node.words()),
    );
    None
}

/// A whole number.
pub(super) fn integer(errors: &mut Errors<'_>, node: &Node, path: &str) -> Option<i64> {
    if let NodeValue::Integer(value) = node.value {
        return Some(value);
    }
    errors.add(
        node.place,
        path,
        format!("expected an integer, found {}", node.words()),
    );
    None
}

/// One of several words.
pub(super) fn choice<T: Copy>(
    errors: &mut Errors<'_>,
    node: &Node,
    path: &str,
    choices: &[(&str, T)],
) -> Option<T> {
    let word = text(errors, node, path)?;
    let chosen = choices
        .iter()
        .find(|(name, _)| *name == word)
        .map(|(_, value)| *value);
    if chosen.is_none() {
        let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
        let hint = did_you_mean(word, names.iter().copied());
        let message = format!("expected one of {}, found `{word}`{hint}", names.join(", "));
        errors.add(node.place, path, message);
    }
    chosen
}

/// A DNS label (RFC 1123) of at most `most` characters.
pub(super) fn label(
    errors: &mut Errors<'_>,
    node: &Node,
    path: &str,
    most: usize,
) -> Option<String> {
    let label = text(errors, node, path)?;
    if !is_label(label) || label.len() > most {
        let message = format!(
            "`{label}` is not a DNS label of at most {most} characters: lower-case letters, \
             digits and `-`, beginning and ending with a letter or digit"
        );
        errors.add(node.place, path, message);
        return None;
    }
    Some(label.to_owned())
}

/// Whether a text is a DNS label (RFC 1123).
pub(super) fn is_label(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !text.is_empty()
        && text.len() <= 63
        && text.chars().all(inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// A field path with one more field.
pub(in crate::template) fn join(path: &str, field: &str) -> String {
    let quoted = field.is_empty() || field.contains(['.', '/', '[', ' ']);
    match (path.is_empty(), quoted) {
        (true, _) => field.to_owned(),
        (false, false) => format!("{path}.{field}"),
        (false, true) => format!("{path}['{field}']"),
    }
}
