//! Objects in which no pod is found, and that say all the same that they have to do with templates.
//!
//! A kind that asks and is not known is an error: passed in silence, its pods would lack what was asked
//! for. Of some kinds it is known that their controllers make the pods of fields here and there, or write
//! the annotations of others' pods; these pass with a hint, as the webhook injects such pods when they
//! are created.

use serde_json::Value;

use crate::cli::manifest::kinds::Identity;
use crate::cli::report::{RunResult, TransformResult};
use crate::inject::patch::escape;
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
    let places = annotated(identity, object, &asks);
    let Some(Place { shown, key, .. }) = places.first() else {
        return holds_none(identity);
    };
    let is_own = shown == "metadata";
    let hint = if let Some(workload) = referenced(object) {
        format!(
            "the annotation {key} at {shown}.annotations does nothing: it belongs into the pod template \
             of {workload}, which spec.workloadRef names"
        )
    } else if workload::has_scattered_pod(identity.group(), kind)
        || is_own && places.len() == 1 && workload::may_have_pods(identity.group())
    {
        format!(
            "the annotation {key} at {shown}.annotations is for the webhook: where the controller of {} \
             gives it to pods, they are injected when they are created",
            with_article(kind)
        )
    } else if is_own && places.len() == 1 {
        format!(
            "the annotation {key} at {shown}.annotations does nothing: it is for pods and pod templates, \
             and for Namespaces"
        )
    } else {
        let elsewhere: Vec<_> = places
            .iter()
            .filter(|one| one.shown != "metadata")
            .collect();
        return unknown(identity, object, &elsewhere, "asks for templates");
    };
    TransformResult {
        hints: vec![hint],
        ..holds_none(identity)
    }
}

/// Whether an annotation asks for a template; a list can leave some out alone.
fn asks(key: &str, value: &Value) -> bool {
    let mut names = value.as_str().unwrap_or_default().split(',').map(str::trim);
    key == INJECT && names.any(|name| !name.is_empty() && !name.starts_with('-'))
}

/// The refusal of an object with pods that asks for templates in other places than these.
pub(crate) fn beside_injection(identity: &Identity, object: &Value) -> Option<TransformResult> {
    if workload::has_scattered_pod(identity.group(), &identity.kind) {
        return None;
    }
    let places = annotated(identity, object, &asks);
    let unfound = places.iter().filter(|place| {
        place.shown != "metadata"
            && !workload::is_given_to_pods(identity.group(), &identity.kind, &place.pointer)
    });
    let unfound: Vec<_> = unfound.collect();
    (!unfound.is_empty()).then(|| unknown(identity, object, &unfound, "asks for templates"))
}

/// The result of an object from which was to be taken out what was injected.
pub(crate) fn of_removal(identity: &Identity, object: &Value) -> TransformResult {
    beside_removal(identity, object).unwrap_or_else(|| holds_none(identity))
}

/// The refusal of an object that says in other places than its pods that it was injected.
pub(crate) fn beside_removal(identity: &Identity, object: &Value) -> Option<TransformResult> {
    let places = annotated(identity, object, &|key, _| key.starts_with(STATUS_PREFIX));
    let unfound: Vec<_> = places
        .iter()
        .filter(|one| one.shown != "metadata")
        .collect();
    (!unfound.is_empty()).then(|| unknown(identity, object, &unfound, "says that it was injected"))
}

/// The workload whose pod template an object uses, as an Argo Rollout can.
fn referenced(object: &Value) -> Option<String> {
    let reference = object.pointer("/spec/workloadRef")?;
    let text = |key: &str| reference.get(key)?.as_str();
    Some(format!("{}/{}", text("kind")?, text("name")?))
}

/// The refusal of an object with annotations in places of which nothing is known, with the way out.
fn unknown(
    identity: &Identity,
    object: &Value,
    places: &[&Place<'_>],
    says: &str,
) -> TransformResult {
    let kind = with_article(&identity.kind);
    let key = places.first().map_or("", |place| place.key);
    let shown = places
        .iter()
        .map(|place| format!("{}.annotations", place.shown));
    let shown = shown.collect::<Vec<_>>().join(" and ");
    let holders = places
        .iter()
        .map(|place| place.holder())
        .collect::<Vec<_>>();
    let is_template =
        |holder: &&str| !holder.is_empty() && workload::is_pod_template(object, holder);
    let way_out = if holders.iter().all(is_template) {
        format!("name the place with {}", flags(&holders))
    } else {
        "it has none there; leave the object out of the input: the webhook injects its pods when they \
         are created"
            .to_owned()
    };
    let what = if identity.pod_pointer().is_some() {
        format!("where else {kind} has a pod template")
    } else {
        format!("where {kind} has its pod template")
    };
    TransformResult {
        ending: RunResult::Decided(Verdict::Denied),
        code: "PodTemplateUnknown",
        ..TransformResult::plain(
            Reason::NotAPod,
            format!("the annotation {key} at {shown} {says}, but {what} is not known: {way_out}"),
        )
    }
}

/// The flags that name these places: where they differ in one step alone, one flag with `*` there.
fn flags(holders: &[&str]) -> String {
    let mut paths: Vec<Vec<String>> = Vec::new();
    for holder in holders {
        let steps = holder.trim_start_matches('/').split('/').map(|step| {
            // A path has dots between its steps, so that no step can have one.
            let is_plain = !step.contains('.');
            if is_plain {
                step.replace("~1", "/").replace("~0", "~")
            } else {
                "*".to_owned()
            }
        });
        let steps: Vec<_> = steps.collect();
        if !paths.iter_mut().any(|path| joined(path, &steps)) {
            paths.push(steps);
        }
    }
    let flags = paths
        .iter()
        .map(|path| format!("--pod-template-path {}", path.join(".")));
    flags.collect::<Vec<_>>().join(" ")
}

/// Whether a path means these steps too, for which the one step in which they differ becomes `*`.
fn joined(path: &mut [String], steps: &[String]) -> bool {
    if path.len() != steps.len() {
        return false;
    }
    let has_star = path.iter().any(|step| step == "*");
    let pairs = path.iter_mut().zip(steps);
    let mut differing: Vec<_> = pairs
        .filter(|(own, other)| *own != *other && *own != "*")
        .collect();
    if differing.len() > 1 || (has_star && !differing.is_empty()) {
        return false;
    }
    if let Some((own, _)) = differing.first_mut() {
        "*".clone_into(own);
    }
    true
}

/// A map of an object that has annotations with a key that is looked for.
struct Place<'v> {
    /// As a message names it: `spec.groups[0].metadata`.
    shown: String,
    /// Its JSON pointer.
    pointer: String,
    key: &'v str,
}

