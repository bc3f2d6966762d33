//! Which objects hold a pod, and where.
//!
//! Objects are known by API group and kind, in any version: `apps/v1` and `apps/v1beta1` keep the
//! pod template in the same place. An object of any other kind holds a pod where it has a pod template
//! in a usual place, and in those that the configuration adds, so that it may have several. Lists hold objects: `List`, the typed lists that `kubectl get`
//! prints (whose items may leave out their own kind), and the `ResourceList` of KRM functions.

use std::convert::Infallible;
use std::fmt;

use serde_json::Value;

use super::pod_path::PodPath;
use crate::kubernetes::workload;

/// The group of KRM functions' `ResourceList`.
const FUNCTION_GROUP: &str = "config.kubernetes.io";

/// What an object is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    /// `metadata.namespace`, else, for an object that holds a pod, the namespace that was given for
    /// those without one; empty for others, which may well belong to no namespace.
    pub(crate) namespace: String,
    /// `metadata.name`, else `metadata.generateName` with a `*` behind it; empty without either.
    pub(crate) name: String,
    /// Where it has its pod.
    pub(crate) pod: Option<String>,
    /// Where it has further pods, each of which is an identity of its own.
    pub(crate) other_pods: Vec<String>,
    /// Where it stands in its document: a JSON pointer, empty outside lists.
    pub(crate) place: String,
}

/// What objects are looked at with.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Scope<'s> {
    /// The namespace of objects that name none.
    pub(crate) namespace: &'s str,
    /// Where objects of kinds that are not known have pod templates too.
    pub(crate) paths: &'s [PodPath],
}

impl<'s> From<&'s str> for Scope<'s> {
    fn from(namespace: &'s str) -> Self {
        Self {
            namespace,
            paths: &[],
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = [&self.kind, &self.namespace, &self.name]
            .into_iter()
            .filter(|part| !part.is_empty());
        formatter.write_str(parts.next().map_or("", String::as_str))?;
        parts.try_for_each(|part| write!(formatter, "/{part}"))
    }
}

impl Identity {
    fn of(
        object: &Value,
        type_name: &TypeName,
        namespace: &str,
        pod: Option<String>,
        place: &str,
    ) -> Self {
        let metadata = |key: &str| object.get("metadata")?.get(key)?.as_str();
        let TypeName { api_version, kind } = type_name;
        let mut identity = Self {
            api_version: api_version.clone(),
            kind: kind.clone(),
            pod,
            other_pods: Vec::new(),
            place: place.to_owned(),
            namespace: metadata("namespace").unwrap_or_default().to_owned(),
            name: metadata("name")
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .or_else(|| Some(format!("{}*", metadata("generateName")?)))
                .unwrap_or_default(),
        };
        if identity.namespace.is_empty() && identity.pod_pointer().is_some() {
            namespace.clone_into(&mut identity.namespace);
        }
        identity
    }

    /// The pointer to the map that holds the pod's `metadata` and `spec`; empty for a pod itself.
    /// `None` for an object without a pod.
    pub(crate) fn pod_pointer(&self) -> Option<&str> {
        self.pod.as_deref()
    }

    /// Whether Kubernetes itself has this kind with a pod, in one place that is known.
    pub(crate) fn is_built_in(&self) -> bool {
        workload::find(self.group(), &self.kind).is_some()
    }

    /// The API group; empty for the core group.
    pub(crate) fn group(&self) -> &str {
        group(&self.api_version)
    }

    /// Whether this is a Namespace.
    pub(crate) fn is_namespace(&self) -> bool {
        self.group().is_empty() && self.kind == "Namespace"
    }
}

/// Whether a document is a `ResourceList`, which carries the results of functions.
pub(crate) fn is_resource_list(document: &Value) -> bool {
    TypeName::of(document, None).is_some_and(|name| name.is_resource_list())
}

/// Calls `visit` for each object of a document, lists opened, and once for each pod of an object that
/// has several. Returns whether the document is a Kubernetes object at all, that is, whether it has an
/// `apiVersion` and a `kind`.
pub(crate) fn each_object<'s>(
    document: &mut Value,
    scope: impl Into<Scope<'s>>,
    mut visit: impl FnMut(&Identity, &mut Value),
) -> bool {
    let Ok(is_object) = try_each_object(document, scope, |identity, object| {
        visit(identity, object);
        Ok::<(), Infallible>(())
    });
    is_object
}

