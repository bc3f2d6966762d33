//! What `--update` writes: the expectation of one case, and nothing else of its file.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::TestError;
use super::case::{Case, manifest, with_expectation};
use super::change::differences;
use super::compare::{CaseResult, expectation, words};
use super::expectation::{Expectation, Pointer};
use super::folder::{self, Folder};
use super::table::{Table, row_lines};
use crate::cli::manifest::yaml;
use crate::cli::output;
use crate::inject::Verdict;

/// The fields of a row that say what must come of it.
const EXPECTATION: [&str; 7] = [
    "verdict", "reason", "message", "findings", "pod", "paths", "differs",
];

/// Writes what came of a case into its file.
pub(super) fn write(
    folder: &Folder,
    path: &Path,
    name: &str,
    case: &Case,
    found: &CaseResult,
) -> Result<(), TestError> {
    let text = folder::read(path)?;
    let text = if folder.table.as_deref() == Some(path) {
        // Read again: a row before this one may have been written.
        let table = Table::parse(path, &folder.name, &text)?;
        let others = folder.own_cases(true)?;
        let row = row(&table, name, &others, case.expected.as_ref(), found);
        with_row(path, &text, name, row)?
    } else {
        with_expectation(path, &text, expectation(found, case.expected.as_ref()))?
    };
    Ok(output::rewrite(path, &text)?)
}

/// A row that expects what came of it: what differs, where it is like another case in all else.
fn row(
    table: &Table,
    name: &str,
    others: &BTreeMap<String, Case>,
    before: Option<&Expectation>,
    found: &CaseResult,
) -> Map<String, Value> {
    let mut row = table.row(name).cloned().unwrap_or_default();
    let inherited = (!row.contains_key("reason"))
        .then(|| table.inherited(name, others))
        .flatten();
    row.retain(|key, _| !EXPECTATION.contains(&key.as_str()));
    if let Some(places) = inherited.and_then(|inherited| of_another(&inherited, found)) {
        row.extend(places);
        return row;
    }
    let Value::Object(mut own) = expectation(found, before) else {
        return row;
    };
    let is_injected = own.contains_key("pod") || own.contains_key("paths");
    let usual = if is_injected {
        Verdict::Injected
    } else {
        Verdict::Denied
    };
    own.retain(|key, value| match key.as_str() {
        "verdict" => *value != usual.as_str(),
        "findings" => *value != json!([]),
        _ => true,
    });
    row.extend(own);
    row
}

/// What a row adds to the expectation of the case that it is like; `None` where it came out so
/// differently that the row needs an expectation of its own.
fn of_another(inherited: &Expectation, found: &CaseResult) -> Option<Map<String, Value>> {
    let is_same = Verdict::from(inherited.verdict) == found.verdict
        && inherited.reason.0 == found.reason
        && inherited.message == found.message;
    if !is_same {
        return None;
    }
    let mut fields = Map::new();
    let codes = inherited.codes();
    if codes != found.findings {
        fields.insert("findings".to_owned(), words(&found.findings));
    }
    let pod = Value::Object(inherited.pod.clone()?);
    let places = differences(&pod, &Value::Object(found.pod.clone()));
    if !places.is_empty() {
        let places = places
            .into_iter()
            .map(|(Pointer(place), value)| (place, value));
        fields.insert("differs".to_owned(), Value::Object(places.collect()));
    }
    Some(fields)
}

/// The text of a table with another row. Where rows have lines of their own, the others stay byte for
/// byte.
fn with_row(
    path: &Path,
    text: &str,
    name: &str,
    row: Map<String, Value>,
) -> Result<String, TestError> {
    let line = row_lines(text)
        .into_iter()
        .find(|(own, _)| own == name)
        .and_then(|(_, line)| usize::try_from(line).ok()?.checked_sub(1));
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let first = line.and_then(|line| lines.get(line).copied());
    let indent = first.map(|first| first.len() - first.trim_start().len());
    let starts_line = first.is_some_and(|first| {
        first
            .trim_start()
            .trim_start_matches(['"', '\''])
            .starts_with(name)
    });
    let (Some(line), Some(indent), true) = (line, indent, starts_line) else {
        let mut document = manifest(path, text)?;
        let mut value = document.documents.first().map(|found| found.value.clone());
        if let Some(own) = value.as_mut().and_then(|value| value.pointer_mut("/cases")) {
            own[name] = Value::Object(row);
        }
        return Ok(document.with_document(0, value.unwrap_or_default())?);
    };
    let is_deeper = |line: &&&str| {
        let content = line.trim_start();
        content.trim().is_empty() || line.len() - content.len() > indent
    };
    let rest = lines.iter().skip(line + 1);
    let mut length = 1 + rest.take_while(is_deeper).count();
    let is_blank = |index: usize| lines.get(index).is_some_and(|line| line.trim().is_empty());
    while is_blank(line + length - 1) {
        length -= 1;
    }
    let written = yaml(&json!({ name: row })).map_err(|source| {
        crate::cli::manifest::ManifestError::Emit {
            name: path.display().to_string(),
            document: 1,
            source: source.into(),
        }
    })?;
    let pad = " ".repeat(indent);
    let written = written.split_inclusive('\n').map(|line| {
        if line.trim().is_empty() {
            line.to_owned()
        } else {
            format!("{pad}{line}")
        }
    });
    let before = lines.iter().take(line).map(|line| (*line).to_owned());
    let after = lines
        .iter()
        .skip(line + length)
        .map(|line| (*line).to_owned());
    Ok(before.chain(written).chain(after).collect())
}
