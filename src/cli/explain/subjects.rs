//! The pods that are asked about.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use serde_json::{Value, json};

use super::super::cluster::Cluster;
use super::super::flag_values::PodPathFlag;
use super::super::inject::{claims, pod};
use super::super::manifest::kinds::{self, Identity, Scope};
use super::super::manifest::types::TypeFault;
use super::super::manifest::{Manifest, knative};
use super::super::streams::Streams;
use super::add_namespace;
use crate::cluster::{ObjectName, Read};
use crate::explain::{Explanation, Question};
use crate::inject::{KeysOfObject, Reason, RequestContext, Settings, Verdict, misplaced_keys};
use crate::kubernetes::keys::MIRROR;
use crate::kubernetes::object::list_at;

/// One pod that is asked about.
#[derive(Debug)]
pub(in crate::cli) struct ExplainSubject {
    /// The file, or `cluster`.
    pub(super) source: String,
    /// The kind of the object that it was found in.
    pub(super) kind: String,
    pub(super) name: String,
    namespace: String,
    /// That object's metadata, in an object of its own, and where it has its pod.
    metadata: Value,
    pointer: String,
    pub(super) pod: Value,
    /// What of the pod has another type than the API gives it.
    fault: Option<TypeFault>,
    asked: ExplainInput,
}

#[derive(Debug)]
enum ExplainInput {
    Pod {
        subject: RequestContext,
        text: String,
    },
    Review(Vec<u8>),
}

/// Everything that is asked about.
#[derive(Debug)]
pub(super) struct Subjects {
    pub(super) about: Vec<ExplainSubject>,
    /// What was read, for the namespaces in it and what constrains them.
    pub(super) manifests: Vec<Manifest>,
    /// The namespace of objects that name none.
    pub(super) namespace: String,
}

/// An object of the cluster, where the text names one and no file of that name is there.
pub(super) fn object(target: &str) -> Option<ObjectName> {
    let object = ObjectName::parse(target)?;
    (!Path::new(target).exists()).then_some(object)
}

impl ExplainSubject {
    pub(in crate::cli) fn question(&self) -> Question<'_> {
        match &self.asked {
            ExplainInput::Pod { subject, text } => Question::Pod { subject, pod: text },
            ExplainInput::Review(body) => Question::Review(body),
        }
    }

    /// What to tell of labels and annotations that do nothing where they are, and of values of a wrong type
    /// that the engine did not look at.
    pub(super) fn hints(&self, explanation: &Explanation, served: &[&str]) -> Vec<String> {
        let keys_of = KeysOfObject {
            kind: &self.kind,
            object: &self.metadata,
            pointer: &self.pointer,
            pod: &self.pod,
        };
        let templates = explanation.templates.iter();
        let names = templates.map(|template| template.name.as_str()).collect();
        let is_selected = explanation
            .verdict
            .is_some_and(|verdict| verdict != Verdict::Denied);
        let applied = is_selected.then_some(&names);
        let mut hints = misplaced_keys(keys_of, applied, served);
        if let Some(fault) = &self.fault
            && explanation.reason != Some(Reason::ReviewInvalid)
        {
            let sentence = &fault.sentence;
            hints.push(format!("the API server takes no such pod: {sentence}"));
        }
        hints
    }

    pub(in crate::cli) fn pod(&self) -> &Value {
        &self.pod
    }

    /// Refuses a pod with a value of another type than the API's, as the API server and `inject` do,
    /// naming the field. One that is left alone is not judged.
    pub(in crate::cli) fn refuse_fault(&self, explanation: &mut Explanation) {
        let Some(fault) = &self.fault else {
            return;
        };
        if explanation.reason == Some(Reason::ReviewInvalid) || !explanation.patch.is_empty() {
            explanation.refuse_unreadable(&fault.sentence);
        }
    }

    /// Asks as if the pod carried these annotations too; a review says itself what it carries.
    pub(in crate::cli) fn carry(&mut self, annotations: &BTreeMap<String, String>) {
        if let ExplainInput::Pod { subject, .. } = &mut self.asked {
            subject.annotations.clone_from(annotations);
        }
    }

    fn of_object(source: &str, identity: &Identity, object: &Value, pointer: &str) -> Self {
        let text = pod(object.pointer(pointer));
        let read: Value = serde_json::from_str(&text).unwrap_or_default();
        Self {
            source: source.to_owned(),
            kind: identity.kind.clone(),
            name: identity.name.clone(),
            namespace: identity.namespace.clone(),
            metadata: json!({"metadata": object.get("metadata")}),
            pointer: pointer.to_owned(),
            asked: ExplainInput::Pod {
                subject: RequestContext {
                    namespace: identity.namespace.clone(),
                    from_node: is_mirror(&read),
                    ..RequestContext::default()
                },
                text,
            },
            pod: read,
            fault: TypeFault::find(object, pointer).map(|fault| fault.below(&identity.place)),
        }
    }

    fn of_review(source: &str, review: &Value) -> Self {
        let request = |pointer| review.pointer(pointer).and_then(Value::as_str);
        let name = request("/request/name")
            .filter(|name| !name.is_empty())
            .or_else(|| request("/request/object/metadata/name"))
            .or_else(|| request("/request/object/metadata/generateName"));
        Self {
            source: source.to_owned(),
            kind: "AdmissionReview".to_owned(),
            name: name.unwrap_or_default().to_owned(),
            namespace: request("/request/namespace").unwrap_or_default().to_owned(),
            metadata: Value::Null,
            pointer: String::new(),
            pod: review
                .pointer("/request/object")
                .cloned()
                .unwrap_or_default(),
            fault: TypeFault::find(review, "/request/object"),
            asked: ExplainInput::Review(review.to_string().into_bytes()),
        }
    }
}

