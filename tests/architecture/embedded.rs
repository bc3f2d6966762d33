//! The image is built from a few folders of the tree. A file that the program embeds from another one
//! would be missed there alone, in the release and nowhere before.

use std::fs;
use std::path::Path;

use super::{root, rust_files};

/// The start of a macro that embeds a file.
const EMBEDS: &str = "include_str!(";

/// The folders that the Dockerfile copies.
fn copied() -> Vec<String> {
    let text = fs::read_to_string(root().join("Dockerfile")).unwrap();
    let words = text.lines().filter_map(|line| {
        let mut words = line.strip_prefix("COPY ")?.split(' ');
        words.next_back().map(str::to_owned)
    });
    words.collect()
}

/// The paths that a file embeds, as far as they are written, from the root.
fn embedded(path: &Path, text: &str) -> Vec<String> {
    let folder = path.parent().unwrap().strip_prefix(root()).unwrap();
    let written = text
        .split(EMBEDS)
        .skip(1)
        .filter_map(|rest| rest.split('"').nth(1));
    written
        .map(|written| {
            let mut parts: Vec<_> = folder.iter().map(|part| part.to_str().unwrap()).collect();
            for part in written.split('/') {
                match part {
                    ".." => {
                        parts.pop();
                    }
                    part => parts.push(part),
                }
            }
            parts.join("/")
        })
        .collect()
}

#[test]
fn the_image_is_built_from_everything_that_the_program_embeds() {
    let copied = copied();
    let mut count = 0;
    for path in rust_files(&root().join("src")) {
        for embedded in embedded(&path, &fs::read_to_string(&path).unwrap()) {
            count += 1;
            let is_there = copied
                .iter()
                .any(|folder| embedded.starts_with(&format!("{folder}/")));
            assert!(is_there, "{}: {embedded}: no COPY has it", path.display());
        }
    }
    assert!(count > 10, "only {count} files are embedded");
}
