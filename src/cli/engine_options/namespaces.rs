//! Namespaces from manifests, for engines without a cluster.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, bail};
use serde::Deserialize;
use serde_json::Value;

use super::sources::{find, is_directory, read_text};
use crate::check::resources::{LimitRange, Quota};
use crate::inject::{Namespace, Namespaces};
use crate::kubernetes::object::list_at;

/// The kinds of objects in a namespace that decide about its pods.
const CONSTRAINTS: [&str; 3] = ["LimitRange", "ResourceQuota", "ServiceAccount"];

/// What is read of a document; one of another kind is passed over, whatever else is in it.
#[derive(Debug, Deserialize)]
struct Document {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    metadata: Option<Metadata>,
    #[serde(default)]
    items: Option<Vec<Self>>,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    #[serde(default)]
    name: String,
    #[serde(default)]
    labels: Option<BTreeMap<String, Option<String>>>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, Option<String>>>,
}

/// Adds the namespaces of a file, or of all YAML files below a directory.
pub(super) fn read(path: &Path, namespaces: &mut Namespaces) -> anyhow::Result<()> {
    if is_directory(path)? {
        let mut paths = Vec::new();
        find(path, 0, &mut paths)?;
        paths.sort();
        for path in paths {
            read_file(&path, namespaces)?;
        }
        return Ok(());
    }
    if read_file(path, namespaces)? == 0 {
        bail!(
            "--namespace-manifest {}: holds no object of kind Namespace",
            path.display()
        );
    }
    Ok(())
}

/// Adds a file's namespaces and returns how many there were.
fn read_file(path: &Path, namespaces: &mut Namespaces) -> anyhow::Result<usize> {
    let text = read_text(path)?;
    let wrong = || format!("{}: not a manifest of namespaces", path.display());
    let documents: Vec<Document> = serde_saphyr::from_multiple(&text).with_context(wrong)?;
    let mut count = add(documents, namespaces);
    if CONSTRAINTS.iter().any(|kind| text.contains(kind)) {
        let objects: Vec<Value> = serde_saphyr::from_multiple(&text).with_context(wrong)?;
        for object in &objects {
            count += constrain(object, namespaces);
        }
    }
    Ok(count)
}

/// Adds what constrains pods to its namespace, of objects of other kinds nothing, and
/// returns how many there were.
fn constrain(object: &Value, namespaces: &mut Namespaces) -> usize {
    let in_list: usize = list_at(object, "/items")
        .iter()
        .map(|item| constrain(item, namespaces))
        .sum();
    in_list + usize::from(constrain_one(object, "default", namespaces))
}

/// Adds a LimitRange, a ResourceQuota or a ServiceAccount with pull secrets to its namespace, or to
/// this one if it names none, unless one of its name is known there. Returns whether it is one.
pub(in crate::cli) fn constrain_one(
    object: &Value,
    otherwise: &str,
    namespaces: &mut Namespaces,
) -> bool {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    if text("/apiVersion").is_some_and(|version| version != "v1") {
        return false;
    }
    let name = text("/metadata/namespace")
        .filter(|name| !name.is_empty())
        .unwrap_or(otherwise);
    let mut namespace = namespaces.get(name).into_owned();
    match text("/kind") {
        Some("LimitRange") => {
            let read = LimitRange::read(object);
            let known = &mut namespace.limit_ranges;
            if known.iter().all(|known| known.name != read.name) {
                known.push(read);
            }
        }
        Some("ResourceQuota") => {
            let read = Quota::read(object);
            let known = &mut namespace.quotas;
            if known.iter().all(|known| known.name != read.name) {
                known.push(read);
            }
        }
        Some("ServiceAccount") => {
            let secrets = object.get("imagePullSecrets").and_then(Value::as_array);
            if let (Some(false), Some(account)) =
                (secrets.map(Vec::is_empty), text("/metadata/name"))
            {
                namespace.pulling_accounts.insert(account.to_owned());
            }
        }
        _ => return false,
    }
    namespaces.insert(name, namespace);
    true
}

