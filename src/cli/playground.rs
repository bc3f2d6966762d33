//! `pillion playground`: a page on this machine that shows what a template makes of a manifest.
//!
//! The page is static; everything it shows comes from one answer, which is made with the engine
//! and in the words of the other commands. The server keeps nothing between two questions.

mod answer;
mod bars;
mod case_file;
mod difference;
mod examples;
mod form;
mod origins;
mod page;
mod pod_answer;
mod question;
mod text_problem;
mod time_line;

use std::fmt::Write as _;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::runtime::Runtime;

use super::Status;
use super::engine_options::EngineOptions;
use super::explain::registration;
use super::streams::Streams;
use crate::explain::Registration;
use crate::inject::Settings;
use crate::server::{ListenAddress, PlaygroundBackend, PlaygroundServer};
use crate::template::{Catalog, Source, built_in};
use crate::wording::with_sources;
use question::{MANIFEST_FILE, PlaygroundQuestion};

/// Serve a page that shows what a template makes of a manifest, as you type.
///
/// The page answers on this machine alone, keeps nothing, and loads nothing from elsewhere. The
/// template of the page comes before those of the flags.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n\
    \x20 pillion playground\n\
    \x20 pillion playground --templates templates --templates built-in\n\
    \x20 pillion playground --listen 127.0.0.1:0 --kubernetes-version 1.30")]
pub(super) struct Playground {
    /// Where the page is served, in plain HTTP; port 0 takes a free one.
    #[arg(
        long,
        value_name = "ADDR:PORT",
        env = "PILLION_PLAYGROUND_LISTEN",
        default_value = "127.0.0.1:8484"
    )]
    listen: ListenAddress,

    #[command(flatten)]
    engine: EngineOptions,
}

impl Playground {
    /// Serves until Ctrl-C.
    pub(super) fn run(&self, streams: &mut Streams<'_>) -> anyhow::Result<Status> {
        let context = PlaygroundContext::new(&self.engine, streams)?;
        let runtime = Runtime::new().context("failed to start the server's threads")?;
        runtime.block_on(async {
            let server = PlaygroundServer::bind(self.listen, Arc::new(context), page::FILES)
                .context("choose another address with --listen, such as 127.0.0.1:0")?;
            let address = server.address();
            if !address.ip().is_loopback() {
                streams.warn(&format!(
                    "whoever reaches {address} can use this page; without --listen only this \
                     machine can"
                ));
            }
            streams.print(format!("http://{address}/\nCtrl-C ends it\n"))?;
            server.run().await?;
            Ok(Status::Done)
        })
    }
}

/// What every question is answered with.
#[derive(Debug)]
struct PlaygroundContext {
    catalog: Arc<Catalog>,
    sources: Vec<Source>,
    settings: Settings,
    registration: Registration,
    /// The flags of the catalog, for the command that the page shows.
    directories: Vec<String>,
}

impl PlaygroundContext {
    fn new(engine: &EngineOptions, streams: &mut Streams<'_>) -> anyhow::Result<Self> {
        let catalog = engine.load_catalog_with(&[], streams)?;
        let mut sources = engine.sources()?.unwrap_or_default();
        if engine.has_built_in() {
            sources.extend(built_in::sources());
        }
        Ok(Self {
            catalog: Arc::new(catalog),
            sources,
            settings: engine.settings()?,
            registration: registration::shipped()?,
            directories: engine.named_templates(),
        })
    }

    /// The command that does with files what the page shows.
    fn command(&self, question: &PlaygroundQuestion) -> String {
        let mut command = format!(
            "pillion inject -f {MANIFEST_FILE} -o diff --templates DIRECTORY-OF-THE-TEMPLATE"
        );
        for directory in &self.directories {
            let _ = write!(command, " --templates {}", quoted(directory));
        }
        if let Some(version) = question.kubernetes {
            let _ = write!(command, " --kubernetes-version 1.{}", version.0);
        }
        for (key, value) in &question.set {
            let _ = write!(command, " --set {}", quoted(&format!("{key}={value}")));
        }
        command
    }
}

/// A text as a shell takes it.
fn quoted(text: &str) -> String {
    let mut characters = text.chars();
    if !text.is_empty() && characters.all(|c| c.is_ascii_alphanumeric() || "-_./:=,@".contains(c)) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

impl PlaygroundBackend for PlaygroundContext {
    fn answer(&self, body: &[u8]) -> Result<String, String> {
        let question = PlaygroundQuestion::read(body).map_err(|error| with_sources(&error))?;
        let answer = answer::answer(self, &question).map_err(|error| format!("{error:#}"))?;
        serde_json::to_string(&answer).map_err(|error| error.to_string())
    }

    fn examples(&self) -> Result<String, String> {
        let examples = examples::of(&self.catalog, &self.sources);
        serde_json::to_string(&examples).map_err(|error| error.to_string())
    }
}
