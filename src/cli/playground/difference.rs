//! The manifest before and after, line by line.

use serde::Serialize;
use similar::{ChangeTag, TextDiff};

/// One line of the difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DiffLine {
    /// Whether it was kept, added or removed.
    pub(super) change: Change,
    /// Its number in the manifest as it was, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) before: Option<usize>,
    /// Its number in the injected manifest, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) after: Option<usize>,
    pub(super) text: String,
}

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Change {
    /// It is as it was.
    Kept,
    Added,
    Removed,
}

/// All lines of both texts.
pub(super) fn lines(before: &str, after: &str) -> Vec<DiffLine> {
    let diff = TextDiff::from_lines(before, after);
    diff.iter_all_changes()
        .map(|change| DiffLine {
            change: match change.tag() {
                ChangeTag::Equal => Change::Kept,
                ChangeTag::Insert => Change::Added,
                ChangeTag::Delete => Change::Removed,
            },
            before: change.old_index().map(|index| index + 1),
            after: change.new_index().map(|index| index + 1),
            text: change.value().trim_end_matches(['\r', '\n']).to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_numbered_on_both_sides() {
        let told: Vec<_> = lines("a\nb\n", "a\nc\r\n")
            .into_iter()
            .map(|line| (line.change, line.before, line.after, line.text))
            .collect();
        let expected = [
            (Change::Kept, Some(1), Some(1), "a".to_owned()),
            (Change::Removed, Some(2), None, "b".to_owned()),
            (Change::Added, None, Some(2), "c".to_owned()),
        ];
        assert_eq!(told, expected);
    }
}
