//! `pillion explain`: why a pod is, or is not, injected.
//!
//! A pod comes from a manifest, from an AdmissionReview, or from the cluster. The engine decides as
//! the webhook would and says how; what only the cluster knows (its webhook configurations, the
//! namespace, whether a Secret exists) is read with the caller's own rights.

pub(super) mod cluster_templates;
mod list;
pub(super) mod registration;
pub(super) mod subjects;
mod text;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{anyhow, bail};

use super::Status;
use super::cluster::{Cluster, ClusterArguments};
use super::engine_options::EngineOptions;
use super::flag_values::PodPathFlag;
use super::inject::{add_namespace, add_namespaces};
use super::streams::Streams;
use crate::explain::gates::Call;
use crate::explain::{Existence, Explanation, Registration};
use crate::inject::{Engine, Settings, Verdict};
use crate::template::{Catalog, Source, built_in};
use list::{ExplanationList, Item};
use subjects::{ExplainSubject, Subjects};

/// Explain why a pod is, or is not, injected, and with what.
///
/// Shown are the API server's own gates, every rule of the selection, and for each template who
/// asks for it, its parameters, conditions and every field that it adds with the line of the
/// template. The exit status is 1 where a pod is refused.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n\
    \x20 pillion explain -f app.yaml --brief\n\
    \x20 pillion explain deployment/web -n shop\n\
    \x20 pillion explain pod.yaml -o json")]
pub(crate) struct Explain {
    /// A manifest or an AdmissionReview, - for standard input, or an object of the cluster such as
    /// pod/NAME or deployment/NAME
    #[arg(value_name = "FILE|-|KIND/NAME", default_value = "-")]
    target: String,

    /// The manifest or AdmissionReview, given as to other commands: `-f FILE` is `FILE`
    #[arg(
        short = 'f',
        long = "filename",
        value_name = "FILE|-",
        conflicts_with = "target"
    )]
    filename: Option<String>,

    /// Namespace of objects that name none, and of an object of the cluster [default: that of the
    /// context, else `default`]
    #[arg(short, long, value_name = "NAME")]
    namespace: Option<String>,

    /// Show only what happens, why and what to do
    #[arg(long, conflicts_with = "output")]
    brief: bool,

    /// How to write the explanation
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value = "text")]
    output: Format,

    /// Judge the API server's gates by these webhook configurations (repeatable); without it by
    /// those of the cluster, where one is asked, else by the one that is shipped
    #[arg(
        long,
        alias = "webhook-configuration",
        value_name = "FILE",
        env = "PILLION_WEBHOOK_MANIFEST",
        value_delimiter = ','
    )]
    webhook_manifest: Vec<PathBuf>,

    #[command(flatten)]
    pod_paths: PodPathFlag,

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

/// What is not looked up in a cluster, though the server there decides by it.
const SERVER_CONFIGURATION: &str = "the server's own configuration (catalog, parameters, registry, findings) is \
    not read: where it has one, give it with --config";

impl Explain {
    /// `is_configured` is whether a configuration file was given.
    pub(super) fn run(
        &self,
        is_configured: bool,
        streams: &mut Streams<'_>,
    ) -> anyhow::Result<Status> {
        let (mut subjects, mut cluster) = self.subjects(streams)?;
        let catalog = self.catalog(&subjects, cluster.as_mut(), streams)?;
        let mut sources = self.engine.sources()?.unwrap_or_default();
        if self.engine.has_built_in() {
            sources.extend(built_in::sources());
        }
        let mut settings = self.engine.settings()?;
        add_namespaces(&mut settings, &mut subjects.manifests, &subjects.namespace);
        if let Some(cluster) = &mut cluster {
            if !self.engine.has_kubernetes_version()
                && let Some(minor) = cluster.kubernetes_minor()
            {
                settings.kubernetes_minor = minor;
            }
            if !is_configured {
                cluster.note(SERVER_CONFIGURATION.to_owned());
            }
            subjects.add_namespaces(&mut settings, cluster);
        }
        let registration = registration::find(&self.webhook_manifest, cluster.as_ref(), streams)?;
        let mut explaining = Explaining {
            catalog,
            settings,
            registration,
            sources,
            cluster,
        };
        let items = subjects
            .about
            .iter()
            .map(|about| explaining.item(about))
            .collect::<Result<Vec<_>, _>>()?;
        let notes = explaining.cluster.map(|cluster| cluster.notes);
        let list = ExplanationList::new(items, notes.unwrap_or_default());
        streams.print(match self.output {
            Format::Text if self.brief => text::brief(&list, streams.out()),
            Format::Text => text::text(&list, streams.out()),
            Format::Json => serde_json::to_string_pretty(&list)? + "\n",
        })?;
        Ok(Status::refused_if(list.items.iter().any(is_refused)))
    }

