//! Goes through manifests, has every pod in them treated, and keeps what is to be told about it.
//!
//! `inject` and `uninject` differ in one thing only, the [`ObjectTransform`] of an object that holds a
//! pod; which objects those are, what is told about the others, and the results in a
//! `ResourceList` are the same.

use serde_json::Value;

use super::manifest::Manifest;
use super::manifest::booleans;
use super::manifest::kinds::{self, Identity, Scope};
use super::manifest::types::TypeFault;
use super::report::{Entry, Note, Report, RunResult, TransformResult};
use super::resource_list;
use crate::inject::namespace_keys::NamespaceProblem;
use crate::inject::{Namespace, Reason, Verdict};
use crate::kubernetes::keys::INJECT;

/// What is done with an object that holds a pod.
pub(crate) trait ObjectTransform {
    /// Changes `object`, whose pod is the map at `pointer`, in place.
    fn treat(
        &self,
        identity: &Identity,
        pointer: &str,
        object: &mut Value,
    ) -> Result<TransformResult, TreatmentError>;

    /// What to tell of a Namespace of this name.
    fn hints_of_namespace(&self, _name: &str, _namespace: &Namespace) -> Vec<NamespaceProblem> {
        Vec::new()
    }
}

/// Why an object could not be treated at all. This is our own fault, never that of the manifest.
#[derive(Debug, thiserror::Error)]
#[error("failed to apply the patch to {object}: please report this as a bug")]
pub(crate) struct TreatmentError {
    /// The object's name.
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
            let place = (manifest.name.as_str(), index + 1);
            let mut visit = |identity: &Identity, object: &mut Value| {
                let treated = treat_object(treatment, identity, object)?;
                document.changed |= treated.patch.is_some();
                report.entries.push(Entry {
                    file: place.0.to_owned(),
                    document: place.1,
                    identity: identity.clone(),
                    treated,
                });
                Ok(())
            };
            let is_object = kinds::each_object(&mut document.value, scope, &mut visit)?;
            if !is_object && !document.is_empty() {
                report.notes.push(Note {
                    file: place.0.to_owned(),
                    document: place.1,
                });
            }
            let entries = report.entries.get_mut(first..).unwrap_or_default();
            for Entry {
                identity, treated, ..
            } in &mut *entries
            {
                if let Some(place) = &treated.place {
                    let pointer = format!("{}{place}", identity.place);
                    treated.message =
                        document.say_where(&manifest.name, &pointer, &treated.message);
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
        let mut result = without_pod(identity, object);
        if identity.is_namespace() {
            let namespace = Namespace::of_object(object);
            let problems = treatment.hints_of_namespace(&identity.name, &namespace);
            let fault = TypeFault::in_metadata(object, "").map(|fault| fault.sentence);
            let problems = problems.iter().map(NamespaceProblem::sentence);
            result.hints = fault.into_iter().chain(problems).collect();
        }
        return Ok(result);
    };
    if let Some(pod) = object.pointer_mut(pointer) {
        booleans::drop_nulls(pod);
    }
    let pod = object.pointer(pointer);
    if !pod.is_some_and(|pod| pod.get("spec").is_some_and(Value::is_object)) {
        let message = format!("no pod spec at {pointer}/spec");
        return Ok(TransformResult::plain(Reason::NotAPod, message));
    }
    booleans::settle(object);
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

/// The result of an object in which no pod is found: an error of its kind where it asks for templates.
fn without_pod(identity: &Identity, object: &Value) -> TransformResult {
    let kind = &identity.kind;
    match asking(object, "") {
        Some(place) if place != "metadata" => TransformResult {
            ending: RunResult::Decided(Verdict::Denied),
            code: "PodTemplateUnknown",
            ..TransformResult::plain(
                Reason::NotAPod,
                format!(
                    "the annotation {INJECT} at {place}.annotations asks for templates, but where a \
                     {kind} has its pod template is not known: it has none at spec.template; name \
                     the place with --pod-template-path"
                ),
            )
        },
        _ => TransformResult::plain(Reason::NotAPod, format!("a {kind} holds no pod")),
    }
}

/// Where in an object a `metadata` has the annotation that asks for templates.
fn asking(value: &Value, place: &str) -> Option<String> {
    let has = value
        .get("annotations")
        .and_then(|annotations| annotations.get(INJECT));
    if has.is_some() {
        return Some(place.to_owned());
    }
    match value {
        Value::Object(map) => map.iter().find_map(|(key, value)| {
            let below = if place.is_empty() {
                key.clone()
            } else {
                format!("{place}.{key}")
            };
            asking(value, &below)
        }),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(index, item)| asking(item, &format!("{place}[{index}]"))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn identity(kind: &str) -> Identity {
        Identity {
            api_version: "example.org/v1".to_owned(),
            kind: kind.to_owned(),
            namespace: String::new(),
            name: "web".to_owned(),
            pod: None,
            place: String::new(),
        }
    }

    #[test]
    fn a_kind_that_asks_and_is_not_known_is_refused() {
        let template = json!({"metadata": {"annotations": {INJECT: "logs"}}});
        let object = json!({"spec": {"groups": [{"podTemplate": template}]}});
        let result = without_pod(&identity("PodGroupSet"), &object);
        assert_eq!(result.ending, RunResult::Decided(Verdict::Denied));
        assert!(
            result
                .message
                .contains("spec.groups[0].podTemplate.metadata.annotations"),
            "{}",
            result.message
        );
        let quiet = json!({"metadata": {"annotations": {INJECT: "logs"}}, "spec": {}});
        for object in [quiet, json!({"data": {"a": "pillion.dev/inject"}})] {
            let result = without_pod(&identity("ConfigMap"), &object);
            assert_eq!(result.code, "NotAPod");
        }
    }
}
