//! A workload, read as far as its controller reads it to make a pod.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use crate::inject::misplaced_keys::{KeysOfObject, is_ours, misplaced_keys};
use crate::kubernetes::workload::{WorkloadKind, claim_volumes, claims_pointer};
use crate::review::{Json, Text};

/// A workload. It prints as kind and name.
#[derive(Debug)]
pub(in crate::inject) struct Workload<'a> {
    pub(super) kind: &'static WorkloadKind,
    /// Whether another object's controller made it, as a Deployment's makes a `ReplicaSet`.
    pub(super) is_made_by_a_controller: bool,
    name: String,
    object: Json<'a>,
    template: Json<'a>,
    /// A `StatefulSet`'s claims, each of which becomes a volume of the pod.
    claims: Option<Json<'a>>,
}

impl fmt::Display for Workload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.kind, self.name)
    }
}

/// What is needed of the workload's own metadata.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    generate_name: Option<Text<'a>>,
    #[serde(default)]
    owner_references: Option<Vec<Owner>>,
}

#[derive(Deserialize)]
struct Owner {
    #[serde(default)]
    controller: Option<bool>,
}

impl<'a> Workload<'a> {
    /// Reads an object of this kind; `None` where it has no pod template, or is something else.
    pub(super) fn read(kind: &'static WorkloadKind, object: Json<'a>) -> Option<Self> {
        let metadata: Metadata<'_> = match below(object, "/metadata") {
            Some(metadata) => Metadata::deserialize(metadata).ok()?,
            None => Metadata::default(),
        };
        let owners = metadata.owner_references.unwrap_or_default();
        let name = metadata.name.or(metadata.generate_name);
        Some(Self {
            kind,
            is_made_by_a_controller: owners.iter().any(|owner| owner.controller == Some(true)),
            name: name.map_or(String::new(), |name| name.as_str().to_owned()),
            object,
            template: below(object, kind.pod_pointer)?,
            claims: claims_pointer(kind.group, kind.kind, kind.pod_pointer)
                .and_then(|claims| below(object, &claims)),
        })
    }

    /// Whether there is nothing to say that was not said about `before`: it makes the same pods, and
    /// nobody put an annotation of ours on it.
    pub(super) fn is_as(&self, before: &Self) -> bool {
        same(Some(self.template), Some(before.template))
            && same(self.claims, before.claims)
            && self
                .annotations_of_ours()
                .is_subset(&before.annotations_of_ours())
    }

    fn annotations_of_ours(&self) -> BTreeSet<String> {
        let annotations = below(self.object, "/metadata/annotations").map(Json::to_value);
        match annotations {
            Some(Value::Object(annotations)) => {
                let keys = annotations.into_iter().map(|(key, _)| key);
                keys.filter(|key| is_ours(key)).collect()
            }
            _ => BTreeSet::new(),
        }
    }

    /// Whether its pods carry this annotation.
    pub(super) fn has_annotation(&self, key: &str) -> bool {
        below(self.template, "/metadata/annotations")
            .is_some_and(|annotations| annotations.get(key).is_some())
    }

    /// Its labels and annotations, and its pods', that do nothing where they are. `applied` are the
    /// templates that were selected for its pods; `None` where these are refused. `served` are
    /// those that its namespace can ask for.
    pub(super) fn misplaced(
        &self,
        applied: Option<&BTreeSet<&str>>,
        served: &[&str],
    ) -> Vec<String> {
        let keys_of = KeysOfObject {
            kind: self.kind.kind,
            object: &keys(self.object),
            pointer: self.kind.pod_pointer,
            pod: &keys(self.template),
        };
        misplaced_keys(keys_of, applied, served)
    }

    /// The pod that the controller would make, as JSON. Of the template's metadata it takes labels
    /// and annotations, as controllers do (`kubernetes:pkg/controller/controller_utils.go`,
    /// `GetPodFromTemplate`).
    pub(super) fn pod(&self) -> Option<String> {
        let (api_version, kind) = self.kind.owner?;
        let pod = Pod {
            metadata: PodMetadata {
                generate_name: format!("{}-", self.name),
                labels: below(self.template, "/metadata/labels").and_then(as_written),
                annotations: below(self.template, "/metadata/annotations").and_then(as_written),
                owner_references: [PodOwner {
                    api_version,
                    kind,
                    // The names of what a controller makes between are not known before.
                    name: (kind == self.kind.kind).then_some(self.name.as_str()),
                }],
            },
            spec: self.spec()?,
        };
        serde_json::to_string(&pod).ok()
    }

    fn spec(&self) -> Option<Cow<'a, RawValue>> {
        let spec = below(self.template, "/spec")?;
        let claims: Vec<Value> = match self.claims {
            Some(claims) => Vec::deserialize(claims).ok()?,
            None => Vec::new(),
        };
        if claims.is_empty() {
            return as_written(spec).map(Cow::Borrowed);
        }
        let mut spec = spec.to_value();
        let fields = spec.as_object_mut()?;
        let own = fields.remove("volumes").unwrap_or_default();
        let volumes = with_claims(&self.name, &claims, own);
        fields.insert("volumes".to_owned(), volumes);
        to_raw_value(&spec).ok().map(Cow::Owned)
    }
}

/// The labels and annotations of an object, alone.
fn keys(object: Json<'_>) -> Value {
    let keys = |pointer| below(object, pointer).map(Json::to_value);
    let (labels, annotations) = (keys("/metadata/labels"), keys("/metadata/annotations"));
    json!({"metadata": {"labels": labels, "annotations": annotations}})
}

/// The volumes of a `StatefulSet`'s first pod: those of its claims, and the template's of other names.
fn with_claims(set: &str, claims: &[Value], volumes: Value) -> Value {
    let mut all = claim_volumes(set, claims);
    let Value::Array(mut others) = volumes else {
        return Value::Array(all);
    };
    others.retain(|volume| {
        volume
            .get("name")
            .is_none_or(|name| all.iter().all(|claim| claim.get("name") != Some(name)))
    });
    all.append(&mut others);
    Value::Array(all)
}

#[derive(Serialize)]
struct Pod<'a> {
    metadata: PodMetadata<'a>,
    spec: Cow<'a, RawValue>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PodMetadata<'a> {
    generate_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<&'a RawValue>,
    owner_references: [PodOwner<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PodOwner<'a> {
    api_version: &'static str,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

/// What stands at a pointer of plain keys.
fn below<'a>(json: Json<'a>, pointer: &str) -> Option<Json<'a>> {
    let mut keys = pointer.split('/').skip(1);
    keys.try_fold(json, Json::get)
}

/// A value as JSON that is written as it came.
fn as_written(json: Json<'_>) -> Option<&RawValue> {
    serde_json::from_str(json.raw()).ok()
}

/// Whether both hold the same data, however it is written.
fn same(one: Option<Json<'_>>, other: Option<Json<'_>>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => one.raw() == other.raw() || one.to_value() == other.to_value(),
        _ => false,
    }
}
