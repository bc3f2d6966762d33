//! Where manifests come from: files, directories, standard input.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::ManifestError;
use crate::cli::streams::Streams;

/// The file of a template in its folder.
pub(crate) const TEMPLATE: &str = "template.yaml";

/// The table of a template's cases in its folder.
pub(crate) const CASE_TABLE: &str = "cases.yaml";

/// Whether a file is the table of cases of the template beside it.
pub(crate) fn is_case_table(path: &Path) -> bool {
    path.ends_with(CASE_TABLE) && path.with_file_name(TEMPLATE).is_file()
}

/// A text and its origin.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) name: String,
    pub(super) path: Option<PathBuf>,
    pub(super) content: String,
}

/// Which files of a directory are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Everything that can be a manifest.
    Manifests,
    /// YAML, without the tables `cases.yaml` and the directories `cases` in which templates keep
    /// their tests.
    Templates,
}

impl Wanted {
    fn endings(self) -> &'static str {
        match self {
            Self::Manifests => ".yaml, .yml or .json",
            Self::Templates => ".yaml or .yml",
        }
    }

    fn enters(self, directory: &Path) -> bool {
        self == Self::Manifests || !directory.ends_with("cases")
    }

    fn reads(self, path: &Path) -> bool {
        let extensions: &[_] = match self {
            Self::Manifests => &["yaml", "yml", "json"],
            Self::Templates => &["yaml", "yml"],
        };
        let is_known = path.extension().is_some_and(|extension| {
            let mut known = extensions.iter();
            known.any(|known| extension.eq_ignore_ascii_case(known))
        });
        is_known && (self == Self::Manifests || !is_case_table(path))
    }
}

/// The texts that an argument names: one file, standard input, or all wanted files of a directory.
pub(super) fn texts(
    argument: &Path,
    wanted: Wanted,
    streams: &mut Streams<'_>,
) -> Result<Vec<Text>, ManifestError> {
    if argument == Path::new("-") {
        let bytes = streams
            .read()
            .map_err(|source| unreadable(argument, source))?;
        return Ok(vec![text("-".to_owned(), None, bytes)?]);
    }
    let metadata = fs::metadata(argument).map_err(|source| unreadable(argument, source))?;
    if !metadata.is_dir() {
        return Ok(vec![file(argument)?]);
    }
    let mut paths = Vec::new();
    collect(argument, wanted, &mut paths)?;
    if paths.is_empty() {
        return Err(ManifestError::Empty {
            name: argument.display().to_string(),
            expected: wanted.endings(),
        });
    }
    paths.iter().map(|path| file(path)).collect()
}

/// Adds the wanted files below a directory in the order of their names. Hidden entries are left out:
/// version control and editors keep files there that look like manifests. Links to directories are
/// not followed, so that a circle of links ends.
fn collect(
    directory: &Path,
    wanted: Wanted,
    paths: &mut Vec<PathBuf>,
) -> Result<(), ManifestError> {
    for path in visible_entries(directory).map_err(|source| unreadable(directory, source))? {
        if path.is_dir() && !path.is_symlink() && wanted.enters(&path) {
            collect(&path, wanted, paths)?;
        } else if wanted.reads(&path) && path.is_file() {
            paths.push(path);
        }
    }
    Ok(())
}

/// The entries of a directory that are not hidden, in the order of their names.
pub(crate) fn visible_entries(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

fn file(path: &Path) -> Result<Text, ManifestError> {
    let bytes = fs::read(path).map_err(|source| unreadable(path, source))?;
    text(path.display().to_string(), Some(path.to_owned()), bytes)
}

fn text(name: String, path: Option<PathBuf>, bytes: Vec<u8>) -> Result<Text, ManifestError> {
    match String::from_utf8(bytes) {
        Ok(content) => Ok(Text {
            name,
            path,
            content,
        }),
        Err(error) => Err(ManifestError::Encoding {
            name,
            offset: error.utf8_error().valid_up_to(),
        }),
    }
}

fn unreadable(path: &Path, source: io::Error) -> ManifestError {
    ManifestError::Read {
        name: path.display().to_string(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::streams::without;

    fn texts(argument: &Path, wanted: Wanted) -> Result<Vec<Text>, ManifestError> {
        without(|streams| super::texts(argument, wanted, streams))
    }

    #[test]
    fn directories_are_read_in_the_order_of_names() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        fs::create_dir_all(root.join("b/c")).unwrap();
        fs::create_dir_all(root.join(".git")).unwrap();
        for name in [
            "z.yaml",
            "a.YML",
            "b/c/x.json",
            "b/a.yaml",
            "b/notes.txt",
            ".git/x.yaml",
        ] {
            fs::write(root.join(name), name).unwrap();
        }
        let names: Vec<_> = texts(root, Wanted::Manifests)
            .unwrap()
            .into_iter()
            .map(|text| text.content)
            .collect();
        assert_eq!(names, ["a.YML", "b/a.yaml", "b/c/x.json", "z.yaml"]);
    }

    #[test]
    fn templates_are_read_without_their_cases() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        fs::create_dir_all(root.join("logs/cases")).unwrap();
        for name in [
            "logs/template.yaml",
            "logs/values.json",
            "logs/cases/pod.yaml",
        ] {
            fs::write(root.join(name), name).unwrap();
        }
        let names: Vec<_> = texts(root, Wanted::Templates)
            .unwrap()
            .into_iter()
            .map(|text| text.content)
            .collect();
        assert_eq!(names, ["logs/template.yaml"]);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        assert!(matches!(
            texts(root, Wanted::Manifests),
            Err(ManifestError::Empty { .. })
        ));
        let missing = texts(&root.join("missing.yaml"), Wanted::Manifests).unwrap_err();
        assert!(missing.to_string().contains("missing.yaml"));
        fs::write(root.join("latin.yaml"), b"a: \xe9\n").unwrap();
        let encoding = texts(root, Wanted::Manifests).unwrap_err();
        assert!(matches!(
            encoding,
            ManifestError::Encoding { offset: 3, .. }
        ));
    }
}
