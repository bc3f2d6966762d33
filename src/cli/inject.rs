//! `pillion inject`: manifests in, injected manifests out.
//!
//! A pod template in a file is decided about exactly as the webhook decides about the pod that
//! comes of it; the patch is then applied below the template's place in its object. Namespace
//! objects, LimitRanges and ResourceQuotas in the same input count as namespace manifests, unless one
//! of the same name was given by `--namespace-manifest`.

pub(super) mod claims;
mod references;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::Status;
use super::cluster::ClusterArguments;
use super::documents::DocumentArguments;
use super::engine_options::EngineOptions;
use super::engine_options::namespaces::constrain_one;
use super::flag_values::Assignment;
use super::manifest::Manifest;
use super::manifest::kinds::{self, Identity};
use super::manifest::knative;
use super::report::{RunResult, TransformResult, operations};
use super::streams::Streams;
use super::transform::without_pod;
use super::transform::{ObjectTransform, TreatmentError};
use crate::inject::namespace_keys::{NamespaceProblem, UnknownTemplates, of_keys, problems};
use crate::inject::{
    Decision, Engine, KeysOfObject, Namespace, Namespaces, Reason, RequestContext, Settings,
    Verdict, misplaced_keys, unasked,
};
use crate::kubernetes::keys::{self, INJECTION};
use crate::review::{Document, Pod};

/// Inject templates into the pods of manifests.
///
/// Every object is reported on standard error. If any pod is refused, nothing is written and the
/// exit status is 1; it is 2 for input that cannot be read. Namespaces, LimitRanges and
/// ResourceQuotas in the input count as namespace manifests.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n\
    \x20 kubectl create deployment web --image nginx --dry-run=client -o yaml | pillion inject --inject log-shipper\n\
    \x20 pillion inject -f manifests/ -o diff\n\
    \x20 pillion inject -f app.yaml -i\n\
    \x20 kustomize build . | pillion inject | kubectl apply -f -")]
pub(crate) struct Inject {
    #[command(flatten)]
    documents: DocumentArguments,

    /// Templates to inject into every pod, as if each carried the annotation pillion.dev/inject
    #[arg(long = "inject", value_name = "TEMPLATE,…", value_delimiter = ',')]
    asked_for: Vec<String>,

    /// A parameter for every pod, as if each carried the annotation
    /// TEMPLATE.pillion.dev/PARAMETER. May be given several times
    #[arg(long, value_name = "TEMPLATE.PARAMETER=VALUE")]
    set: Vec<Assignment>,

    /// Look up in the cluster, with your own rights, whether the Secrets, ConfigMaps and service
    /// accounts that helpers need exist. Contents are never read
    #[arg(long)]
    check_references: bool,

    #[command(flatten)]
    cluster: ClusterArguments,

    #[command(flatten)]
    engine: EngineOptions,
}

impl Inject {
    pub(super) fn run(&self, streams: &mut Streams<'_>) -> anyhow::Result<Status> {
        let mut manifests = self.documents.read(streams)?;
        let catalog = self.engine.load_catalog_with(&self.set, streams)?;
        let mut settings = self.engine.settings()?;
        tell_of_namespaces(&settings, streams);
        add_namespaces(&mut settings, &mut manifests, self.documents.namespace());
        let catalog = Arc::new(catalog);
        let annotations = self.annotations();
        if self.check_references {
            let engine = Engine::new(Arc::clone(&catalog), Arc::new(settings.clone()));
            let mut cluster = self.cluster.open()?;
            let scope = self.documents.scope();
            let needed = references::needed(&mut manifests, scope, &engine, &annotations);
            references::look_up(&needed, &mut cluster, &mut settings);
            for note in &cluster.notes {
                streams.warn(note);
            }
        }
        let engine = Engine::new(catalog, Arc::new(settings));
        let mut injection = treatment(&engine, annotations);
        injection.only_built_in = self.engine.has_only_built_in();
        self.documents.run(manifests, &injection, streams)
    }

    fn annotations(&self) -> BTreeMap<String, String> {
        let mut annotations = Assignment::annotations(&self.set);
        if !self.asked_for.is_empty() {
            annotations.insert(keys::INJECT.to_owned(), self.asked_for.join(","));
        }
        annotations
    }
}

/// Warns of keys that mean nothing on the namespaces of `--namespace-manifest`; those of the input have
/// lines of their own.
fn tell_of_namespaces(settings: &Settings, streams: &mut Streams<'_>) {
    for (name, namespace) in settings.namespaces.listed() {
        let is_excluded = settings.excluded_namespaces.contains(name);
        for problem in of_keys(namespace, is_excluded) {
            streams.warn(&format!("Namespace/{name}: {}", problem.sentence()));
        }
    }
}

