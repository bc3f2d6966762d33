//! Reading plain fields of a document: maps with known keys, text, numbers, choices.

use super::Errors;
use crate::kubernetes::names::is_label;
use crate::template::node::{Entry, Node, NodeValue};
use crate::template::shape::Field;
use crate::template::word::Word;
use crate::wording::did_you_mean;

/// The entries of a map with the fields of the language; unknown and missing ones are noted.
pub(super) fn entries<'n>(
    errors: &mut Errors<'_>,
    node: &'n Node,
    path: &str,
    fields: impl IntoIterator<Item = &'static Field>,
) -> &'n [Entry] {
    let fields: Vec<_> = fields.into_iter().collect();
    let names: Vec<_> = fields.iter().map(|field| field.name).collect();
    let entries = known_entries(errors, node, path, &names);
    if matches!(node.value, NodeValue::Map(_) | NodeValue::Null) {
        for field in fields.iter().filter(|field| field.required) {
            let value = node.get(field.name);
            if value.is_none_or(|value| value.value == NodeValue::Null) {
                let message = format!("the field `{}` is required", field.name);
                errors.add(node.place, path, message);
            }
        }
    }
    entries
}

/// The entries of a map, each with a known key. Anything else is noted as an error.
pub(super) fn known_entries<'n>(
    errors: &mut Errors<'_>,
    node: &'n Node,
    path: &str,
    known: &[&str],
) -> &'n [Entry] {
    let entries = any_entries(errors, node, path);
    for entry in entries {
        if !known.contains(&entry.key.as_str()) {
            let path = join(path, &entry.key);
            let hint = hint(&path, known, &entry.key);
            let message = format!("unknown field `{}`{hint}", entry.key);
            errors.add(entry.place, &path, message);
        }
    }
    entries
}

/// Fields of a pod's spec that people write into a template's, with where these belong.
const MISPLACED: [(&str, &str); 3] = [
    (
        "spec.containers",
        "; containers beside the app are `sidecars`, those before it `initContainers`",
    ),
    (
        "spec.env",
        "; variables of the app's containers are `app.env`",
    ),
    (
        "spec.volumeMounts",
        "; mounts of the app's containers are `app.volumeMounts`",
    ),
];

/// Where an unknown field belongs, or which one was probably meant.
fn hint(path: &str, known: &[&str], name: &str) -> String {
    let misplaced = MISPLACED.iter().find(|(field, _)| *field == path);
    misplaced.map_or_else(
        || did_you_mean(name, known.iter().copied()),
        |(_, hint)| (*hint).to_owned(),
    )
}

/// What was found where the document's structure is wanted, which no expression can give.
fn literal_wanted(node: &Node) -> String {
    match node.text() {
        Some(text) if text.starts_with("${") => {
            "an expression, which cannot stand for it here".to_owned()
        }
        _ => node.words(),
    }
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
                format!("expected a map, found {}", literal_wanted(node)),
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
                format!("expected a list, found {}", literal_wanted(node)),
            );
            &[]
        }
    }
}

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

/// One of the words of a setting.
pub(super) fn choice<W: Word>(errors: &mut Errors<'_>, node: &Node, path: &str) -> Option<W> {
    choice_of(errors, node, path, W::WORDS.iter().copied())
}

pub(super) fn choice_of<T>(
    errors: &mut Errors<'_>,
    node: &Node,
    path: &str,
    choices: impl Iterator<Item = (&'static str, T)> + Clone,
) -> Option<T> {
    let word = text(errors, node, path)?;
    let chosen = choices.clone().find(|(name, _)| *name == word);
    if chosen.is_none() {
        let names: Vec<_> = choices.map(|(name, _)| name).collect();
        let hint = did_you_mean(word, names.iter().copied());
        let message = format!("expected one of {}, found `{word}`{hint}", names.join(", "));
        errors.add(node.place, path, message);
    }
    chosen.map(|(_, value)| value)
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

/// A field path with one more field.
pub(crate) fn join(path: &str, field: &str) -> String {
    let quoted = field.is_empty() || field.contains(['.', '/', '[', ' ']);
    match (path.is_empty(), quoted) {
        (true, _) => field.to_owned(),
        (false, false) => format!("{path}.{field}"),
        (false, true) => format!("{path}['{field}']"),
    }
}
