//! Goes through manifests, has every pod in them treated, and keeps what is to be told about it.
//!
//! `inject` and `uninject` differ in one thing only, the [`ObjectTransform`] of an object that holds a
//! pod; which objects those are, what is told about the others, and the results in a
//! `ResourceList` are the same.

pub(crate) mod without_pod;

use serde_json::Value;

use super::manifest::Manifest;
use super::manifest::kinds::{self, Identity, Scope};
use super::manifest::nulls::drop_nulls;
use super::manifest::types::TypeFault;
use super::report::{Entry, Note, Report, TransformResult};
use super::resource_list;
use crate::inject::namespace_keys::NamespaceProblem;
use crate::inject::{Namespace, Reason};

/// What is done with an object that holds a pod.
pub(crate) trait ObjectTransform {
    /// Changes `object`, whose pod is the map at `pointer`, in place.
    fn treat(
        &self,
        identity: &Identity,
        pointer: &str,
        object: &mut Value,
    ) -> Result<TransformResult, TreatmentError>;

    /// The result of an object in which no pod is found.
    fn without_pod(&self, identity: &Identity, _object: &Value) -> TransformResult {
        without_pod::holds_none(identity)
    }

    /// The refusal of an object that has other pods than those that are found; `None` where there is
    /// none. Of these alone the rest would be left as it is, and nobody would be told.
    fn beside_pods(&self, _identity: &Identity, _object: &Value) -> Option<TransformResult> {
        None
    }

    /// What to tell of a Namespace of this name.
    fn hints_of_namespace(&self, _name: &str, _namespace: &Namespace) -> Vec<NamespaceProblem> {
        Vec::new()
    }
}

/// Why an object could not be treated at all. This is our own fault, never that of the manifest.
#[derive(Debug, thiserror::Error)]
#[error("failed to apply the patch to {object}: please report this as a bug")]
pub(crate) struct TreatmentError {
    pub(crate) object: String,
    pub(crate) source: Box<dyn std::error::Error + Send + Sync>,
}

/// Treats every object of the manifests, marking the documents that changed.
pub(crate) fn transform<'s>(
    manifests: &mut [Manifest],
    scope: impl Into<Scope<'s>>,
    treatment: &dyn ObjectTransform,
) -> Result<Report, TreatmentError> {
    let scope = scope.into();
    let mut report = Report::default();
    for manifest in manifests {
        for (index, document) in manifest.documents.iter_mut().enumerate() {
            let first = report.entries.len();
            let (file, number) = (manifest.name.as_str(), index + 1);
            let is_object =
                kinds::try_each_object(&mut document.value, scope, |identity, object| {
                    let treated = treat_object(treatment, identity, object)?;
                    document.changed |= treated.patch.is_some();
                    report.entries.push(Entry {
                        file: file.to_owned(),
                        document: number,
                        identity: identity.clone(),
                        treated,
                    });
                    Ok(())
                })?;
            if !is_object && !document.is_empty() {
                report.notes.push(Note {
                    file: file.to_owned(),
                    document: number,
                });
            }
            let entries = report.entries.get_mut(first..).unwrap_or_default();
            for Entry {
                identity, treated, ..
            } in &mut *entries
            {
                if let Some(place) = &treated.place {
                    let pointer = format!("{}{place}", identity.place);
                    treated.message = document.say_where(file, &pointer, &treated.message);
                }
            }
            document.changed |= resource_list::add_results(&mut document.value, scope, entries);
        }
    }
    Ok(report)
}

/// Treats one object, which may hold no pod.
pub(crate) fn treat_object(
    treatment: &dyn ObjectTransform,
    identity: &Identity,
    object: &mut Value,
) -> Result<TransformResult, TreatmentError> {
    let Some(pointer) = identity.pod_pointer() else {
        let mut result = treatment.without_pod(identity, object);
        if identity.is_namespace() {
            let namespace = Namespace::of_object(object);
            let problems = treatment.hints_of_namespace(&identity.name, &namespace);
            let fault = TypeFault::in_metadata(object, "").map(|fault| fault.sentence);
            let problems = problems.iter().map(NamespaceProblem::sentence);
            result.hints = fault.into_iter().chain(problems).collect();
        }
        return Ok(result);
    };
    if !identity.is_built_in()
        && let Some(refusal) = treatment.beside_pods(identity, object)
    {
        return Ok(refusal);
    }
    if let Some(pod) = object.pointer_mut(pointer) {
        drop_nulls(pod);
    }
    let pod = object.pointer(pointer);
    if !pod.is_some_and(|pod| pod.get("spec").is_some_and(Value::is_object)) {
        let message = format!("no pod spec at {pointer}/spec");
        return Ok(TransformResult::plain(Reason::NotAPod, message));
    }
    if let Some(fault) = TypeFault::in_metadata(object, pointer) {
        return Ok(of_another_type(fault));
    }
    let Some(fault) = TypeFault::in_spec(object, pointer) else {
        return treatment.treat(identity, pointer, object);
    };
    // What is left alone is not judged.
    let given = object.clone();
    let treated = treatment.treat(identity, pointer, object)?;
    if treated.patch.is_none() && treated.code != Reason::ReviewInvalid.code() {
        return Ok(treated);
    }
    *object = given;
    Ok(of_another_type(fault))
}

fn of_another_type(fault: TypeFault) -> TransformResult {
    TransformResult {
        place: Some(fault.pointer),
        ..TransformResult::plain(Reason::ReviewInvalid, fault.sentence)
    }
}