/// Adds the Namespace objects of the input that are not known already, and the LimitRanges and
/// ResourceQuotas; one that names no namespace is in `namespace`.
pub(crate) fn add_namespaces(settings: &mut Settings, manifests: &mut [Manifest], namespace: &str) {
    let given = settings.namespaces.clone();
    for document in manifests.iter_mut().flat_map(|one| &mut one.documents) {
        kinds::each_object(&mut document.value, "", |identity, object| {
            if !identity.is_namespace() {
                constrain_one(object, namespace, &mut settings.namespaces);
            } else if !given.get(&identity.name).is_listed {
                add_namespace(&mut settings.namespaces, &identity.name, object);
            }
        });
    }
}

pub(crate) fn add_namespace(namespaces: &mut Namespaces, name: &str, object: &Value) {
    let Namespace {
        labels,
        annotations,
        ..
    } = Namespace::of_object(object);
    let namespace = Namespace {
        labels,
        annotations,
        is_listed: true,
        // What stands in it may have been read before.
        ..namespaces.get(name).into_owned()
    };
    namespaces.insert(name, namespace);
}

/// What somebody who asked for a template of his own may have forgotten.
const OWN_TEMPLATES: &str = "only the built-in catalog was read; --templates DIR reads your own, \
    --templates DIR --templates built-in both";

/// Who decides about a pod: the engine, in tests a closure.
trait Decider {
    fn decide(&self, subject: &RequestContext, pod: &str) -> Decision;

    /// What a Namespace says that means nothing.
    fn namespace(
        &self,
        _name: &str,
        _namespace: &Namespace,
        _unknown: UnknownTemplates,
    ) -> Vec<NamespaceProblem> {
        Vec::new()
    }

    /// The names of the templates that a namespace can ask for.
    fn templates(&self, _namespace: &str) -> Vec<&str> {
        Vec::new()
    }

    /// What to tell of templates that a pod meant whose namespace is not enabled.
    fn selectors(&self, _subject: &RequestContext, _pod: &str) -> Vec<String> {
        Vec::new()
    }
}

impl Decider for Engine {
    fn decide(&self, subject: &RequestContext, pod: &str) -> Decision {
        let decided = Document::read(pod).and_then(|document| {
            let pod = Pod::read(document.root())?;
            Ok(Self::decide(self, subject, &pod, None))
        });
        decided.unwrap_or_else(|error| Decision::unreadable(&error))
    }

    fn namespace(
        &self,
        name: &str,
        namespace: &Namespace,
        unknown: UnknownTemplates,
    ) -> Vec<NamespaceProblem> {
        problems((self.catalog(), self.settings()), name, namespace, unknown)
    }

    fn templates(&self, namespace: &str) -> Vec<&str> {
        self.catalog().names(namespace).collect()
    }

    fn selectors(&self, subject: &RequestContext, pod: &str) -> Vec<String> {
        let names = Document::read(pod).and_then(|document| {
            let pod = Pod::read(document.root())?;
            Ok(self.waiting_selectors(subject, &pod))
        });
        names
            .unwrap_or_default()
            .into_iter()
            .map(|name| {
                format!(
                    "the selector of the template `{name}` matches the pod, and counts where its \
                     namespace has the label {INJECTION}=enabled: name the namespace with \
                     --namespace-manifest, or in the input"
                )
            })
            .collect()
    }
}

/// The treatment of every pod by this engine, as if each carried these annotations too.
pub(super) fn treatment(engine: &Engine, annotations: BTreeMap<String, String>) -> Injection<'_> {
    Injection {
        decider: engine,
        annotations,
        only_built_in: false,
    }
}

/// Decides about each pod and applies what was decided.
pub(super) struct Injection<'a> {
    decider: &'a dyn Decider,
    annotations: BTreeMap<String, String>,
    /// Whether a template may be missing because its directory was not named.
    only_built_in: bool,
}

