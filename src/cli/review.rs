//! `pillion review`: one AdmissionReview in, the answer out, exactly as the server would send it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, bail};

use super::Status;
use super::engine_options::EngineOptions;
use super::streams::Streams;
use crate::inject::{Answer, Engine, Verdict};

/// Answer one AdmissionReview, exactly as the server would.
///
/// The answer's bytes go to standard output. The exit status is 1 where the pod is denied, or the
/// pods of a workload would be, 2 where the server would answer with an error.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n\
    \x20 pillion review examples/review.json\n\
    \x20 pillion review --advise < workload-review.json")]
pub(crate) struct Review {
    /// The AdmissionReview (admission.k8s.io/v1) as JSON, - for standard input
    #[arg(value_name = "FILE|-", default_value = "-")]
    file: PathBuf,

    /// The same file, given as to other commands: `-f FILE` is `FILE`
    #[arg(
        short = 'f',
        long = "filename",
        value_name = "FILE|-",
        conflicts_with = "file"
    )]
    filename: Option<PathBuf>,

    /// Answer as /advise does, about the pods of a workload
    #[arg(long)]
    advise: bool,

    #[command(flatten)]
    engine: EngineOptions,
}

impl Review {
    pub(super) fn run(&self, streams: &mut Streams<'_>) -> anyhow::Result<Status> {
        let name = self.named().display();
        let body = self
            .read(streams)
            .with_context(|| format!("failed to read {name}"))?;
        let catalog = Arc::new(self.engine.load_catalog_with(&[], streams)?);
        let engine = Engine::new(catalog, Arc::new(self.engine.settings()?));
        let answer = if self.advise {
            engine.advise(&body)
        } else {
            engine.review(&body)
        };
        let message = match answer {
            Answer::Review { body, decision, .. } => {
                streams.print(&body)?;
                let is_refused = decision.verdict() == Verdict::Denied;
                return Ok(Status::refused_if(is_refused));
            }
            // Only where a cluster is watched.
            Answer::NamespaceUnknown { namespace, .. } => {
                format!("the namespace `{namespace}` is not known")
            }
            Answer::BadRequest(message) => message,
        };
        let hint = if body.trim_ascii_start().starts_with(b"{") {
            ""
        } else {
            "; it reads an AdmissionReview as JSON, and `pillion explain` a manifest"
        };
        bail!("{name}: the server would answer 400 Bad Request: {message}{hint}")
    }

    fn named(&self) -> &PathBuf {
        self.filename.as_ref().unwrap_or(&self.file)
    }

    fn read(&self, streams: &mut Streams<'_>) -> io::Result<Vec<u8>> {
        let file = self.named();
        if file.as_os_str() != "-" {
            return std::fs::read(file);
        }
        if streams.is_typed() {
            streams.tell("pillion review: reading an AdmissionReview as JSON from the terminal\n");
        }
        streams.read()
    }
}
