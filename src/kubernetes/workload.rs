//! The kinds of objects that hold a pod: where, and who owns the pods that are made of them.

use serde_json::{Value, json};

use super::object::list_at;

const TEMPLATE: &str = "/spec/template";
const JOB_TEMPLATE: &str = "/spec/jobTemplate/spec/template";

/// Where the objects of other kinds have a pod template: Rollout, `CloneSet`, Knative's Service,
/// `DeploymentConfig` and most others have it where a Deployment has it.
const TEMPLATES: [&str; 2] = [TEMPLATE, JOB_TEMPLATE];

/// A kind of object that holds a pod. The version does not matter: `apps/v1` and `apps/v1beta1` keep
/// the pod template in the same place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WorkloadKind {
    /// The API group; the core group is empty.
    pub(crate) group: &'static str,
    pub(crate) kind: &'static str,
    /// What people type for the kind; `None` where commands take no name of such an object.
    names: Option<TypedNames>,
    /// The pointer to the map that holds the pod's `metadata` and `spec`; empty for a pod itself.
    pub(crate) pod_pointer: &'static str,
    /// API version and kind of what owns the pods, where a controller makes them.
    pub(crate) owner: Option<(&'static str, &'static str)>,
}

/// What people type for a kind, besides the kind itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TypedNames {
    plural: &'static str,
    /// kubectl's own short name.
    short: &'static str,
}

#[rustfmt::skip]
const KINDS: [WorkloadKind; 9] = [
    kind("", "Pod", Some(("pods", "po")), "", None),
    kind("", "PodTemplate", None, "/template", None),
    kind("", "ReplicationController", None, TEMPLATE, Some(("v1", "ReplicationController"))),
    kind("apps", "Deployment", Some(("deployments", "deploy")), TEMPLATE, Some(("apps/v1", "ReplicaSet"))),
    kind("apps", "ReplicaSet", Some(("replicasets", "rs")), TEMPLATE, Some(("apps/v1", "ReplicaSet"))),
    kind("apps", "StatefulSet", Some(("statefulsets", "sts")), TEMPLATE, Some(("apps/v1", "StatefulSet"))),
    kind("apps", "DaemonSet", Some(("daemonsets", "ds")), TEMPLATE, Some(("apps/v1", "DaemonSet"))),
    kind("batch", "Job", Some(("jobs", "job")), TEMPLATE, Some(("batch/v1", "Job"))),
    kind("batch", "CronJob", Some(("cronjobs", "cj")), JOB_TEMPLATE, Some(("batch/v1", "Job"))),
];

const fn kind(
    group: &'static str,
    kind: &'static str,
    names: Option<(&'static str, &'static str)>,
    pod_pointer: &'static str,
    owner: Option<(&'static str, &'static str)>,
) -> WorkloadKind {
    let names = match names {
        Some((plural, short)) => Some(TypedNames { plural, short }),
        None => None,
    };
    WorkloadKind {
        group,
        kind,
        names,
        pod_pointer,
        owner,
    }
}

/// The kind of this group and name, if it holds a pod.
pub(crate) fn find(group: &str, kind: &str) -> Option<&'static WorkloadKind> {
    KINDS
        .iter()
        .find(|known| known.group == group && known.kind == kind)
}

/// The kind that people mean by a word, as kubectl takes it (`pod`, `pods`, `po`), and its plural.
pub(crate) fn named(word: &str) -> Option<(&'static WorkloadKind, &'static str)> {
    let word = word.to_ascii_lowercase();
    KINDS.iter().find_map(|known| {
        let names = known.names?;
        let is_meant =
            word == known.kind.to_ascii_lowercase() || word == names.plural || word == names.short;
        is_meant.then_some((known, names.plural))
    })
}

/// The pointer to the pod template of an object of another kind, where it has one in a usual place: a
/// map with containers in its `spec`.
pub(crate) fn pod_template(object: &Value) -> Option<&'static str> {
    TEMPLATES
        .into_iter()
        .find(|pointer| is_pod_template(object, pointer))
}

