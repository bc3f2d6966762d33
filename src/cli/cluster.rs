//! The cluster of the caller's kubeconfig, for commands that look something up.
//!
//! Commands run from top to bottom, so the reads are made one after another on a small runtime of
//! their own. What may not be read is told and is no failure.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context as _;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use crate::check::references::{Missing, ReferenceKind};
use crate::cluster::{ClusterReader, Connection, KubeconfigOptions, Named, ObjectName, Read};
use crate::explain::Existence;

/// Which cluster.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct ClusterArguments {
    /// The kubeconfig [default: as kubectl finds it]
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,

    /// The context of the kubeconfig [default: the current one]
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Option<String>,
}

/// A cluster to look things up in.
pub(crate) struct Cluster {
    runtime: Runtime,
    reader: ClusterReader,
    /// The namespace of the context.
    pub(crate) namespace: String,
    asked: BTreeMap<(String, ReferenceKind, String), Existence>,
    /// What could not be read, and why, each once.
    pub(crate) notes: Vec<String>,
}

impl ClusterArguments {
    /// Whether a cluster is named.
    pub(crate) fn is_given(&self) -> bool {
        self.kubeconfig.is_some() || self.context.is_some()
    }

    pub(crate) fn open(&self) -> anyhow::Result<Cluster> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .context("failed to start a runtime for the cluster's client")?;
        let options = KubeconfigOptions {
            file: self.kubeconfig.clone(),
            context: self.context.clone(),
        };
        let connection = runtime.block_on(Connection::open(&options))?;
        Ok(Cluster {
            namespace: connection.namespace().to_owned(),
            reader: ClusterReader::new(connection),
            runtime,
            asked: BTreeMap::new(),
            notes: Vec::new(),
        })
    }
}

impl Cluster {
    /// The API server's address, for messages.
    pub(crate) fn server(&self) -> &str {
        self.reader.server()
    }

    /// Asks the cluster several things at once.
    pub(crate) fn ask<T>(&self, question: impl AsyncFnOnce(&ClusterReader) -> T) -> T {
        self.runtime.block_on(question(&self.reader))
    }

    /// An object that is a pod or makes pods.
    pub(crate) fn object(&self, object: &ObjectName, namespace: &str) -> Read<Value> {
        self.runtime.block_on(self.reader.object(object, namespace))
    }

    /// A Namespace; `None` where it cannot be read, which is noted.
    pub(crate) fn namespace(&mut self, name: &str) -> Option<Value> {
        match self.runtime.block_on(self.reader.namespace(name)) {
            Read::Found(namespace) => Some(namespace),
            Read::Missing => {
                self.note(format!("the namespace `{name}` does not exist"));
                None
            }
            Read::Unknown(why) => {
                self.note(format!(
                    "the labels and annotations of the namespace `{name}` are not known: {why}"
                ));
                None
            }
        }
    }

    /// The minor version of the API server's Kubernetes 1.x; `None` where it cannot be read, which is noted.
    pub(crate) fn kubernetes_minor(&mut self) -> Option<u32> {
        let why = match self.runtime.block_on(self.reader.version()) {
            Read::Found(version) => match minor(&version) {
                Some(minor) => return Some(minor),
                None => format!("it is {version}"),
            },
            Read::Missing => "the API server has no /version".to_owned(),
            Read::Unknown(why) => why,
        };
        self.note(format!(
            "the cluster's version is not known, which --kubernetes-version says too: {why}"
        ));
        None
    }

    /// All MutatingWebhookConfigurations.
    pub(crate) fn webhook_configurations(&self) -> Read<Vec<Value>> {
        self.runtime.block_on(self.reader.webhook_configurations())
    }

    /// Whether an object exists; what cannot be read is noted.
    pub(crate) fn exists(&mut self, namespace: &str, kind: ReferenceKind, name: &str) -> Existence {
        let key = (namespace.to_owned(), kind, name.to_owned());
        if let Some(known) = self.asked.get(&key) {
            return *known;
        }
        let named = match kind {
            ReferenceKind::Secret => Named::Secret,
            ReferenceKind::ConfigMap => Named::ConfigMap,
            ReferenceKind::ServiceAccount => Named::ServiceAccount,
        };
        let read = self
            .runtime
            .block_on(self.reader.exists(named, namespace, name));
        let existence = match read {
            Read::Found(()) => Existence::Found,
            Read::Missing => Existence::Missing,
            Read::Unknown(why) => {
                self.note(format!(
                    "whether the {kind} `{name}` exists is not known: {why}"
                ));
                Existence::Unknown
            }
        };
        self.asked.insert(key, existence);
        existence
    }

    /// The names of a namespace that were asked for and do not exist.
    pub(crate) fn missing(&self, namespace: &str) -> Missing {
        let asked = self.asked.iter();
        asked
            .filter(|((of, _, _), existence)| of == namespace && **existence == Existence::Missing)
            .map(|((_, kind, name), _)| (*kind, name.clone()))
            .collect()
    }

    /// Keeps what is to be told of a read that failed.
    pub(crate) fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}

/// The minor version in what `/version` answers. Managed clusters say `31+`.
pub(crate) fn minor(version: &Value) -> Option<u32> {
    let text = version.get("minor")?.as_str()?;
    text.trim_end_matches('+').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_minor_version_of_managed_clusters_is_read_too() {
        for (text, expected) in [("37", Some(37)), ("31+", Some(31)), ("", None)] {
            assert_eq!(minor(&json!({"minor": text})), expected);
        }
        assert_eq!(minor(&json!({})), None);
    }
}