fn add(documents: Vec<Document>, namespaces: &mut Namespaces) -> usize {
    let mut count = 0;
    for document in documents {
        match (document.kind.as_str(), document.metadata) {
            ("Namespace", Some(metadata)) => {
                // What constrains it may have been read before, from another file.
                let namespace = Namespace {
                    labels: texts(metadata.labels),
                    annotations: texts(metadata.annotations),
                    is_listed: true,
                    ..namespaces.get(&metadata.name).into_owned()
                };
                namespaces.insert(&metadata.name, namespace);
                count += 1;
            }
            (kind, _) if kind.ends_with("List") => {
                count += add(document.items.unwrap_or_default(), namespaces);
            }
            _ => {}
        }
    }
    count
}

/// Kubernetes reads an empty value, `key:` in YAML, as an empty text.
fn texts(values: Option<BTreeMap<String, Option<String>>>) -> BTreeMap<String, String> {
    values
        .unwrap_or_default()
        .into_iter()
        .map(|(key, value)| (key, value.unwrap_or_default()))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const MANIFESTS: &str = "
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels: {pillion.dev/injection: enabled, pillion.dev/mandatory: }
  annotations:
    pillion.dev/inject: log-shipper
    example.org/on: \"yes\"
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {replicas: 1}
---
kind: List
items:
- kind: Namespace
  metadata: {name: other}
---
kind: LimitRange
metadata: {name: sizes, namespace: shop}
spec: {limits: [{type: Container, max: {memory: 1Gi}}]}
---
kind: ResourceQuota
metadata: {name: budget}
spec: {hard: {pods: 4}}
---
kind: ServiceAccount
metadata: {name: puller, namespace: shop}
imagePullSecrets: [{name: registry}]
---
kind: ServiceAccount
metadata: {name: plain, namespace: shop}
";

    #[test]
    fn namespaces_are_found_among_other_objects_and_in_lists() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("all.yaml");
        fs::write(&file, MANIFESTS).unwrap();
        let mut namespaces = Namespaces::default();
        read(&file, &mut namespaces).unwrap();
        let shop = namespaces.get("shop");
        assert_eq!(shop.labels["pillion.dev/injection"], "enabled");
        assert_eq!(shop.labels["pillion.dev/mandatory"], "");
        assert_eq!(shop.limit_ranges[0].name, "sizes");
        assert!(shop.pulling_accounts.iter().eq(["puller"]));
        assert_eq!(namespaces.get("default").quotas[0].name, "budget");
        assert_eq!(shop.labels["kubernetes.io/metadata.name"], "shop");
        assert_eq!(shop.annotations["pillion.dev/inject"], "log-shipper");
        assert_eq!(shop.annotations["example.org/on"], "yes");

        let mut from_directory = Namespaces::default();
        read(root.path(), &mut from_directory).unwrap();
        assert_eq!(from_directory, namespaces);

        let (limits, namespace) = (root.path().join("a.yaml"), root.path().join("b.yaml"));
        let text = "kind: LimitRange\nmetadata: {name: sizes, namespace: bank}\n";
        fs::write(&limits, text).unwrap();
        fs::write(&namespace, "kind: Namespace\nmetadata: {name: bank}\n").unwrap();
        let mut in_turn = Namespaces::default();
        read(&limits, &mut in_turn).unwrap();
        read(&namespace, &mut in_turn).unwrap();
        assert_eq!(in_turn.get("bank").limit_ranges[0].name, "sizes");
    }

    #[test]
    fn a_file_without_namespaces_or_with_broken_yaml_is_told() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("x.yaml");
        for (text, expected) in [
            (
                "kind: Pod\nmetadata: {name: a}\n",
                "holds no object of kind Namespace",
            ),
            ("kind: [", "not a manifest of namespaces"),
        ] {
            fs::write(&file, text).unwrap();
            let error = read(&file, &mut Namespaces::default()).unwrap_err();
            assert!(error.to_string().ends_with(expected), "{error}");
        }
    }
}