/// A mirror that a node owns: nobody else can make one.
fn is_mirror(pod: &Value) -> bool {
    let annotations = pod.pointer("/metadata/annotations");
    let mut owners = list_at(pod, "/metadata/ownerReferences").iter();
    annotations.is_some_and(|annotations| annotations.get(MIRROR).is_some())
        && owners.any(|owner| owner["kind"] == "Node")
}

impl Subjects {
    /// The pods of a file or of standard input.
    pub(super) fn of_file(
        target: &str,
        scope: Scope<'_>,
        streams: &mut Streams<'_>,
    ) -> anyhow::Result<Self> {
        let mut manifests = Manifest::read(&[PathBuf::from(target)], streams)?;
        let mut about = Vec::new();
        for manifest in &mut manifests {
            for document in &mut manifest.documents {
                let first = about.len();
                let kind = document.value.get("kind").and_then(Value::as_str);
                if kind == Some("AdmissionReview") {
                    add_review(&manifest.name, &document.value, &mut about);
                } else {
                    add(&manifest.name, &mut document.value, scope, &mut about);
                }
                let added = about.get_mut(first..).unwrap_or_default().iter_mut();
                for fault in added.filter_map(|subject| subject.fault.as_mut()) {
                    fault.say_where(document, &manifest.name);
                }
            }
        }
        if about.is_empty() {
            bail!("{target}: holds no pod, no object that makes pods and no AdmissionReview");
        }
        Ok(Self {
            about,
            manifests,
            namespace: scope.namespace.to_owned(),
        })
    }

    /// The pod of an object of the cluster.
    pub(super) fn of_cluster(
        object: &ObjectName,
        namespace: Option<&str>,
        pod_paths: &PodPathFlag,
        cluster: &Cluster,
    ) -> anyhow::Result<Self> {
        let namespace = namespace.unwrap_or(&cluster.namespace);
        let failed = |problem: &str| {
            let (kind, name) = (object.kind(), &object.name);
            let server = cluster.server();
            anyhow!(
                "failed to read {kind} `{name}` in the namespace `{namespace}` at {server}: {problem}"
            )
        };
        let mut value = match cluster.object(object, namespace) {
            Read::Found(value) => value,
            Read::Missing => return Err(failed("there is none")),
            Read::Unknown(why) => return Err(failed(&why)),
        };
        without_what_nobody_wrote(&mut value);
        let mut about = Vec::new();
        let scope = pod_paths.scope(namespace);
        add("cluster", &mut value, scope, &mut about);
        if about.is_empty() {
            return Err(failed("it holds no pod"));
        }
        Ok(Self {
            about,
            manifests: Vec::new(),
            namespace: namespace.to_owned(),
        })
    }

    /// The namespaces of what is asked about.
    pub(super) fn namespaces(&self) -> BTreeSet<&str> {
        let about = self.about.iter();
        about.map(|about| about.namespace.as_str()).collect()
    }

    /// Reads the namespaces that are not known yet.
    pub(super) fn add_namespaces(&self, settings: &mut Settings, cluster: &mut Cluster) {
        for name in self.about.iter().map(|about| &about.namespace) {
            let known = settings.namespaces.get(name);
            if known.is_listed {
                continue;
            }
            if let Some(namespace) = cluster.namespace(name) {
                add_namespace(&mut settings.namespaces, name, &namespace);
            }
        }
    }
}

/// What the API server adds to an object that it stores, and no creation brings.
fn without_what_nobody_wrote(object: &mut Value) {
    if let Some(object) = object.as_object_mut() {
        object.remove("status");
        let metadata = object.get_mut("metadata").and_then(Value::as_object_mut);
        if let Some(metadata) = metadata {
            metadata.remove("managedFields");
        }
    }
}

/// Adds what a review asks about: the pod, or the pod that comes of a workload. The webhook itself
/// only gives advice about a workload, which says nothing about whether its pods are injected.
fn add_review(source: &str, review: &Value, about: &mut Vec<ExplainSubject>) {
    let namespace = review.pointer("/request/namespace").and_then(Value::as_str);
    let of_workload = review
        .pointer("/request/object")
        .filter(|object| object.get("kind").and_then(Value::as_str) != Some("Pod"));
    let before = about.len();
    if let Some(object) = of_workload {
        let scope = namespace.unwrap_or_default().into();
        add(source, &mut object.clone(), scope, about);
    }
    if about.len() == before {
        about.push(ExplainSubject::of_review(source, review));
    }
}

/// Adds every pod of a document.
pub(in crate::cli) fn add(
    source: &str,
    document: &mut Value,
    scope: Scope<'_>,
    about: &mut Vec<ExplainSubject>,
) {
    kinds::each_object(document, scope, |identity, object| {
        let pointer = identity.pod_pointer().filter(|pointer| {
            let spec = object.pointer(&format!("{pointer}/spec"));
            spec.is_some_and(Value::is_object)
        });
        if let Some(pointer) = pointer {
            knative::name_containers(identity, object, pointer);
            let claimed = claims::add(identity, object, pointer);
            about.push(ExplainSubject::of_object(source, identity, object, pointer));
            claims::remove(object, pointer, &claimed);
        }
    });
}
