//! The templates of the cluster that is asked. They serve before those of files and of the program, as
//! they do in the webhook.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use crate::cli::cluster::Cluster;
use crate::cluster::{CLUSTER_TEMPLATES, NAMESPACED_TEMPLATES, ObjectPage, Read};
use crate::template::compile::{compile_object, object_path};
use crate::template::{Catalog, CatalogEntry};

/// Reads and compiles the templates for the whole cluster and those of these namespaces. What cannot be
/// read or does not compile is noted.
pub(super) fn read(cluster: &mut Cluster, namespaces: &BTreeSet<&str>) -> Catalog {
    let mut objects = listed(cluster, None);
    for namespace in namespaces {
        objects.extend(listed(cluster, Some(namespace)));
    }
    let entries: Vec<_> = objects.iter().map(entry).collect();
    for entry in &entries {
        if let Some(error) = &entry.error {
            cluster.note(format!(
                "the newest text of a template does not compile, and an earlier revision may be served: \
                 {error}"
            ));
        }
    }
    Catalog::of_entries(entries)
}

fn listed(cluster: &mut Cluster, namespace: Option<&str>) -> Vec<Value> {
    let resource = match namespace {
        None => &CLUSTER_TEMPLATES,
        Some(_) => &NAMESPACED_TEMPLATES,
    };
    let why = match cluster.ask(async |reader| reader.list(resource, namespace, "").await) {
        Read::Found(ObjectPage { items, more: false }) => return items,
        Read::Found(ObjectPage { items, more: true }) => {
            cluster.note(format!("there are more {} than were read", resource.plural));
            return items;
        }
        // A cluster without the kinds has no templates.
        Read::Missing => return Vec::new(),
        Read::Unknown(why) => why,
    };
    cluster.note(format!(
        "the {} of the cluster are not known, so that only other templates are explained: {why}",
        resource.plural
    ));
    Vec::new()
}

fn entry(object: &Value) -> CatalogEntry {
    let text = |pointer: &str| {
        let value = object.pointer(pointer).and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    let (namespace, name) = (text("/metadata/namespace"), text("/metadata/name"));
    let compiled = compile_object(&namespace, &name, object.get("spec"));
    let (template, error) = match compiled.result {
        Ok(template) => (Some(Arc::from(template)), None),
        Err(errors) => (None, errors.first().map(ToString::to_string)),
    };
    CatalogEntry {
        path: object_path(&namespace, &name),
        namespace,
        name,
        template,
        mandatory: compiled.mandatory,
        error,
    }
}
