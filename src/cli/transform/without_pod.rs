//! Objects in which no pod is found, and that say all the same that they have to do with templates.
//!
//! A kind that asks and is not known is an error: passed in silence, its pods would lack what was asked
//! for. Of some kinds it is known that their controllers make the pods of fields here and there, or write
//! the annotations of others' pods; these pass with a hint, as the webhook injects such pods when they
//! are created.

use serde_json::Value;

use crate::cli::manifest::kinds::Identity;
use crate::cli::report::{RunResult, TransformResult};
use crate::inject::{Reason, Verdict};
use crate::kubernetes::keys::{INJECT, STATUS_PREFIX};
use crate::kubernetes::workload;

/// The result of an object that says nothing of templates.
pub(crate) fn holds_none(identity: &Identity) -> TransformResult {
    let kind = with_article(&identity.kind);
    TransformResult::plain(Reason::NotAPod, format!("{kind} holds no pod"))
}

fn with_article(kind: &str) -> String {
    let article = if kind.starts_with(['A', 'E', 'I', 'O']) {
        "an"
    } else {
        "a"
    };
    format!("{article} {kind}")
}

/// The result of an object that was to be injected.
pub(crate) fn of_injection(identity: &Identity, object: &Value) -> TransformResult {
    let kind = &identity.kind;
    let Some((place, key)) = annotation(object, "", &|key| key == INJECT) else {
        return holds_none(identity);
    };
    let hint = if let Some(workload) = referenced(object) {
        format!(
            "the annotation {key} at {place}.annotations does nothing: it belongs into the pod template \
             of {workload}, which spec.workloadRef names"
        )
    } else if workload::has_scattered_pod(identity.group(), kind)
        || place == "metadata" && workload::may_have_pods(identity.group())
    {
        format!(
            "the annotation {key} at {place}.annotations is for the webhook: where the controller of {} \
             gives it to pods, they are injected when they are created",
            with_article(kind)
        )
    } else if place == "metadata" {
        format!(
            "the annotation {key} at {place}.annotations does nothing: it is for pods and pod templates, \
             and for Namespaces"
        )
    } else {
        return unknown(identity, object, &place, key, "asks for templates");
    };
    TransformResult {
        hints: vec![hint],
        ..holds_none(identity)
    }
}

/// The result of an object from which was to be taken out what was injected.
pub(crate) fn of_removal(identity: &Identity, object: &Value) -> TransformResult {
    match annotation(object, "", &|key| key.starts_with(STATUS_PREFIX)) {
        Some((place, key)) if place != "metadata" => {
            unknown(identity, object, &place, key, "says that it was injected")
        }
        _ => holds_none(identity),
    }
}

/// The workload whose pod template an object uses, as an Argo Rollout can.
fn referenced(object: &Value) -> Option<String> {
    let reference = object.pointer("/spec/workloadRef")?;
    let text = |key: &str| reference.get(key)?.as_str();
    Some(format!("{}/{}", text("kind")?, text("name")?))
}

/// The refusal of an object of a kind that is not known, with the way out.
fn unknown(
    identity: &Identity,
    object: &Value,
    place: &str,
    key: &str,
    says: &str,
) -> TransformResult {
    let kind = with_article(&identity.kind);
    let holder = place.strip_suffix(".metadata").unwrap_or_default();
    let pointer = format!("/{}", holder.replace(['.', '['], "/").replace(']', ""));
    let way_out = if !holder.is_empty() && workload::is_pod_template(object, &pointer) {
        let path = pointer.trim_start_matches('/').replace('/', ".");
        format!("name the place with --pod-template-path {path}")
    } else {
        "it has none there; leave the object out of the input: the webhook injects its pods when they \
         are created"
            .to_owned()
    };
    TransformResult {
        ending: RunResult::Decided(Verdict::Denied),
        code: "PodTemplateUnknown",
        ..TransformResult::plain(
            Reason::NotAPod,
            format!(
                "the annotation {key} at {place}.annotations {says}, but where {kind} has its pod \
                 template is not known: {way_out}"
            ),
        )
    }
}