    /// The templates: those of the cluster, where one is asked, before those of the flags.
    fn catalog(
        &self,
        subjects: &Subjects,
        cluster: Option<&mut Cluster>,
        streams: &mut Streams<'_>,
    ) -> anyhow::Result<Arc<Catalog>> {
        let Some(cluster) = cluster else {
            return Ok(Arc::new(self.engine.load_catalog_with(&[], streams)?));
        };
        let own = self.engine.load_catalog(streams)?;
        let stored = cluster_templates::read(cluster, &subjects.namespaces());
        if !self.engine.has_only_built_in() {
            for name in own.all_names().filter(|name| stored.serves(name)) {
                cluster.note(format!(
                    "the template `{name}` of the cluster is explained, as in the webhook, and not that of \
                     --templates"
                ));
            }
        }
        let catalog = Catalog::layered([&stored, &own]);
        match self.engine.unknown_templates(&[], &catalog).first() {
            Some(unknown) => bail!("{unknown}"),
            None => Ok(Arc::new(catalog)),
        }
    }

    /// What is asked about, and the cluster where it, or a flag, asks for one.
    fn subjects(&self, streams: &mut Streams<'_>) -> anyhow::Result<(Subjects, Option<Cluster>)> {
        let namespace = self.namespace.as_deref();
        let target = self.filename.as_ref().unwrap_or(&self.target);
        if target == "-" && streams.is_typed() {
            bail!(
                "nothing to explain: name a file or an object such as pod/NAME, or send a \
                 manifest to standard input"
            );
        }
        if let Some(object) = subjects::object(target).filter(|_| self.filename.is_none()) {
            let cluster = self.cluster.open()?;
            let subjects = Subjects::of_cluster(&object, namespace, &self.pod_paths, &cluster)?;
            return Ok((subjects, Some(cluster)));
        }
        let cluster = if self.cluster.is_given() {
            Some(self.cluster.open()?)
        } else {
            None
        };
        let of_context = cluster.as_ref().map(|cluster| cluster.namespace.as_str());
        let namespace = namespace.or(of_context).unwrap_or("default");
        let subjects = Subjects::of_file(target, self.pod_paths.scope(namespace), streams)?;
        Ok((subjects, cluster))
    }
}

fn is_refused(item: &Item) -> bool {
    let explanation = &item.explanation;
    match explanation.gates.call {
        Call::Refused => true,
        Call::NotCalled => false,
        Call::Called | Call::Unknown => explanation.verdict == Some(Verdict::Denied),
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
    fn item(&mut self, about: &ExplainSubject) -> anyhow::Result<Item> {
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
        let served: Vec<_> = self.catalog.names(&namespace).collect();
        Ok(Item::new(about, explanation, &served))
    }

    fn explain(&self, about: &ExplainSubject) -> anyhow::Result<Explanation> {
        let engine = Engine::new(Arc::clone(&self.catalog), Arc::new(self.settings.clone()));
        let explained = engine.explain(&about.question(), &self.registration, &self.sources);
        let mut explanation = explained.map_err(|message| {
            let name = &about.source;
            anyhow!("{name}: the server would answer 400 Bad Request: {message}")
        })?;
        about.refuse_fault(&mut explanation);
        Ok(explanation)
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
