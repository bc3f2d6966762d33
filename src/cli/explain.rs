//! `pillion explain`: why a pod is, or is not, injected.
//!
//! A pod comes from a manifest, from an AdmissionReview, or from the cluster. The engine decides as
//! the webhook would and says how; what only the cluster knows (its webhook configurations, the
//! namespace, whether a Secret exists) is read with the caller's own rights.

mod list;
mod registration;
mod subjects;
mod text;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use super::REFUSED;
use super::catalog_loading;
use super::cluster::{Cluster, ClusterArguments, ClusterError};
use super::engine_options::{EngineOptions, EngineOptionsError};
use super::inject::{add_namespace, add_namespaces};
use super::manifest::ManifestError;
use super::output::{self, OutputError};
use super::terminal::Paint;
use crate::explain::gates::Call;
use crate::explain::{Existence, Explanation, Registration};
use crate::inject::{Engine, Settings, Verdict};
use crate::template::{Catalog, Source, built_in};
use list::{ExplanationList, Item};
use registration::RegistrationError;
use subjects::{ExplainSubject, Subjects};

/// Explain why a pod is, or is not, injected, and with what.
///
/// Shown are the API server's own gates, every rule of the selection, and for each template who
/// asks for it, its parameters, conditions and every field that it adds with the line of the
/// template. The exit status is 1 where a pod is refused.
#[derive(Debug, clap::Args)]
pub struct Explain {
    /// A manifest or an AdmissionReview, - for standard input, or an object of the cluster such as
    /// pod/NAME or deployment/NAME
    #[arg(value_name = "FILE|-|KIND/NAME", default_value = "-")]
    target: String,

    /// Namespace of objects that name none, and of an object of the cluster [default: that of the
    /// context, else `default`]
    #[arg(short, long, value_name = "NAME")]
    namespace: Option<String>,

    /// How to write the explanation
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value = "text")]
    output: Format,

    /// Judge the API server's gates by these webhook configurations (repeatable); without it by
    /// those of the cluster, where one is asked, else by the one that is shipped
    #[arg(
        long,
        value_name = "FILE",
        env = "PILLION_WEBHOOK_CONFIGURATION",
        value_delimiter = ','
    )]
    webhook_configuration: Vec<PathBuf>,

    #[command(flatten)]
    cluster: ClusterArguments,

    #[command(flatten)]
    engine: EngineOptions,
}

/// How an explanation is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// One JSON document, as docs/explain.schema.json describes it.
    Json,
}

