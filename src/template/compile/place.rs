//! The line and column of something inside a scalar.

use crate::template::node::{Node, NodeValue, Place};

/// Where the byte `offset` of a scalar's text stands in the file, as far as it can be told: in
/// folded and escaped scalars the text has other lengths than the file, there it is the scalar's
/// own place.
pub(crate) fn within(file: &str, node: &Node, offset: usize) -> Place {
    let NodeValue::Text(text) = &node.value else {
        return node.place;
    };
    exact(file, text, node.place, offset).unwrap_or(node.place)
}

fn exact(file: &str, text: &str, start: Place, offset: usize) -> Option<Place> {
    let line_at = |number: u32| {
        file.lines()
            .nth(usize::try_from(number.checked_sub(1)?).ok()?)
    };
    let before = text.get(..offset)?;
    let line = line_at(start.line)?;
    let written: String = line
        .chars()
        .skip(usize::try_from(start.column.checked_sub(1)?).ok()?)
        .collect();
    let quote = written.starts_with(['"', '\'']);
    let inner = if quote { written.get(1..)? } else { &written };
    if inner.starts_with(text) {
        let column = start.column + u32::from(quote) + characters(before)?;
        return Some(Place {
            line: start.line,
            column,
        });
    }
    // A block scalar's place is its first line of text.
    let lines_before = u32::try_from(before.matches('\n').count()).ok()?;
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let text_line = text.get(line_start..)?.lines().next()?;
    let number = start.line + lines_before;
    let in_file = line_at(number)?;
    let indent = in_file.strip_suffix(text_line)?;
    let column = characters(indent)? + characters(before.get(line_start..)?)? + 1;
    Some(Place {
        line: number,
        column,
    })
}

fn characters(text: &str) -> Option<u32> {
    u32::try_from(text.chars().count()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::node::read;

    #[test]
    fn offsets_are_found_in_plain_quoted_and_block_scalars() {
        let file = "a: x${b}\nb: \"x${b}\"\nc: |\n    one\n    x${b}\nd: >-\n  one\n  x${b}\n";
        let document = read(file).unwrap().remove(0);
        for (key, line, column) in [("a", 1, 5), ("b", 2, 6), ("c", 5, 6), ("d", 7, 3)] {
            let node = document.get(key).unwrap();
            let offset = node.text().unwrap().find("${").unwrap();
            let place = within(file, node, offset);
            assert_eq!((place.line, place.column), (line, column), "{key}");
        }
    }
}
