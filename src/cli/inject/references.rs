//! `--check-references`: what helpers need, looked up in the cluster before anything is decided.

use std::collections::{BTreeMap, BTreeSet};

use super::super::cluster::Cluster;
use super::super::manifest::Manifest;
use super::super::manifest::kinds::{self, Scope};
use super::{claims, pod};
use crate::check::references::ReferenceKind;
use crate::inject::{Engine, RequestContext, Settings};

/// Names by namespace and kind.
pub(super) type ReferencedObjects = BTreeSet<(String, ReferenceKind, String)>;

/// Everything that the templates would make the pods of these manifests need.
pub(super) fn needed(
    manifests: &mut [Manifest],
    scope: Scope<'_>,
    engine: &Engine,
    annotations: &BTreeMap<String, String>,
) -> ReferencedObjects {
    let mut names = ReferencedObjects::new();
    for document in manifests.iter_mut().flat_map(|one| &mut one.documents) {
        kinds::each_object(&mut document.value, scope, |identity, object| {
            let Some(pointer) = identity.pod_pointer() else {
                return;
            };
            let subject = RequestContext {
                namespace: identity.namespace.clone(),
                annotations: annotations.clone(),
                ..RequestContext::default()
            };
            let claimed = claims::add(identity, object, pointer);
            let references = engine.references(&subject, &pod(object.pointer(pointer)));
            claims::remove(object, pointer, &claimed);
            names.extend(
                references
                    .into_iter()
                    .map(|reference| (identity.namespace.clone(), reference.kind, reference.name)),
            );
        });
    }
    names
}

/// Notes in the settings which of the names do not exist.
pub(super) fn look_up(names: &ReferencedObjects, cluster: &mut Cluster, settings: &mut Settings) {
    for (namespace, kind, name) in names {
        cluster.exists(namespace, *kind, name);
    }
    let namespaces: BTreeSet<_> = names.iter().map(|(namespace, _, _)| namespace).collect();
    for namespace in namespaces {
        let mut known = settings.namespaces.get(namespace).into_owned();
        known.missing = cluster.missing(namespace);
        settings.namespaces.insert(namespace, known);
    }
}
