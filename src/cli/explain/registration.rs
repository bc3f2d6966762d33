//! Where the API server's gates are read: files, the cluster, or what is shipped.

use std::path::PathBuf;

use anyhow::{Context as _, bail};

use super::super::cluster::Cluster;
use super::super::manifest::Manifest;
use super::super::streams::Streams;
use crate::cluster::Read;
use crate::explain::Registration;
use crate::explain::gates::leads_to_us;
use crate::kubernetes::webhook_configuration::{MUTATING, VALIDATING, WebhookConfiguration};

/// What a user installs.
const SHIPPED: &str = include_str!("../../../deploy/kustomize/base/mutating-webhook.yaml");

/// The configurations that lead to Pillion.
pub(super) fn find(
    files: &[PathBuf],
    cluster: Option<&Cluster>,
    streams: &mut Streams<'_>,
) -> anyhow::Result<Registration> {
    if !files.is_empty() {
        return of_files(files, streams);
    }
    match cluster {
        Some(cluster) => Ok(of_cluster(cluster)),
        None => shipped(),
    }
}

/// The configurations that a user installs.
pub(in crate::cli) fn shipped() -> anyhow::Result<Registration> {
    let name = "deploy/kustomize/base/mutating-webhook.yaml";
    of_manifests(
        &[Manifest::parse(name.to_owned(), None, SHIPPED)?],
        format!("the shipped {name}"),
    )
}

fn of_files(files: &[PathBuf], streams: &mut Streams<'_>) -> anyhow::Result<Registration> {
    let names: Vec<_> = files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    of_manifests(&Manifest::read(files, streams)?, names.join(", "))
}

fn of_manifests(manifests: &[Manifest], from: String) -> anyhow::Result<Registration> {
    let mut configurations = Vec::new();
    for manifest in manifests {
        let documents = manifest.documents.iter();
        for document in documents.filter(|document| !document.is_empty()) {
            let name = &manifest.name;
            let read = WebhookConfiguration::read(&document.value)
                .with_context(|| format!("--webhook-manifest {name}"))?;
            if !read.is_mutating {
                bail!("--webhook-manifest {name}: expected kind {MUTATING}, found {VALIDATING}");
            }
            configurations.push(read);
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
    let configurations = match cluster.webhook_configurations() {
        Read::Found(documents) => Ok(documents
            .iter()
            .filter_map(|document| WebhookConfiguration::read(document).ok())
            .filter(leads_to_us)
            .collect()),
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