impl ObjectTransform for Injection<'_> {
    fn without_pod(&self, identity: &Identity, object: &Value) -> TransformResult {
        without_pod::of_injection(identity, object)
    }

    fn beside_pods(&self, identity: &Identity, object: &Value) -> Option<TransformResult> {
        without_pod::beside_injection(identity, object)
    }

    fn hints_of_namespace(&self, name: &str, namespace: &Namespace) -> Vec<NamespaceProblem> {
        let unknown = if self.only_built_in {
            UnknownTemplates::MayExist
        } else {
            UnknownTemplates::Absent
        };
        self.decider.namespace(name, namespace, unknown)
    }

    fn treat(
        &self,
        identity: &Identity,
        pointer: &str,
        object: &mut Value,
    ) -> Result<TransformResult, TreatmentError> {
        let subject = RequestContext {
            namespace: identity.namespace.clone(),
            annotations: self.annotations.clone(),
            ..RequestContext::default()
        };
        let given = object.clone();
        let is_named = knative::name_containers(identity, object, pointer);
        let claimed = claims::add(identity, object, pointer);
        let decision = self.decider.decide(&subject, &pod(object.pointer(pointer)));
        let hints = self.hints(&subject, (identity, pointer), object, &decision);
        let patch = if decision.patch.is_empty() {
            *object = given;
            None
        } else {
            let applied = apply(&decision, object, pointer);
            let whole = applied.map_err(|source| TreatmentError {
                object: identity.to_string(),
                source,
            })?;
            claims::remove(object, pointer, &claimed);
            // What was written for the pod of the claims, or with names, is not for the object as it was.
            Some(if claimed.is_empty() && !is_named {
                whole
            } else {
                operations(&json_patch::diff(&given, object))
            })
        };
        Ok(TransformResult {
            ending: RunResult::Decided(decision.verdict()),
            code: decision.reason.code(),
            message: decision.message,
            outcomes: decision.outcomes,
            findings: decision.findings,
            hints,
            patch,
            place: None,
        })
    }
}

impl Injection<'_> {
    /// What to tell of keys of the object that do nothing where they are, and of templates that its
    /// author may have meant.
    fn hints(
        &self,
        subject: &RequestContext,
        (identity, pointer): (&Identity, &str),
        object: &Value,
        decision: &Decision,
    ) -> Vec<String> {
        let outcomes = decision.outcomes.iter();
        let names: BTreeSet<_> = outcomes.map(|outcome| outcome.template.as_str()).collect();
        let applied = (decision.verdict() != Verdict::Denied).then_some(&names);
        let holder = object.pointer(pointer);
        let keys_of = KeysOfObject {
            kind: &identity.kind,
            object,
            pointer,
            pod: holder.unwrap_or(&Value::Null),
        };
        let served = self.decider.templates(&subject.namespace);
        let mut hints = misplaced_keys(keys_of, applied, &served);
        if decision.reason.is_unselected() && decision.patch.is_empty() {
            hints.extend(unasked(keys_of.pod));
        }
        if decision.reason == Reason::NotRequested {
            hints.extend(self.decider.selectors(subject, &pod(holder)));
        }
        if self.only_built_in && decision.reason == Reason::TemplateNotFound {
            hints.push(OWN_TEMPLATES.to_owned());
        }
        hints
    }
}

/// Applies what was decided to the object. Returns the whole patch on it.
fn apply(
    decision: &Decision,
    object: &mut Value,
    pointer: &str,
) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
    let prepared = prepare(object, pointer);
    let operations = serde_json::to_value(decision.patch.clone().below(pointer))?;
    let patch: json_patch::Patch = serde_json::from_value(operations.clone())?;
    json_patch::patch(object, &patch)?;
    Ok(whole_patch(prepared, operations))
}

/// The JSON of the pod that comes of a pod template, or of the pod itself.
pub(crate) fn pod(holder: Option<&Value>) -> String {
    let mut pod = Map::new();
    pod.insert("apiVersion".to_owned(), "v1".into());
    pod.insert("kind".to_owned(), "Pod".into());
    pod.insert("metadata".to_owned(), json!({}));
    for (key, value) in holder.and_then(Value::as_object).into_iter().flatten() {
        if key != "metadata" || !value.is_null() {
            pod.insert(key.clone(), value.clone());
        }
    }
    Value::Object(pod).to_string()
}

/// Gives the pod template the `metadata` that a pod always has and the decision relied on. Returns
/// the operation that did it.
fn prepare(object: &mut Value, pointer: &str) -> Option<Value> {
    let holder = object.pointer_mut(pointer)?.as_object_mut()?;
    if holder.get("metadata").is_some_and(|own| !own.is_null()) {
        return None;
    }
    holder.insert("metadata".to_owned(), json!({}));
    let path = format!("{pointer}/metadata");
    Some(json!({ "op": "add", "path": path, "value": {} }))
}

fn whole_patch(prepared: Option<Value>, operations: Value) -> Value {
    match (prepared, operations) {
        (Some(first), Value::Array(rest)) => std::iter::once(first).chain(rest).collect(),
        (_, operations) => operations,
    }
}

#[cfg(test)]
mod tests;
