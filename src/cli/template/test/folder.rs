//! Where cases are: in the table `<catalog>/<template>/cases.yaml` and in files of their own,
//! `<catalog>/<template>/cases/<case>.yaml`, beside `template.yaml`.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::TestError;
use super::case::Case;
use super::table::Table;
use crate::cli::manifest::visible_entries;
use crate::cli::manifest::{CASE_TABLE, ManifestError, TEMPLATE};
use crate::template::Source;

#[derive(Debug)]
pub(super) struct Folder {
    /// Its name, which is the template's.
    pub(super) name: String,
    /// The cases that have files of their own, sorted.
    pub(super) cases: Vec<PathBuf>,
    /// The table of the others.
    pub(super) table: Option<PathBuf>,
    /// The file of its template.
    pub(super) template: PathBuf,
}

/// A case of a folder, or why it cannot be read.
#[derive(Debug)]
pub(super) struct ListedCase {
    pub(super) name: String,
    /// The file that it stands in.
    pub(super) path: PathBuf,
    pub(super) case: Result<Case, ManifestError>,
}

impl Folder {
    /// All cases: those with files of their own, and the rows of the table.
    pub(super) fn all_cases(&self, update: bool) -> Result<Vec<ListedCase>, TestError> {
        let mut listed = Vec::new();
        let mut own = BTreeMap::new();
        for path in &self.cases {
            let name = name_of(path);
            match Case::parse(path, &read(path)?, update) {
                Ok(case) => drop(own.insert(name, case)),
                Err(error) => listed.push(ListedCase {
                    name,
                    path: path.clone(),
                    case: Err(error),
                }),
            }
        }
        if let Some(path) = &self.table {
            listed.extend(self.rows(path, &own, update)?);
        }
        listed.extend(own.into_iter().map(|(name, case)| ListedCase {
            path: PathBuf::from(&case.place.file),
            name,
            case: Ok(case),
        }));
        listed.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(listed)
    }

    fn rows(
        &self,
        path: &Path,
        own: &BTreeMap<String, Case>,
        update: bool,
    ) -> Result<Vec<ListedCase>, TestError> {
        let table = match Table::parse(path, &self.name, &read(path)?) {
            Ok(table) => table,
            Err(error) => {
                return Ok(vec![ListedCase {
                    name: name_of(path),
                    path: path.to_owned(),
                    case: Err(error),
                }]);
            }
        };
        let rows = table.names().map(|name| {
            let mut case = table.case(name, own, update);
            if let (Ok(row), Some(other)) = (&case, own.get(name)) {
                let message = format!(
                    "case `{name}` has a file of its own too: {}",
                    other.place.file
                );
                case = Err(row.place.wrong(message));
            }
            ListedCase {
                name: name.to_owned(),
                path: path.to_owned(),
                case,
            }
        });
        Ok(rows.collect())
    }

    /// The readable cases that have files of their own, by name.
    pub(super) fn own_cases(&self, update: bool) -> Result<BTreeMap<String, Case>, TestError> {
        let mut own = BTreeMap::new();
        for path in &self.cases {
            if let Ok(case) = Case::parse(path, &read(path)?, update) {
                own.insert(name_of(path), case);
            }
        }
        Ok(own)
    }
}

fn name_of(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}

/// Folders of templates to test, and the catalog that they are in.
#[derive(Debug)]
pub(super) struct Shelf {
    /// The templates of the whole catalog, sorted by path.
    pub(super) sources: Vec<Source>,
    pub(super) folders: Vec<Folder>,
}

/// What a directory stands for: a catalog, or one template of a catalog.
pub(super) fn shelf(directory: &Path) -> Result<Shelf, TestError> {
    let is_template = directory.join(TEMPLATE).is_file();
    let parent = if is_template {
        above(directory)
    } else {
        directory.to_owned()
    };
    let templates = templates(&parent)?;
    let tested = if is_template {
        vec![directory.to_owned()]
    } else {
        templates.clone()
    };
    if tested.is_empty() {
        return Err(TestError::NoTemplates {
            directory: directory.to_owned(),
        });
    }
    Ok(Shelf {
        sources: templates
            .iter()
            .map(|folder| source(&folder.join(TEMPLATE)))
            .collect::<Result<_, _>>()?,
        folders: tested
            .iter()
            .map(|path| folder(path))
            .collect::<Result<_, _>>()?,
    })
}