/// The same until `visit` fails.
pub(crate) fn try_each_object<'s, E>(
    document: &mut Value,
    scope: impl Into<Scope<'s>>,
    mut visit: impl FnMut(&Identity, &mut Value) -> Result<(), E>,
) -> Result<bool, E> {
    each_below(document, ("", None), scope.into(), &mut visit)
}

/// Where an object has pods.
fn pods(object: &Value, type_name: &TypeName, scope: Scope<'_>) -> Vec<String> {
    let TypeName { api_version, kind } = type_name;
    if let Some(known) = workload::find(group(api_version), kind) {
        return vec![known.pod_pointer.to_owned()];
    }
    let named = scope.paths.iter().flat_map(|path| path.pointers(object));
    let named = named.filter(|pointer| workload::is_pod_template(object, pointer));
    let usual = workload::pod_template(object).map(str::to_owned);
    let mut found = Vec::new();
    for pointer in usual.into_iter().chain(named) {
        if !found.contains(&pointer) {
            found.push(pointer);
        }
    }
    found
}

fn each_below<E>(
    value: &mut Value,
    (place, inherited): (&str, Option<&TypeName>),
    scope: Scope<'_>,
    visit: &mut impl FnMut(&Identity, &mut Value) -> Result<(), E>,
) -> Result<bool, E> {
    let Some(type_name) = TypeName::of(value, inherited) else {
        return Ok(false);
    };
    let Some(object) = value.as_object_mut() else {
        return Ok(false);
    };
    let items = object.get_mut("items").and_then(Value::as_array_mut);
    match items.filter(|_| type_name.is_list()) {
        Some(items) => {
            let of_items = type_name.of_items();
            for (index, item) in items.iter_mut().enumerate() {
                let place = format!("{place}/items/{index}");
                each_below(item, (&place, of_items.as_ref()), scope, visit)?;
            }
        }
        None => {
            let pods = pods(value, &type_name, scope);
            let identity = |pod| Identity::of(value, &type_name, scope.namespace, pod, place);
            let found: Vec<_> = if pods.is_empty() {
                vec![identity(None)]
            } else {
                let each = pods.iter().map(|pod| Identity {
                    other_pods: pods.iter().filter(|one| *one != pod).cloned().collect(),
                    ..identity(Some(pod.clone()))
                });
                each.collect()
            };
            for identity in found {
                visit(&identity, value)?;
            }
        }
    }
    Ok(true)
}

/// `apiVersion` and `kind`.
#[derive(Debug, Clone)]
struct TypeName {
    api_version: String,
    kind: String,
}

impl TypeName {
    fn of(value: &Value, inherited: Option<&Self>) -> Option<Self> {
        let text = |key: &str| {
            let text = value.get(key)?.as_str()?;
            (!text.is_empty()).then(|| text.to_owned())
        };
        match (text("apiVersion"), text("kind")) {
            (Some(api_version), Some(kind)) => Some(Self { api_version, kind }),
            (None, None) => value.is_object().then_some(inherited).flatten().cloned(),
            _ => None,
        }
    }

    fn is_resource_list(&self) -> bool {
        group(&self.api_version) == FUNCTION_GROUP && self.kind == "ResourceList"
    }

    fn is_list(&self) -> bool {
        self.kind.ends_with("List")
    }

    /// What the items of a typed list are where they do not say it themselves.
    fn of_items(&self) -> Option<Self> {
        let kind = self.kind.strip_suffix("List")?;
        (!kind.is_empty() && !self.is_resource_list()).then(|| Self {
            api_version: self.api_version.clone(),
            kind: kind.to_owned(),
        })
    }
}

