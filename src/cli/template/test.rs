//! `pillion template test`: does every template give the pods that its cases say?
//!
//! A case is decided by the same engine and applied by the same code as `pillion inject`, with the
//! whole catalog that the template stands in. A case that cannot be read does not keep the others
//! from being run.

mod case;
mod change;
mod compare;
mod expectation;
mod folder;
mod junit;
mod report;
mod run;
mod table;
mod update;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use crate::cli::Status;
use crate::cli::manifest::ManifestError;
use crate::cli::output::OutputError;
use crate::cli::streams::Streams;
use crate::cli::transform::TreatmentError;
use crate::inject::Verdict;
use crate::template::Catalog;
use case::Case;
use compare::CaseResult;
use folder::{Folder, ListedCase};
use report::{CaseOutcome, Report, Tested};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n\
    \x20 pillion template test\n\
    \x20 pillion template test templates/ship-logs --update")]
pub(super) struct Test {
    /// Directories of templates, each in a folder of its own with template.yaml and cases.yaml or
    /// cases/*.yaml;
    /// or such a folder, whose cases may name the templates beside it
    #[arg(value_name = "DIR", default_value = "templates")]
    directories: Vec<PathBuf>,

    /// Run only cases whose TEMPLATE/CASE contains this (repeatable)
    #[arg(long = "case", value_name = "NAME")]
    wanted: Vec<String>,

    /// Write what came of each failing case into its file as what must come of it; read the
    /// difference before you keep it
    #[arg(long)]
    update: bool,

    /// How to write the result
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value = "text")]
    output: TestFormat,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum TestFormat {
    /// A line for each template, and each failure with what differs.
    Text,
    /// One JSON document.
    Json,
    /// XML in the form of `JUnit`, as CI systems read it.
    Junit,
}

/// Why templates could not be tested.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TestError {
    /// A file or directory could not be read.
    #[error("failed to read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// A directory has no templates.
    #[error("{0}: no templates: expected {0}/<name>/template.yaml", directory.display())]
    NoTemplates { directory: PathBuf },
    /// There is nothing to run.
    #[error(
        "no cases{0}: expected <name>/cases.yaml or <name>/cases/*.yaml beside <name>/template.yaml",
        filter(wanted)
    )]
    NoCases {
        /// What `--case` asked for.
        wanted: Vec<String>,
    },
    /// A case is not what cases are.
    #[error(transparent)]
    Case(#[from] ManifestError),
    /// A patch could not be applied.
    #[error(transparent)]
    ObjectTransform(#[from] TreatmentError),
    /// The result could not be written.
    #[error(transparent)]
    Output(#[from] OutputError),
}

fn filter(wanted: &[String]) -> String {
    match wanted {
        [] => String::new(),
        wanted => format!(" with {} in their names", wanted.join(" or ")),
    }
}

/// The text of a case with what comes of it with these templates.
pub(in crate::cli) fn case_of(
    path: &Path,
    given: &str,
    catalog: &Arc<Catalog>,
) -> Result<String, TestError> {
    let found = run::run(&Case::parse(path, given, true)?, catalog)?;
    let expectation = compare::expectation(&found, None);
    Ok(case::with_expectation(path, given, expectation)?)
}

impl Test {
    /// Runs the cases and tells about them.
    pub(super) fn run(&self, streams: &mut Streams<'_>) -> Result<Status, TestError> {
        let mut report = Report::default();
        for directory in &self.directories {
            self.test(directory, &mut report)?;
        }
        if report.cases.is_empty() && report.errors.is_empty() {
            return Err(TestError::NoCases {
                wanted: self.wanted.clone(),
            });
        }
        let text = match self.output {
            TestFormat::Text => report::text(&report, streams.out()),
            TestFormat::Json => super::lines_of(&report::json(&report)),
            TestFormat::Junit => junit::xml(&report),
        };
        streams.print(text).map_err(OutputError::from)?;
        Ok(if report.is_unreadable() {
            Status::WrongUse
        } else {
            Status::refused_if(report.is_failed())
        })
    }

    /// Runs the cases of one directory.
    fn test(&self, directory: &Path, report: &mut Report) -> Result<(), TestError> {
        let shelf = folder::shelf(directory)?;
        let (catalog, errors) = Catalog::load(&shelf.sources, None);
        let catalog = Arc::new(catalog);
        // What comes of a broken template is nothing to expect.
        let updates = self.update && errors.is_empty();
        report.is_kept |= self.update && !errors.is_empty();
        for folder in &shelf.folders {
            let own = errors
                .iter()
                .filter(|error| Path::new(&error.file) == folder.template);
            report.errors.extend(own.cloned());
            let listed = folder.all_cases(updates)?;
            if listed.is_empty() {
                report.without_cases.push(folder.name.clone());
            }
            let wanted = listed
                .into_iter()
                .filter(|listed| self.wants(folder, listed));
            for listed in wanted {
                let tested = test_case(folder, listed, &catalog, updates)?;
                report.cases.push(tested);
            }
        }
        Ok(())
    }

    fn wants(&self, folder: &Folder, listed: &ListedCase) -> bool {
        let full = format!("{}/{}", folder.name, listed.name);
        self.wanted.is_empty() || self.wanted.iter().any(|wanted| full.contains(wanted))
    }
}

/// Runs one case. What is wrong with the case itself is its ending.
fn test_case(
    folder: &Folder,
    listed: ListedCase,
    catalog: &Arc<Catalog>,
    updates: bool,
) -> Result<Tested, TestError> {
    let is_row = folder.table.as_ref() == Some(&listed.path);
    let mut tested = Tested {
        template: folder.name.clone(),
        case: listed.name,
        file: listed.path.display().to_string(),
        line: None,
        description: String::new(),
        given: Value::Null,
        verdict: None,
        ending: CaseOutcome::Passed,
    };
    let ending = listed.case.map_err(TestError::from).and_then(|case| {
        tested.line = is_row.then_some(case.place.line);
        tested.description.clone_from(&case.description);
        tested.given = case.given.json();
        let verdict = case.expected.as_ref().map(|expected| expected.verdict);
        tested.verdict = verdict.map(|verdict| Verdict::from(verdict).as_str());
        let found = run::run(&case, catalog)?;
        let ending = ending(&case, &found, updates)?;
        if ending == CaseOutcome::Updated {
            update::write(folder, &listed.path, &tested.case, &case, &found)?;
        }
        Ok(ending)
    });
    tested.ending = match ending {
        Err(TestError::Case(error)) => CaseOutcome::Unreadable(error.to_string()),
        ending => ending?,
    };
    Ok(tested)
}

fn ending(case: &Case, found: &CaseResult, updates: bool) -> Result<CaseOutcome, TestError> {
    match &case.expected {
        None if updates => Ok(CaseOutcome::Updated),
        None => {
            let message = "says nothing of what must come of it: add a second document, or let \
                           --update write it";
            Err(case.place.wrong(message.to_owned()).into())
        }
        Some(expected) => {
            let differences = compare::compare(expected, found);
            Ok(match (differences.is_empty(), updates) {
                (true, _) => CaseOutcome::Passed,
                (false, true) => CaseOutcome::Updated,
                (false, false) => CaseOutcome::Failed(differences),
            })
        }
    }
}
