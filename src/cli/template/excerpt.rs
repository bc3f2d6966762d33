//! An error with the line that it is in and a caret under the place.

use std::fmt::Write as _;

use crate::cli::terminal::{Colour, Paint, printable};
use crate::lint::LintFinding;
use crate::template::TemplateError;

/// Characters of a long line that are shown on each side of the place.
const SIDE: usize = 60;

/// What is told about a place of a file.
pub(super) struct Spot {
    file: String,
    line: u32,
    column: u32,
    headline: String,
}

impl Spot {
    /// An error and its place.
    pub(super) fn of_error(error: &TemplateError) -> Self {
        Self {
            file: error.file.clone(),
            line: error.line,
            column: error.column,
            headline: error.to_string(),
        }
    }

    /// A finding and its place.
    pub(super) fn of_finding(finding: &LintFinding) -> Self {
        Self {
            file: finding.file.clone(),
            line: finding.line,
            column: finding.column,
            headline: finding.to_string(),
        }
    }
}

/// `file:line:column: what is told`, the line, and the caret. A place that the text does not
/// have (an error about the whole file) is told without an excerpt.
pub(super) fn show(error: &Spot, source: &str, paint: Paint) -> String {
    let headline = &error.headline;
    let place = format!("{}:{}:{}:", error.file, error.line, error.column);
    let told = headline.strip_prefix(&place).unwrap_or(headline);
    let mut text = format!(
        "{}{}\n",
        paint.text(Colour::Bold, &printable(&place)),
        printable(told)
    );
    let line = (error.line as usize)
        .checked_sub(1)
        .and_then(|index| source.lines().nth(index));
    if let Some(line) = line.filter(|line| !line.trim().is_empty()) {
        let (excerpt, indentation) = cut(line, (error.column as usize).saturating_sub(1));
        let number = error.line.to_string();
        let margin = " ".repeat(number.len());
        let bar = paint.text(Colour::Dim, "|");
        let caret = paint.text(Colour::Red, "^");
        let indentation = " ".repeat(indentation);
        let _ = writeln!(text, "  {number} {bar} {excerpt}");
        let _ = writeln!(text, "  {margin} {bar} {indentation}{caret}");
    }
    text
}

/// The part of a line around a column (from 0), and where the column is in it. A tab is shown as
/// one space, and other control characters as `?`, so that the caret stands where it points.
fn cut(line: &str, column: usize) -> (String, usize) {
    let length = line.chars().count();
    let column = column.min(length);
    let start = column.saturating_sub(SIDE);
    let end = length.min(column + SIDE);
    let before = if start > 0 { "…" } else { "" };
    let after = if end < length { "…" } else { "" };
    let part: String = line
        .chars()
        .skip(start)
        .take(end - start)
        .map(|character| match character {
            '\t' => ' ',
            other if other.is_control() => '?',
            other => other,
        })
        .collect();
    let indentation = before.chars().count() + column - start;
    (format!("{before}{part}{after}"), indentation)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(line: u32, column: u32) -> TemplateError {
        TemplateError {
            file: "a.yaml".to_owned(),
            template: String::new(),
            line,
            column,
            field: "spec.mode".to_owned(),
            message: "expected Enforce or Shadow".to_owned(),
        }
    }

    fn plain(error: &TemplateError, source: &str) -> String {
        let file = tempfile::tempfile().unwrap();
        show(&Spot::of_error(error), source, Paint::for_stream(&file))
    }

    #[test]
    fn the_caret_stands_under_the_place() {
        let source = "spec:\n\tmode: é Shade\n";
        assert_eq!(
            plain(&error(2, 10), source),
            "a.yaml:2:10: spec.mode: expected Enforce or Shadow\n  \
             2 |  mode: é Shade\n    |          ^\n"
        );
    }

    #[test]
    fn a_place_outside_the_text_is_told_without_a_line() {
        for line in [0, 3, 9] {
            let text = plain(&error(line, 1), "spec:\n  mode: x\n\n");
            assert_eq!(text.lines().count(), 1, "{text}");
        }
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let line = "x".repeat(200);
        let (excerpt, indentation) = cut(&line, 100);
        assert_eq!(excerpt.chars().count(), 2 * SIDE + 2);
        assert_eq!(indentation, SIDE + 1);
        assert_eq!(cut("ab", 9), ("ab".to_owned(), 2));
    }
}