/// The directory above, also of `.` and `a/..`.
fn above(directory: &Path) -> PathBuf {
    match (directory.file_name(), directory.parent()) {
        (Some(_), Some(parent)) if parent.as_os_str().is_empty() => PathBuf::from("."),
        (Some(_), Some(parent)) => parent.to_owned(),
        _ => directory.join(".."),
    }
}

/// The folders of templates in a catalog.
fn templates(catalog: &Path) -> Result<Vec<PathBuf>, TestError> {
    let mut folders = entries(catalog)?;
    folders.retain(|path| path.join(TEMPLATE).is_file());
    Ok(folders)
}

fn folder(path: &Path) -> Result<Folder, TestError> {
    let named = fs::canonicalize(path).map_err(|source| unreadable(path, source))?;
    let name = named.file_name().unwrap_or_default();
    let directory = path.join("cases");
    let mut cases = Vec::new();
    if directory.is_dir() {
        cases = entries(&directory)?;
        cases.retain(|path| {
            let extension = path.extension().unwrap_or_default();
            extension == "yaml" || extension == "yml"
        });
    }
    Ok(Folder {
        name: name.to_string_lossy().into_owned(),
        cases,
        table: Some(path.join(CASE_TABLE)).filter(|table| table.is_file()),
        template: path.join(TEMPLATE),
    })
}

/// What is in a directory, sorted, without hidden entries.
fn entries(directory: &Path) -> Result<Vec<PathBuf>, TestError> {
    visible_entries(directory).map_err(|source| unreadable(directory, source))
}

fn source(path: &Path) -> Result<Source, TestError> {
    Ok(Source {
        path: path.display().to_string(),
        text: read(path)?,
    })
}

/// The text of a file.
pub(super) fn read(path: &Path) -> Result<String, TestError> {
    fs::read_to_string(path).map_err(|source| unreadable(path, source))
}

fn unreadable(path: &Path, source: io::Error) -> TestError {
    TestError::Read {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_catalog_and_one_of_its_templates_are_known_by_their_files() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        for path in [
            "b/cases/x.yaml",
            "b/cases/notes.md",
            "a/template.yaml",
            "b/template.yaml",
            "c/other.yaml",
            ".d/template.yaml",
            "b/cases/.x.yaml",
        ] {
            fs::create_dir_all(at(path).parent().unwrap()).unwrap();
            fs::write(at(path), path).unwrap();
        }
        let named = |shelf: &Shelf| -> Vec<_> {
            shelf
                .folders
                .iter()
                .map(|folder| folder.name.clone())
                .collect()
        };
        let whole = shelf(root.path()).unwrap();
        assert_eq!(named(&whole), ["a", "b"]);
        let texts: Vec<_> = whole
            .sources
            .iter()
            .map(|source| source.text.as_str())
            .collect();
        assert_eq!(texts, ["a/template.yaml", "b/template.yaml"]);
        assert_eq!(whole.folders[1].cases, [at("b/cases/x.yaml")]);

        for path in ["b", "b/", "a/../b", "b/cases/.."] {
            let one = shelf(&at(path)).unwrap();
            assert_eq!(
                (named(&one), one.sources.len()),
                (vec!["b".to_owned()], 2),
                "{path}"
            );
        }
        let error = shelf(&at("b/cases")).unwrap_err().to_string();
        assert!(error.contains("no templates"), "{error}");
        assert!(shelf(&at("none")).is_err());
    }

    #[test]
    fn the_directory_above_is_found_by_name_alone() {
        for (path, expected) in [
            ("a", "."),
            ("a/b", "a"),
            (".", "./.."),
            ("..", "../.."),
            ("/a", "/"),
        ] {
            assert_eq!(above(Path::new(path)), Path::new(expected), "{path}");
        }
    }
}
