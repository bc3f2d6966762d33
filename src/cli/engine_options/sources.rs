//! Finding template files below directories.
//!
//! A `ConfigMap` mount is made of links: `name.yaml` points through `..data` to a hidden directory.
//! So links are followed and hidden entries are skipped, or every template would be found twice.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::cli::manifest::{is_case_table, visible_entries};
use crate::template::Source;

/// How deep directories may be nested; deeper ones are links that go round in circles.
const DEPTH: usize = 16;

/// Directories of test cases, which the catalog's templates keep beside them.
const CASES: &str = "cases";

/// Reads the templates below the directories, sorted by path.
pub(super) fn read(directories: &[PathBuf]) -> anyhow::Result<Vec<Source>> {
    let mut paths = Vec::new();
    for directory in directories {
        if !is_directory(directory)? {
            bail!("--templates {}: not a directory", directory.display());
        }
        find(directory, 0, &mut paths)?;
    }
    paths.sort();
    paths.dedup();
    paths.iter().map(|path| source(path)).collect()
}

/// Reads the paths of YAML files below a directory.
pub(super) fn find(directory: &Path, depth: usize, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    if depth > DEPTH {
        bail!(
            "{}: nested more than {DEPTH} directories deep; is there a link to a parent?",
            directory.display()
        );
    }
    for path in visible_entries(directory).with_context(|| failed(directory))? {
        if is_directory(&path)? {
            if path.file_name() != Some(CASES.as_ref()) {
                find(&path, depth + 1, found)?;
            }
        } else if is_yaml(&path) && !is_case_table(&path) {
            found.push(path);
        }
    }
    Ok(())
}

fn is_yaml(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "yaml" || extension == "yml")
}

fn source(path: &Path) -> anyhow::Result<Source> {
    Ok(Source {
        path: path.display().to_string(),
        text: read_text(path)?,
    })
}

pub(super) fn read_text(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| failed(path))
}

/// Whether a path leads, through links, to a directory.
pub(super) fn is_directory(path: &Path) -> anyhow::Result<bool> {
    let metadata = fs::metadata(path).with_context(|| failed(path))?;
    Ok(metadata.is_dir())
}

fn failed(path: &Path) -> String {
    format!("failed to read {}", path.display())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_mount_is_read_once_sorted_and_without_cases() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        for directory in ["..2026", "nested/cases", "single"] {
            fs::create_dir_all(at(directory)).unwrap();
        }
        symlink("..2026", at("..data")).unwrap();
        symlink("..data/b.yaml", at("b.yaml")).unwrap();
        for (path, text) in [
            ("..2026/b.yaml", "b"),
            ("nested/a.yml", "a"),
            ("nested/cases/pod.yaml", "no"),
            ("nested/template.yml", "c"),
            ("single/template.yaml", "d"),
            ("single/cases.yaml", "no"),
            ("cases.yaml", "e"),
            ("README.md", "no"),
        ] {
            fs::write(at(path), text).unwrap();
        }
        let sources = read(&[root.path().to_owned(), root.path().to_owned()]).unwrap();
        let texts: Vec<_> = sources.iter().map(|source| source.text.as_str()).collect();
        assert_eq!(texts, ["b", "e", "a", "c", "d"], "{sources:?}");
        assert_eq!(sources[0].path, at("b.yaml").display().to_string());
    }

    #[test]
    fn circles_and_wrong_paths_are_told() {
        let root = tempfile::tempdir().unwrap();
        symlink(root.path(), root.path().join("round")).unwrap();
        let error = read(&[root.path().to_owned()]).unwrap_err().to_string();
        assert!(error.contains("link to a parent"), "{error}");
        let file = root.path().join("file.yaml");
        fs::write(&file, "").unwrap();
        let error = read(&[file]).unwrap_err().to_string();
        assert!(error.ends_with("not a directory"), "{error}");
        let error = read(&[root.path().join("none")]).unwrap_err().to_string();
        assert!(error.starts_with("failed to read"), "{error}");
    }
}