/// The first place in an object whose `annotations` have such a key, with the key.
fn annotation<'v>(
    value: &'v Value,
    place: &str,
    is_such: &impl Fn(&str) -> bool,
) -> Option<(String, &'v str)> {
    let annotations = value.get("annotations").and_then(Value::as_object);
    let mut keys = annotations.into_iter().flat_map(|map| map.keys());
    if let Some(key) = keys.find(|key| is_such(key)) {
        return Some((place.to_owned(), key));
    }
    match value {
        Value::Object(map) => map.iter().find_map(|(key, value)| {
            let below = if place.is_empty() {
                key.clone()
            } else {
                format!("{place}.{key}")
            };
            annotation(value, &below, is_such)
        }),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(index, item)| annotation(item, &format!("{place}[{index}]"), is_such)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn identity(api_version: &str, kind: &str) -> Identity {
        Identity {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: String::new(),
            name: "web".to_owned(),
            pod: None,
            place: String::new(),
        }
    }

    fn asking() -> Value {
        json!({"annotations": {INJECT: "logs"}})
    }

    #[test]
    fn a_kind_that_asks_and_is_not_known_is_refused_with_a_way_out() {
        let unknown = identity("example.org/v1", "PodGroupSet");
        let template = json!({"metadata": asking(), "spec": {"containers": [{"name": "a"}]}});
        let scattered = json!({"podMetadata": asking()});
        for (group, told) in [
            (
                json!({"podTemplate": template}),
                "spec.groups[0].podTemplate.metadata.annotations asks for templates, but where a \
                 PodGroupSet has its pod template is not known: name the place with \
                 --pod-template-path spec.groups.0.podTemplate",
            ),
            (scattered, "leave the object out of the input"),
        ] {
            let object = json!({"spec": {"groups": [group]}});
            let result = of_injection(&unknown, &object);
            assert_eq!(result.ending, RunResult::Decided(Verdict::Denied));
            assert!(result.message.contains(told), "{}", result.message);
            assert_eq!(of_removal(&unknown, &object).code, "NotAPod");
        }
        let config_map = identity("v1", "ConfigMap");
        for (object, hints) in [
            (json!({"metadata": asking(), "spec": {}}), 1),
            (json!({"data": {"a": "pillion.dev/inject"}}), 0),
        ] {
            let result = of_injection(&config_map, &object);
            assert_eq!(result.code, "NotAPod");
            assert_eq!(result.hints.len(), hints);
            let mut told = result.hints.iter();
            assert!(told.all(|hint| hint.contains("does nothing")), "{object}");
        }
    }

    #[test]
    fn kinds_whose_controllers_make_the_pods_pass_with_a_hint() {
        let pod_metadata = json!({"spec": {"podMetadata": asking()}});
        let of_object = json!({"metadata": asking(), "spec": {}});
        for (api_version, kind, object) in [
            ("argoproj.io/v1alpha1", "Workflow", &pod_metadata),
            ("argoproj.io/v1alpha1", "CronWorkflow", &pod_metadata),
            ("argoproj.io/v1alpha1", "Application", &pod_metadata),
            ("kyverno.io/v1", "ClusterPolicy", &pod_metadata),
            ("tekton.dev/v1", "TaskRun", &of_object),
            ("tekton.dev/v1", "PipelineRun", &of_object),
            // Of no list: their controllers may give the object's annotations to pods.
            ("serving.kserve.io/v1beta1", "InferenceService", &of_object),
            ("jobset.x-k8s.io/v1alpha2", "JobSet", &of_object),
        ] {
            let result = of_injection(&identity(api_version, kind), object);
            assert_eq!(result.code, "NotAPod", "{kind}");
            assert!(result.hints[0].contains("is for the webhook"), "{kind}");
        }
        let rollout = json!({"metadata": asking(),
            "spec": {"workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}});
        let result = of_injection(&identity("argoproj.io/v1alpha1", "Rollout"), &rollout);
        assert_eq!(result.code, "NotAPod");
        assert!(result.hints[0].contains("the pod template of Deployment/web"));
    }

    #[test]
    fn what_was_injected_where_no_pod_is_found_is_told() {
        let status = json!({"annotations": {"pillion.dev/status.logs": "{}"}});
        let object = json!({"spec": {"groups": [{"podTemplate": {"metadata": status}}]}});
        let result = of_removal(&identity("example.org/v1", "PodGroupSet"), &object);
        assert_eq!(result.ending, RunResult::Decided(Verdict::Denied));
        assert!(result.message.contains("pillion.dev/status.logs"));
    }

    #[test]
    fn a_kind_has_its_article() {
        for (kind, message) in [
            ("AdmissionReview", "an AdmissionReview holds no pod"),
            ("Service", "a Service holds no pod"),
        ] {
            assert_eq!(holds_none(&identity("v1", kind)).message, message);
        }
    }
}
