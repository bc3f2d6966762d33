//! Where the API server's gates are read: files, the cluster, or what is shipped.

use std::path::PathBuf;

use serde_json::Value;

use super::super::cluster::Cluster;
use super::super::manifest::{Manifest, ManifestError};
use crate::cluster::Read;
use crate::explain::Registration;
use crate::explain::gates::{Configuration, ConfigurationError};

/// What a user installs.
const SHIPPED: &str = include_str!("../../../deploy/kustomize/base/mutating-webhook.yaml");

/// Why a webhook configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RegistrationError {
    /// A file could not be read.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A document of it is something else.
    #[error("--webhook-configuration {name}")]
    Configuration {
        /// The file.
        name: String,
        /// What is wrong.
        source: ConfigurationError,
    },
}

/// The configurations that lead to Pillion.
pub(super) fn find(
    files: &[PathBuf],
    cluster: Option<&Cluster>,
) -> Result<Registration, RegistrationError> {
    if !files.is_empty() {
        return of_files(files);
    }
    match cluster {
        Some(cluster) => Ok(of_cluster(cluster)),
        None => of_manifests(
            &[Manifest::parse(
                "deploy/kustomize/base/mutating-webhook.yaml".to_owned(),
                None,
                SHIPPED,
            )?],
            "the shipped deploy/kustomize/base/mutating-webhook.yaml".to_owned(),
        ),
    }
}

fn of_files(files: &[PathBuf]) -> Result<Registration, RegistrationError> {
    let names: Vec<_> = files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    of_manifests(&Manifest::read(files)?, names.join(", "))
}

fn of_manifests(manifests: &[Manifest], from: String) -> Result<Registration, RegistrationError> {
    let mut configurations = Vec::new();
    for manifest in manifests {
        let documents = manifest.documents.iter();
        for document in documents.filter(|document| !document.is_empty()) {
            let read = Configuration::read(&document.value);
            configurations.push(read.map_err(|source| RegistrationError::Configuration {
                name: manifest.name.clone(),
                source,
            })?);
        }
    }
    Ok(Registration {
        from,
        configurations: Ok(configurations),
    })
}

/// Those of the cluster that name Pillion. One that cannot be read is somebody else's: ours has
/// nothing in it that is not read here.
fn of_cluster(cluster: &Cluster) -> Registration {
    let ours = |document: &Value| {
        let configuration = Configuration::read(document).ok()?;
        (!configuration.is_empty()).then_some(configuration)
    };
    let configurations = match cluster.webhook_configurations() {
        Read::Found(documents) => Ok(documents.iter().filter_map(ours).collect()),
        Read::Missing => Ok(Vec::new()),
        Read::Unknown(why) => Err(format!(
            "the cluster's webhook configurations cannot be read, so whether the API server calls \
             Pillion is not known: {why}"
        )),
    };
    Registration {
        from: "the cluster's webhook configurations".to_owned(),
        configurations,
    }
}