/// The group of an `apiVersion`; empty for the core group.
fn group(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn objects(document: Value) -> Vec<(String, Option<String>)> {
        objects_at(document, &[])
    }

    fn objects_at(mut document: Value, paths: &[PodPath]) -> Vec<(String, Option<String>)> {
        let mut seen = Vec::new();
        let scope = Scope {
            namespace: "here",
            paths,
        };
        assert!(each_object(&mut document, scope, |identity, _| {
            seen.push((identity.to_string(), identity.pod.clone()));
        }));
        seen
    }

    #[test]
    fn every_kind_that_holds_a_pod_is_known() {
        let table = [
            ("v1", "Pod", Some("")),
            ("v1", "PodTemplate", Some("/template")),
            ("v1", "ReplicationController", Some("/spec/template")),
            ("apps/v1", "Deployment", Some("/spec/template")),
            ("apps/v1", "ReplicaSet", Some("/spec/template")),
            ("apps/v1", "StatefulSet", Some("/spec/template")),
            ("apps/v1beta2", "DaemonSet", Some("/spec/template")),
            ("batch/v1", "Job", Some("/spec/template")),
            (
                "batch/v1",
                "CronJob",
                Some("/spec/jobTemplate/spec/template"),
            ),
            ("serving.knative.dev/v1", "Service", None),
            ("example.org/v1", "Deployment", None),
            ("v1", "Deployment", None),
            ("v1", "Service", None),
        ];
        for (api_version, kind, pointer) in table {
            let object = json!({
                "apiVersion": api_version, "kind": kind,
                "metadata": {"name": "web", "namespace": "shop"},
            });
            let pointer = pointer.map(str::to_owned);
            assert_eq!(objects(object), [(format!("{kind}/shop/web"), pointer)]);
        }
        let spec = json!({"containers": [{"name": "a"}]});
        for (kind, object, pointer) in [
            (
                "Rollout",
                json!({"template": {"spec": spec}}),
                "/spec/template",
            ),
            (
                "AdvancedCronJob",
                json!({"jobTemplate": {"spec": {"template": {"spec": spec}}}}),
                "/spec/jobTemplate/spec/template",
            ),
        ] {
            let object = json!({"apiVersion": "example.org/v1", "kind": kind, "spec": object});
            let pointer = Some(pointer.to_owned());
            assert_eq!(objects(object), [(format!("{kind}/here"), pointer)]);
        }
    }

    #[test]
    fn paths_of_the_configuration_find_each_pod_of_kinds_that_are_not_known() {
        let paths: Vec<PodPath> = ["spec.replicaSpecs.*.template", "spec.driver"]
            .iter()
            .map(|path| path.parse().unwrap())
            .collect();
        let template = json!({"spec": {"containers": [{"name": "a"}]}});
        let job = json!({"apiVersion": "example.org/v1", "kind": "TrainJob", "spec": {
            "replicaSpecs": {"master": {"template": template}, "worker": {"template": template}},
            "driver": {"cores": 1},
        }});
        let found = |pod: &str| ("TrainJob/here".to_owned(), Some(pod.to_owned()));
        assert_eq!(
            objects_at(job, &paths),
            [
                found("/spec/replicaSpecs/master/template"),
                found("/spec/replicaSpecs/worker/template"),
            ]
        );
        // The usual place counts too, once.
        let both = json!({"apiVersion": "example.org/v1", "kind": "TrainJob", "spec": {
            "template": template, "driver": template}});
        let paths = [paths, vec!["spec.template".parse().unwrap()]].concat();
        assert_eq!(
            objects_at(both, &paths),
            [found("/spec/template"), found("/spec/driver")]
        );
        // A kind that is known has its pod where that has it.
        let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "spec": {"driver": template}});
        let known = Some("/spec/template".to_owned());
        assert_eq!(
            objects_at(deployment, &paths),
            [("Deployment/here".to_owned(), known)]
        );
    }

    #[test]
    fn lists_are_opened() {
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "a-"}});
        let inner = json!({"apiVersion": "v1", "kind": "List", "items": [pod]});
        let outer = json!({"apiVersion": "v1", "kind": "List", "items": [inner, {"no": "kind"}]});
        assert_eq!(
            objects(outer),
            [("Pod/here/a-*".to_owned(), Some(String::new()))]
        );

        let typed = json!({"apiVersion": "apps/v1", "kind": "DeploymentList",
            "items": [{"metadata": {"name": "web"}}]});
        assert_eq!(
            objects(typed),
            [(
                "Deployment/here/web".to_owned(),
                Some("/spec/template".to_owned())
            )]
        );

        let function = json!({"apiVersion": "config.kubernetes.io/v1", "kind": "ResourceList",
            "items": [pod], "functionConfig": {"apiVersion": "v1", "kind": "Pod"}});
        assert!(is_resource_list(&function));
        assert_eq!(
            objects(function),
            [("Pod/here/a-*".to_owned(), Some(String::new()))]
        );
    }

    #[test]
    fn other_documents_are_no_objects() {
        for mut document in [
            json!(null),
            json!([1]),
            json!({"kind": "Pod"}),
            json!({"a": 1}),
        ] {
            let visited = try_each_object(&mut document, "here", |_, _| Err(()));
            assert_eq!(visited, Ok(false));
        }
    }
}
