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
/// read or does not compile is noted, and what a name stands for then is not known.
pub(super) fn read(cluster: &mut Cluster, namespaces: &BTreeSet<&str>) -> Catalog {
    let mut listed = vec![listed(cluster, None)];
    for namespace in namespaces {
        listed.push(self::listed(cluster, Some(namespace)));
    }
    let listed = listed.iter().map(|(plural, read)| (*plural, read));
    let (catalog, notes) = catalog(listed);
    for note in notes {
        cluster.note(note);
    }
    catalog
}

/// One list of templates with the plural name of their kind.
type Listed = (&'static str, Read<ObjectPage>);

fn listed(cluster: &Cluster, namespace: Option<&str>) -> Listed {
    let resource = match namespace {
        None => &CLUSTER_TEMPLATES,
        Some(_) => &NAMESPACED_TEMPLATES,
    };
    let read = cluster.ask(async |reader| reader.list(resource, namespace, "").await);
    (resource.plural, read)
}

/// The templates of these lists, each with the plural name of its kind, and what is to be told of those that
/// are not known.
pub(in crate::cli) fn catalog<'r>(
    listed: impl IntoIterator<Item = (&'static str, &'r Read<ObjectPage>)>,
) -> (Catalog, Vec<String>) {
    let (mut entries, mut notes, mut unread) = (Vec::new(), Vec::new(), None);
    for (plural, read) in listed {
        match read {
            Read::Found(ObjectPage { items, more }) => {
                entries.extend(items.iter().map(entry));
                if *more {
                    let note = format!("there are more {plural} than were read");
                    unread.get_or_insert_with(|| note.clone());
                    notes.push(note);
                }
            }
            // A cluster without the kinds has no templates.
            Read::Missing => {}
            Read::Unknown(why) => {
                let why = format!("the {plural} of the cluster could not be read: {why}");
                notes.push(format!(
                    "{why}; only other templates are explained. To know them you need: list {plural}"
                ));
                unread.get_or_insert(why);
            }
        }
    }
    notes.extend(entries.iter().filter_map(note_of_broken));
    (Catalog::of_entries(entries).with_unread(unread), notes)
}

fn note_of_broken(entry: &CatalogEntry) -> Option<String> {
    let (error, path) = (entry.error.as_ref()?, &entry.path);
    let serves = match &entry.earlier {
        Some(revision) => {
            format!("its earlier revision {revision} is served, and is not explained")
        }
        None => "no earlier revision is served".to_owned(),
    };
    Some(format!(
        "the newest text of {path} does not compile, {serves}: {error}"
    ))
}

/// A template as it is stored. Of an earlier revision that serves only the name is in its status.
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
    let earlier = Some(text("/status/servedRevision"));
    CatalogEntry {
        path: object_path(&namespace, &name),
        namespace,
        name,
        earlier: earlier.filter(|revision| template.is_none() && !revision.is_empty()),
        template,
        mandatory: compiled.mandatory,
        error,
    }
}

#[cfg(test)]
mod tests;