impl Place<'_> {
    /// The pointer to the map whose `metadata` this is; empty where it is none's.
    fn holder(&self) -> &str {
        self.pointer.strip_suffix("/metadata").unwrap_or_default()
    }
}

/// The places in an object, outside the pods that are known, whose `annotations` have such a key.
fn annotated<'v>(
    identity: &Identity,
    object: &'v Value,
    is_such: &impl Fn(&str, &Value) -> bool,
) -> Vec<Place<'v>> {
    let own = identity.pod_pointer().into_iter();
    let others = identity.other_pods.iter().map(String::as_str);
    let pods: Vec<&str> = own.chain(others).collect();
    let mut places = Vec::new();
    add_annotated(
        object,
        (String::new(), String::new()),
        (&pods, is_such),
        &mut places,
    );
    places
}

fn add_annotated<'v>(
    value: &'v Value,
    (shown, pointer): (String, String),
    (pods, is_such): (&[&str], &impl Fn(&str, &Value) -> bool),
    places: &mut Vec<Place<'v>>,
) {
    if pods.contains(&pointer.as_str()) {
        return;
    }
    let below: Vec<_> = match value {
        Value::Object(map) => {
            let entries = map.iter().map(|(key, value)| {
                let dot = if shown.is_empty() { "" } else { "." };
                let named = format!("{shown}{dot}{key}");
                (value, (named, format!("{pointer}/{}", escape(key))))
            });
            entries.collect()
        }
        Value::Array(items) => {
            let items = items.iter().enumerate().map(|(index, item)| {
                let at = (format!("{shown}[{index}]"), format!("{pointer}/{index}"));
                (item, at)
            });
            items.collect()
        }
        _ => return,
    };
    let annotations = value.get("annotations").and_then(Value::as_object);
    let mut entries = annotations.into_iter().flatten();
    if let Some((key, _)) = entries.find(|(key, value)| is_such(key, value)) {
        places.push(Place {
            shown,
            pointer,
            key,
        });
    }
    for (value, at) in below {
        add_annotated(value, at, (pods, is_such), places);
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
            other_pods: Vec::new(),
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
    fn templates_beside_the_pods_that_are_found_are_refused_all_in_one_way_out() {
        let asks = json!({"metadata": asking(), "spec": {"containers": [{"name": "a"}]}});
        let replicas = json!({"Master": {"template": asks}, "Worker": {"template": asks}});
        let object = json!({"metadata": asking(), "spec": {"replicas": replicas}});
        let job = identity("kubeflow.org/v1", "PyTorchJob");
        let none = of_injection(&job, &object);
        assert_eq!(none.code, "PodTemplateUnknown");
        let told = "spec.replicas.Master.template.metadata.annotations and \
            spec.replicas.Worker.template.metadata.annotations asks for templates, but where a \
            PyTorchJob has its pod template is not known: name the place with --pod-template-path \
            spec.replicas.*.template";
        assert!(none.message.ends_with(told), "{}", none.message);
        let pod = |replica: &str| format!("/spec/replicas/{replica}/template");
        let with = |others: Vec<String>| Identity {
            pod: Some(pod("Master")),
            other_pods: others,
            ..job.clone()
        };
        let one = beside_injection(&with(Vec::new()), &object).unwrap();
        assert_eq!(one.ending, RunResult::Decided(Verdict::Denied));
        let told = "but where else a PyTorchJob has a pod template is not known: name the place \
            with --pod-template-path spec.replicas.Worker.template";
        assert!(one.message.ends_with(told), "{}", one.message);
        assert!(beside_injection(&with(vec![pod("Worker")]), &object).is_none());
        assert!(beside_removal(&with(Vec::new()), &object).is_none());
        assert_eq!(
            flags(&["/spec/driver/template", "/spec/executor", "/spec/a.b/c~1d"]),
            "--pod-template-path spec.driver.template --pod-template-path spec.executor \
             --pod-template-path spec.*.c/d"
        );
    }

    #[test]
    fn metadata_that_a_rollout_gives_its_pods_is_no_pod_template() {
        let strategy = json!({"canary": {"canaryMetadata": asking()}});
        let rollout = Identity {
            pod: Some("/spec/template".to_owned()),
            ..identity("argoproj.io/v1alpha1", "Rollout")
        };
        let object = json!({"spec": {"strategy": strategy, "template": {}}});
        assert!(beside_injection(&rollout, &object).is_none());
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