/// Why nothing can be explained.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// Nothing was named, and no manifest comes from a terminal.
    #[error(
        "nothing to explain: name a file or an object such as pod/NAME, or send a manifest to standard input"
    )]
    NoInput,
    /// The input could not be read.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The input holds neither a pod nor a review.
    #[error("{name}: holds no pod, no object that makes pods and no AdmissionReview")]
    NoPod {
        /// The input's name.
        name: String,
    },
    /// The webhook would answer the review with HTTP status 400.
    #[error("{name}: the server would answer 400 Bad Request: {message}")]
    BadRequest {
        /// The input's name.
        name: String,
        /// What the server would say.
        message: String,
    },
    /// The object of the cluster could not be read.
    #[error("failed to read {object} in the namespace `{namespace}`: {problem}")]
    Object {
        /// The object.
        object: String,
        /// The namespace.
        namespace: String,
        /// What the API server said.
        problem: String,
    },
    /// A webhook configuration cannot be used.
    #[error(transparent)]
    Registration(#[from] RegistrationError),
    /// The cluster cannot be asked.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// Templates or settings could not be read.
    #[error(transparent)]
    Engine(#[from] EngineOptionsError),
    /// The explanation could not be written.
    #[error(transparent)]
    Output(#[from] OutputError),
}

impl Explain {
    /// Does what the command says.
    pub(crate) fn run(&self) -> Result<ExitCode, ExplainError> {
        let (mut subjects, mut cluster) = self.subjects()?;
        let catalog = Arc::new(catalog_loading::catalog_with(&self.engine, &[])?);
        let sources = self.engine.sources()?;
        let sources = sources.unwrap_or_else(built_in::sources);
        let mut settings = self.engine.settings()?;
        add_namespaces(&mut settings, &mut subjects.manifests, &subjects.namespace);
        if let Some(cluster) = &mut cluster {
            subjects.add_namespaces(&mut settings, cluster);
        }
        let registration = registration::find(&self.webhook_configuration, cluster.as_ref())?;
        let mut explaining = Explaining {
            catalog,
            settings,
            registration,
            sources,
            cluster,
        };
        let items = subjects.about.iter().map(|about| explaining.item(about));
        let items = items.collect::<Result<Vec<_>, _>>()?;
        let notes = explaining.cluster.map(|cluster| cluster.notes);
        let list = ExplanationList::new(items, notes.unwrap_or_default());
        self.write(&list)?;
        Ok(if list.items.iter().any(is_refused) {
            ExitCode::from(REFUSED)
        } else {
            ExitCode::SUCCESS
        })
    }

    /// What is asked about, and the cluster where it, or a flag, asks for one.
    fn subjects(&self) -> Result<(Subjects, Option<Cluster>), ExplainError> {
        let namespace = self.namespace.as_deref();
        if self.target == "-" && output::stdin_is_terminal() {
            return Err(ExplainError::NoInput);
        }
        if let Some(object) = subjects::object(&self.target) {
            let cluster = self.cluster.open()?;
            let subjects = Subjects::of_cluster(&object, namespace, &cluster)?;
            return Ok((subjects, Some(cluster)));
        }
        let cluster = if self.cluster.is_given() {
            Some(self.cluster.open()?)
        } else {
            None
        };
        let of_context = cluster.as_ref().map(|cluster| cluster.namespace.as_str());
        let namespace = namespace.or(of_context).unwrap_or("default");
        Ok((Subjects::of_file(&self.target, namespace)?, cluster))
    }

    fn write(&self, list: &ExplanationList) -> Result<(), OutputError> {
        let text = match self.output {
            Format::Text => text::text(list, Paint::for_stream(&io::stdout())),
            Format::Json => serde_json::to_string_pretty(list).unwrap_or_default() + "\n",
        };
        output::print(text.as_bytes())
    }
}

fn is_refused(item: &Item) -> bool {
    let explanation = &item.explanation;
    match explanation.gates.call {
        Call::Refused => true,
        Call::NotCalled => false,
        Call::Called | Call::Unknown => explanation.verdict == Verdict::Denied,
    }
}

/// Everything that explanations are made from.
struct Explaining {
    catalog: Arc<Catalog>,
    settings: Settings,
    registration: Registration,
    sources: Vec<Source>,
    cluster: Option<Cluster>,
}

impl Explaining {
    fn item(&mut self, about: &ExplainSubject) -> Result<Item, ExplainError> {
        let mut explanation = self.explain(about)?;
        let namespace = explanation.namespace.clone();
        if let Some(cluster) = &mut self.cluster
            && !explanation.references.is_empty()
        {
            for needed in &explanation.references {
                cluster.exists(&namespace, needed.kind, &needed.name);
            }
            let missing = cluster.missing(&namespace);
            if !missing.is_empty() {
                let mut known = self.settings.namespaces.get(&namespace).into_owned();
                known.missing = missing;
                self.settings.namespaces.insert(&namespace, known);
                explanation = self.explain(about)?;
            }
        }
        self.tell_existence(&namespace, &mut explanation);
        Ok(Item::new(about, explanation))
    }

    fn explain(&self, about: &ExplainSubject) -> Result<Explanation, ExplainError> {
        let engine = Engine::new(Arc::clone(&self.catalog), Arc::new(self.settings.clone()));
        let explained = engine.explain(&about.question(), &self.registration, &self.sources);
        explained.map_err(|message| ExplainError::BadRequest {
            name: about.source.clone(),
            message,
        })
    }

    fn tell_existence(&mut self, namespace: &str, explanation: &mut Explanation) {
        for needed in &mut explanation.references {
            needed.exists = match &mut self.cluster {
                Some(cluster) => cluster.exists(namespace, needed.kind, &needed.name),
                None => Existence::NotAsked,
            };
        }
    }
}

#[cfg(test)]
mod tests;
