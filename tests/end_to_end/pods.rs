//! What scenarios ask of a pod as the API server returns it. Pods are plain JSON here, so
//! that nothing which a typed object does not know can be overlooked.

use k8s_openapi::api::core::v1::Pod;
use serde_json::Value;

use crate::support::failure::{During, Outcome};

/// Where the `ServiceAccount` plugin mounts the token.
pub(crate) const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// A typed pod as JSON.
pub(crate) fn plain(pod: &Pod) -> Outcome<Value> {
    serde_json::to_value(pod).during("read a pod")
}

/// The elements of a list at this JSON pointer, none when it is absent.
pub(crate) fn list<'a>(pod: &'a Value, pointer: &str) -> &'a [Value] {
    pod.pointer(pointer)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// The names in a list at this JSON pointer.
pub(crate) fn names<'a>(pod: &'a Value, pointer: &str) -> Vec<&'a str> {
    list(pod, pointer)
        .iter()
        .filter_map(|element| element.get("name")?.as_str())
        .collect()
}

/// The container or init container of this name; an error where there is not exactly one.
pub(crate) fn container<'a>(pod: &'a Value, name: &str) -> &'a Value {
    let of_name = |container: &&Value| container.get("name").and_then(Value::as_str) == Some(name);
    let found: Vec<&Value> = list(pod, "/spec/initContainers")
        .iter()
        .chain(list(pod, "/spec/containers"))
        .filter(of_name)
        .collect();
    assert_eq!(found.len(), 1, "containers named {name} in {pod:#}");
    found.first().copied().unwrap_or(&Value::Null)
}

/// The value of an environment variable of a container.
pub(crate) fn env<'a>(container: &'a Value, name: &str) -> Option<&'a str> {
    let mut variables = list(container, "/env").iter();
    let of_name = |variable: &&Value| variable.get("name").and_then(Value::as_str) == Some(name);
    variables.rfind(of_name)?.get("value")?.as_str()
}

/// An annotation of the pod.
pub(crate) fn annotation<'a>(pod: &'a Value, key: &str) -> Option<&'a str> {
    pod.get("metadata")?.get("annotations")?.get(key)?.as_str()
}

/// The templates that left a status on the pod, sorted.
pub(crate) fn templates_with_status(pod: &Value) -> Vec<&str> {
    let annotations = pod.pointer("/metadata/annotations");
    let mut found: Vec<&str> = annotations
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(serde_json::Map::keys)
        .filter_map(|key| key.strip_prefix("pillion.dev/status."))
        .collect();
    found.sort_unstable();
    found
}

/// The status of one template, which must be there and be JSON with the verdict in it.
pub(crate) fn status(pod: &Value, template: &str) -> Value {
    let text = annotation(pod, &format!("pillion.dev/status.{template}"));
    let text = text.unwrap_or_default();
    let status: Value = serde_json::from_str(text).unwrap_or_default();
    assert!(
        status.is_object(),
        "the status of {template} is no JSON object, but {text:?}, in {pod:#}"
    );
    status
}

/// Asserts that the pod has its pool exactly once, as a native sidecar, and that the user's
/// container is as it was, with the pool's address added.
pub(crate) fn assert_has_pool(pod: &Value) {
    let pool = container(pod, "pgbouncer");
    assert_eq!(pool["restartPolicy"], "Always", "a native sidecar: {pod:#}");
    assert_eq!(names(pod, "/spec/containers"), ["app"], "{pod:#}");
    let app = container(pod, "app");
    assert_eq!(app["image"], "registry.example.com/app:1.4.2");
    assert_eq!(env(app, "MODE"), Some("live"));
    assert_eq!(env(app, "DATABASE_HOST"), Some("localhost"), "{pod:#}");
    assert_eq!(status(pod, "pgbouncer")["verdict"], "Injected", "{pod:#}");
}

/// Asserts that nothing of Pillion's is in the pod.
pub(crate) fn assert_untouched(pod: &Value) {
    assert_eq!(names(pod, "/spec/containers"), ["app"], "{pod:#}");
    assert!(list(pod, "/spec/initContainers").is_empty(), "{pod:#}");
    assert!(templates_with_status(pod).is_empty(), "{pod:#}");
    assert_eq!(env(container(pod, "app"), "DATABASE_HOST"), None);
}
