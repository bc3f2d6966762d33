//! The one file of all measures.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::measures::Measures;

/// The order in which benches are shown; others follow by name.
const ORDER: [&str; 4] = ["engine", "allocations", "server", "api_server"];

/// Why results cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResultsError {
    /// No bench has written anything.
    #[error("{} has no measures: run the benches first, or `make bench`", .0.display())]
    Nothing(PathBuf),
    /// A file or folder cannot be read.
    #[error("failed to read {}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file does not hold measures.
    #[error("{}: expected measures: {source}", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What the reader said.
        source: serde_json::Error,
    },
    /// A file cannot be written.
    #[error("failed to write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Where it was measured, as far as it matters to who reads the figures.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Machine {
    /// Processors that the benches could use.
    pub(crate) processors: usize,
    /// What the processor calls itself.
    pub(crate) model: String,
}

impl Machine {
    fn of_this() -> Self {
        let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = text.lines().find_map(|line| {
            let (field, value) = line.split_once(':')?;
            (field.trim() == "model name").then(|| value.trim().to_owned())
        });
        Self {
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            model: model.unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
        }
    }
}

/// All measures of one run.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Results {
    /// Where it was measured.
    pub(crate) machine: Machine,
    /// What each bench measured.
    pub(crate) benches: Vec<Measures>,
}

impl Results {
    /// What the benches have written to this folder.
    pub(crate) fn merged(folder: &Path) -> Result<Self, ResultsError> {
        let unread = |source| ResultsError::Read {
            path: folder.to_owned(),
            source,
        };
        if !folder.is_dir() {
            return Err(ResultsError::Nothing(folder.to_owned()));
        }
        let mut benches = Vec::new();
        for entry in fs::read_dir(folder).map_err(unread)? {
            let path = entry.map_err(unread)?.path();
            let is_measures = path
                .extension()
                .is_some_and(|extension| extension == "json")
                && path.file_stem().is_some_and(|name| name != "results");
            if is_measures {
                benches.push(read::<Measures>(&path)?);
            }
        }
        if benches.is_empty() {
            return Err(ResultsError::Nothing(folder.to_owned()));
        }
        let rank = |bench: &str| ORDER.iter().position(|known| *known == bench);
        benches.sort_by_key(|measures| {
            let rank = rank(&measures.bench).unwrap_or(ORDER.len());
            (rank, measures.bench.clone())
        });
        Ok(Self {
            machine: Machine::of_this(),
            benches,
        })
    }

    /// The results in this file.
    pub(crate) fn read(path: &Path) -> Result<Self, ResultsError> {
        read(path)
    }

    /// Writes the results to this file.
    pub(crate) fn write(&self, path: &Path) -> Result<(), ResultsError> {
        let mut text = serde_json::to_string_pretty(self).map_err(|source| ResultsError::Form {
            path: path.to_owned(),
            source,
        })?;
        text.push('\n');
        fs::write(path, text).map_err(|source| ResultsError::Write {
            path: path.to_owned(),
            source,
        })
    }
}

fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T, ResultsError> {
    let text = fs::read_to_string(path).map_err(|source| ResultsError::Read {
        path: path.to_owned(),
        source,
    })?;
    serde_json::from_str(&text).map_err(|source| ResultsError::Form {
        path: path.to_owned(),
        source,
    })
}
