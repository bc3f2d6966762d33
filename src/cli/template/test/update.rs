//! What `--update` writes: the expectation of one case, and nothing else of its file.

use std::collections::BTreeMap;
use std::ops::Range;
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
    let rewritten = if folder.table.as_deref() == Some(path) {
        // Read again: a row before this one may have been written.
        let table = Table::parse(path, &folder.name, &text)?;
        let others = folder.own_cases(true)?;
        let row = row(&table, name, &others, case.expected.as_ref(), found);
        with_row(path, &text, name, row)?
    } else {
        with_expectation(path, &text, expectation(found, case.expected.as_ref()))?
    };
    Ok(output::rewrite(path, &rewritten)?)
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
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let Some((own, indent)) = place_of_row(text, &lines, name) else {
        let mut document = manifest(path, text)?;
        let mut value = document.documents.first().map(|found| found.value.clone());
        if let Some(own) = value.as_mut().and_then(|value| value.pointer_mut("/cases")) {
            own[name] = Value::Object(row);
        }
        return Ok(document.with_document(0, value.unwrap_or_default())?);
    };
    let unindented = yaml(&json!({ name: row })).map_err(|source| {
        crate::cli::manifest::ManifestError::Emit {
            name: path.display().to_string(),
            document: 1,
            source: source.into(),
        }
    })?;
    let pad = " ".repeat(indent);
    let written = unindented.split_inclusive('\n').map(|line| {
        if line.trim().is_empty() {
            line.to_owned()
        } else {
            format!("{pad}{line}")
        }
    });
    let before = lines.iter().take(own.start).map(|line| (*line).to_owned());
    let after = lines.iter().skip(own.end).map(|line| (*line).to_owned());
    Ok(before.chain(written).chain(after).collect())
}

/// Which lines a row has for itself, and how far they are indented.
fn place_of_row(text: &str, lines: &[&str], name: &str) -> Option<(Range<usize>, usize)> {
    let (_, number) = row_lines(text).into_iter().find(|(own, _)| own == name)?;
    let start = usize::try_from(number).ok()?.checked_sub(1)?;
    let first = lines.get(start)?;
    let key = first.trim_start();
    if !key.trim_start_matches(['"', '\'']).starts_with(name) {
        return None;
    }
    let indent = first.len() - key.len();
    let below = lines.iter().skip(start + 1).take_while(|line| {
        let content = line.trim_start();
        content.trim().is_empty() || line.len() - content.len() > indent
    });
    let mut end = start + 1 + below.count();
    while lines
        .get(end - 1)
        .is_some_and(|line| line.trim().is_empty())
    {
        end -= 1;
    }
    Some((start..end, indent))
}
