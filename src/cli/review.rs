//! `pillion review`: one AdmissionReview in, the answer out, exactly as the server would send it.

use std::io::{self, Read as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use super::REFUSED;
use super::catalog_loading;
use super::engine_options::{EngineOptions, EngineOptionsError};
use super::output::{self, OutputError};
use crate::inject::{Answer, Engine, Verdict};

/// Answer one AdmissionReview, exactly as the server would.
///
/// The answer's bytes go to standard output. The exit status is 1 where the pod is denied, or the
/// pods of a workload would be, 2 where the server would answer with an error.
#[derive(Debug, clap::Args)]
pub struct Review {
    /// The AdmissionReview (admission.k8s.io/v1) as JSON, - for standard input
    #[arg(value_name = "FILE|-", default_value = "-")]
    file: PathBuf,

    /// Answer as /advise does, about the pods of a workload
    #[arg(long)]
    advise: bool,

    #[command(flatten)]
    engine: EngineOptions,
}

/// Why a review could not be answered.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// The review could not be read.
    #[error("failed to read {name}")]
    Read {
        /// The file's name.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// The server would answer with HTTP status 400.
    #[error("{name}: the server would answer 400 Bad Request: {message}")]
    BadRequest {
        /// The file's name.
        name: String,
        /// What the server would say.
        message: String,
    },
    /// Templates or settings could not be read.
    #[error(transparent)]
    Engine(#[from] EngineOptionsError),
    /// The answer could not be written.
    #[error(transparent)]
    Output(#[from] OutputError),
}

impl Review {
    /// Does what the command says.
    pub(crate) fn run(&self) -> Result<ExitCode, ReviewError> {
        let name = self.file.display().to_string();
        let body = self.read().map_err(|source| ReviewError::Read {
            name: name.clone(),
            source,
        })?;
        let catalog = Arc::new(catalog_loading::catalog_with(&self.engine, &[])?);
        let engine = Engine::new(catalog, Arc::new(self.engine.settings()?));
        let answer = if self.advise {
            engine.advise(&body)
        } else {
            engine.review(&body)
        };
        match answer {
            Answer::Review { body, decision, .. } => {
                output::print(&body)?;
                Ok(if decision.verdict() == Verdict::Denied {
                    ExitCode::from(REFUSED)
                } else {
                    ExitCode::SUCCESS
                })
            }
            // Only where a cluster is watched.
            Answer::NamespaceUnknown { namespace, .. } => {
                let message = format!("the namespace `{namespace}` is not known");
                Err(ReviewError::BadRequest { name, message })
            }
            Answer::BadRequest(message) => Err(ReviewError::BadRequest { name, message }),
        }
    }

    fn read(&self) -> io::Result<Vec<u8>> {
        if self.file.as_os_str() != "-" {
            return std::fs::read(&self.file);
        }
        let mut body = Vec::new();
        io::stdin().lock().read_to_end(&mut body)?;
        Ok(body)
    }
}
