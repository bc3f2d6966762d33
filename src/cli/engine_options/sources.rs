//! Finding template files below directories.
//!
//! A `ConfigMap` mount is made of links: `name.yaml` points through `..data` to a hidden directory.
//! So links are followed and hidden entries are skipped, or every template would be found twice.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::EngineOptionsError;
use crate::cli::manifest::is_case_table;
use crate::template::Source;

/// How deep directories may be nested; deeper ones are links that go round in circles.
const DEPTH: usize = 16;

/// Directories of test cases, which the catalog's templates keep beside them.
const CASES: &str = "cases";

/// Reads the templates below the directories, sorted by path.
pub(super) fn read(directories: &[PathBuf]) -> Result<Vec<Source>, EngineOptionsError> {
    let mut paths = Vec::new();
    for directory in directories {
        if !metadata(directory)?.is_dir() {
            return Err(EngineOptionsError::NotADirectory {
                path: directory.clone(),
            });
        }
        find(directory, 0, &mut paths)?;
    }
    paths.sort();
    paths.dedup();
    paths.iter().map(|path| source(path)).collect()
}

/// Reads the paths of YAML files below a directory.
pub(super) fn find(
    directory: &Path,
    depth: usize,
    found: &mut Vec<PathBuf>,
) -> Result<(), EngineOptionsError> {
    if depth > DEPTH {
        return Err(EngineOptionsError::TooDeep {
            path: directory.to_owned(),
            limit: DEPTH,
        });
    }
    let unreadable = |source| failed(directory, source);
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') {
            continue;
        }
        let path = entry.path();
        if metadata(&path)?.is_dir() {
            if name != CASES {
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

fn source(path: &Path) -> Result<Source, EngineOptionsError> {
    Ok(Source {
        path: path.display().to_string(),
        text: fs::read_to_string(path).map_err(|source| failed(path, source))?,
    })
}

/// What a path leads to, through links.
pub(super) fn metadata(path: &Path) -> Result<fs::Metadata, EngineOptionsError> {
    fs::metadata(path).map_err(|source| failed(path, source))
}

pub(super) fn failed(path: &Path, source: io::Error) -> EngineOptionsError {
    EngineOptionsError::Read {
        path: path.to_owned(),
        source,
    }
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
