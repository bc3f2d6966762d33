//! Which kinds of objects hold a pod, and where.

/// The pointer to the map that holds the pod's `metadata` and `spec`; empty for a pod itself,
/// `None` for every kind without one. The version does not matter: `apps/v1` and `apps/v1beta1`
/// keep the pod template in the same place. The core group is empty.
pub fn pod_pointer(group: &str, kind: &str) -> Option<&'static str> {
    match (group, kind) {
        ("", "Pod") => Some(""),
        ("", "PodTemplate") => Some("/template"),
        ("", "ReplicationController")
        | ("apps", "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet")
        | ("batch", "Job") => Some("/spec/template"),
        ("batch", "CronJob") => Some("/spec/jobTemplate/spec/template"),
        _ => None,
    }
}
