//! What the fields of volumes ask of each other.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Problems, Step, certain, container, field, names, resources, scheduling, text};
use crate::kubernetes::object::ReadObject;

/// Checks what an object's fields ask of each other.
pub(super) fn check(problems: &mut Problems, definition: &str, fields: &dyn ReadObject) {
    match definition {
        "DownwardAPIVolumeFile" => downward_file(problems, fields),
        "EmptyDirVolumeSource" => empty_directory(problems, fields),
        "PersistentVolumeClaimVolumeSource" => claim(problems, fields),
        "PersistentVolumeClaimTemplate" => claim_template(problems, fields),
        "PersistentVolumeClaimSpec" => claim_spec(problems, fields),
        "CSIVolumeSource" => csi(problems, fields),
        "ProjectedVolumeSource" => projected(problems, fields),
        "PodCertificateProjection" => certificate(problems, fields),
        _ => {}
    }
}

fn downward_file(problems: &mut Problems, fields: &dyn ReadObject) {
    let path = fields
        .get("fieldRef")
        .and_then(|reference| reference.get("fieldPath"))
        .and_then(Value::as_str);
    if let Some(path) = path.filter(|path| !container::is_field_path(path, false)) {
        problems.at(
            [field("fieldRef"), field("fieldPath")],
            format!(
                "`{path}` cannot be read into a file; metadata.name, metadata.namespace, \
                 metadata.uid, metadata.labels and metadata.annotations can"
            ),
        );
    }
    let of_resource = fields.get("resourceFieldRef").and_then(Value::as_object);
    if of_resource
        .is_some_and(|of| !of.contains_key(super::WHEN) && is_absent(of.get("containerName")))
    {
        problems.at(
            [field("resourceFieldRef"), field("containerName")],
            "a file belongs to no container: name the one whose resource it shows",
        );
    }
}

/// Whether a text is surely missing.
fn is_absent(value: Option<&Value>) -> bool {
    value.is_none_or(|value| value.as_str().is_some_and(str::is_empty))
}

fn empty_directory(problems: &mut Problems, fields: &dyn ReadObject) {
    if let Some(medium) = text(fields, "medium") {
        let known = matches!(medium, "" | "Memory" | "HugePages");
        if !known && !medium.starts_with("HugePages-") {
            let message =
                format!("expected Memory, HugePages or HugePages-<size>, found `{medium}`");
            problems.at([field("medium")], message);
        }
    }
    let limit = fields.get("sizeLimit").and_then(resources::quantity);
    if limit.is_some_and(|limit| limit.sign() < 0) {
        problems.at([field("sizeLimit")], "a quantity must not be negative");
    }
}

fn claim(problems: &mut Problems, fields: &dyn ReadObject) {
    if let Some(name) = text(fields, "claimName").filter(|name| !names::is_subdomain(name)) {
        let message = format!("`{name}` is not the name of a PersistentVolumeClaim");
        problems.at([field("claimName")], message);
    }
}

/// Of a claim's metadata the API server takes labels and annotations alone.
fn claim_template(problems: &mut Problems, fields: &dyn ReadObject) {
    let Some(Value::Object(metadata)) = fields.get("metadata") else {
        return;
    };
    problems.below(field("metadata"), |problems| {
        scheduling::labels(problems, metadata, "labels");
        for name in metadata.keys() {
            if !matches!(name.as_str(), "labels" | "annotations" | super::WHEN) {
                problems.at(
                    [field(name)],
                    "a claim is given labels and annotations only",
                );
            }
        }
        let annotations = metadata.get("annotations").and_then(Value::as_object);
        for key in annotations.into_iter().flatten().map(|(key, _)| key) {
            // A key may have upper-case letters before its `/`, other than a label's.
            let wrong = names::not_a_key(&key.to_lowercase()).filter(|_| key != super::WHEN);
            if let Some(problem) = wrong {
                problems.at([field("annotations"), field(key)], problem);
            }
        }
    });
}

fn claim_spec(problems: &mut Problems, fields: &dyn ReadObject) {
    let modes = fields.get("accessModes").and_then(Value::as_array);
    if modes.is_some_and(Vec::is_empty) {
        problems.at([field("accessModes")], "one access mode at least is needed");
    }
    let alone = modes.is_some_and(|modes| modes.iter().any(|mode| mode == "ReadWriteOncePod"));
    let mut words = modes.into_iter().flatten().filter_map(Value::as_str);
    if alone && words.any(|mode| mode != "ReadWriteOncePod") {
        problems.at(
            [field("accessModes")],
            "`ReadWriteOncePod` excludes other access modes",
        );
    }
    let Some(Value::Object(resources)) = fields.get("resources") else {
        return;
    };
    if resources.contains_key(super::WHEN) {
        return;
    }
    let requests = resources.get("requests");
    let unknown = requests.is_some_and(|requests| !super::is_certain(requests));
    let storage = requests.and_then(|requests| requests.get("storage"));
    let zero = storage
        .and_then(resources::quantity)
        .is_some_and(|size| size.sign() <= 0);
    if !unknown && (storage.is_none() || zero) {
        problems.at(
            [field("resources")],
            "a claim needs `requests: {storage: …}` above zero",
        );
    }
}

fn csi(problems: &mut Problems, fields: &dyn ReadObject) {
    let secret = fields.get("nodePublishSecretRef");
    let name = secret
        .and_then(|secret| secret.get("name"))
        .and_then(Value::as_str)
        .filter(|name| !name.is_empty());
    if let Some(problem) = name.and_then(|name| names::Spelling::Object.problem(name)) {
        problems.at([field("nodePublishSecretRef"), field("name")], problem);
    }
}

/// Files of one volume have paths of their own.
fn projected(problems: &mut Problems, fields: &dyn ReadObject) {
    let mut seen = BTreeSet::new();
    for (index, source) in certain(fields, "sources") {
        let lists = ["configMap", "downwardAPI", "secret"];
        let paths = lists
            .into_iter()
            .filter_map(|kind| source.get(kind)?.as_object())
            .filter(|kind| !kind.contains_key(super::WHEN))
            .flat_map(|kind| certain(kind, "items"))
            .filter_map(|(_, item)| text(item, "path"));
        let single = source
            .get("clusterTrustBundle")
            .and_then(Value::as_object)
            .filter(|kind| !kind.contains_key(super::WHEN))
            .and_then(|bundle| text(bundle, "path"));
        for path in paths.chain(single).filter(|path| !path.is_empty()) {
            if !seen.insert(path) {
                let message = format!("another source has a file at `{path}` already");
                problems.at([field("sources"), Step::Index(index)], message);
            }
        }
    }
}

fn certificate(problems: &mut Problems, fields: &dyn ReadObject) {
    let paths = ["credentialBundlePath", "keyPath", "certificateChainPath"];
    if paths.iter().all(|name| is_absent(fields.get(name))) {
        problems.here(format!("one of {} is required here", paths.join(", ")));
    }
}