/// Whether an object has a map with containers in its `spec` there.
pub(crate) fn is_pod_template(object: &Value, pointer: &str) -> bool {
    !list_at(object, &format!("{pointer}/spec/containers")).is_empty()
}

/// Kinds without a pod template: their controllers make pods, or workloads, of fields here and there or
/// change those of others, and give them annotations of the object's own, or of such a field.
#[rustfmt::skip]
const SCATTERED: [(&str, &[&str]); 11] = [
    (
        "argoproj.io",
        &[
            "Application",
            "ApplicationSet",
            "Workflow",
            "WorkflowTemplate",
            "ClusterWorkflowTemplate",
            "CronWorkflow",
            "EventSource",
            "Sensor",
        ],
    ),
    ("tekton.dev", &["Task", "TaskRun", "Pipeline", "PipelineRun", "ClusterTask", "CustomRun"]),
    ("sparkoperator.k8s.io", &["SparkApplication", "ScheduledSparkApplication"]),
    ("monitoring.coreos.com", &["Prometheus", "PrometheusAgent", "Alertmanager", "ThanosRuler"]),
    ("postgresql.cnpg.io", &["Cluster", "Pooler"]),
    ("kyverno.io", &["ClusterPolicy", "Policy"]),
    ("policies.kyverno.io", &["MutatingPolicy", "NamespacedMutatingPolicy"]),
    ("mutations.gatekeeper.sh", &["Assign", "AssignMetadata", "ModifySet"]),
    ("kustomize.toolkit.fluxcd.io", &["Kustomization"]),
    ("helm.toolkit.fluxcd.io", &["HelmRelease"]),
    ("kafka.strimzi.io", &["Kafka", "KafkaNodePool", "KafkaConnect", "KafkaBridge", "KafkaMirrorMaker2"]),
];

/// Whether it is known that a kind's controller makes or changes pods without a pod template.
pub(crate) fn has_scattered_pod(group: &str, kind: &str) -> bool {
    let mut known = SCATTERED.iter();
    known.any(|(own, kinds)| *own == group && kinds.contains(&kind))
}

/// Whether a kind's controller gives the metadata at a pointer to pods of the object's own pod template,
/// as that of Argo's Rollout does with `canaryMetadata` and the like.
pub(crate) fn is_given_to_pods(group: &str, kind: &str, pointer: &str) -> bool {
    (group, kind) == ("argoproj.io", "Rollout") && pointer.starts_with("/spec/strategy/")
}

/// Whether kinds of an API group are anybody's own, so that their controllers may make pods: Kubernetes'
/// own groups are a word, or end with `.k8s.io`, which others may use after `x-`.
pub(crate) fn may_have_pods(group: &str) -> bool {
    let is_kubernetes = !group.contains('.') || group.ends_with(".k8s.io");
    !is_kubernetes || group.ends_with(".x-k8s.io")
}

/// The pointer to the claims beside the pod template of a kind, each of which becomes a volume of its
/// pods. Of the kinds that are known a `StatefulSet` has some; of others it cannot be told, and what
/// stands there is meant so.
pub(crate) fn claims_pointer(group: &str, kind: &str, pod_pointer: &str) -> Option<String> {
    let has_none = find(group, kind).is_some_and(|known| known.kind != "StatefulSet");
    let (beside, _) = pod_pointer.rsplit_once('/').filter(|_| !has_none)?;
    Some(format!("{beside}/volumeClaimTemplates"))
}

/// The volumes of the set's first pod that its controller makes of these claims
/// (`kubernetes:pkg/controller/statefulset/stateful_set_utils.go`, `updateStorage`).
pub(crate) fn claim_volumes(set: &str, claims: &[Value]) -> Vec<Value> {
    let names = claims
        .iter()
        .filter_map(|claim| claim.pointer("/metadata/name")?.as_str());
    names
        .map(|name| {
            let claim = format!("{name}-{set}-0");
            json!({"name": name, "persistentVolumeClaim": {"claimName": claim}})
        })
        .collect()
}
