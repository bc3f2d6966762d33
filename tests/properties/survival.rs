//! Whether everything that the user wrote is still there, in its order and unchanged.

use serde_json::Value;

/// Annotations that Pillion writes.
const OURS: [&str; 2] = ["pillion.dev/status.", "pillion.dev/file."];
/// The list that Pillion adds to.
const SAFE_TO_EVICT: &str = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes";
/// What the API server would have filled in: it counts as not written.
const DEFAULTS: [(&str, &str); 5] = [
    ("dnsPolicy", "ClusterFirst"),
    ("schedulerName", "default-scheduler"),
    ("terminationMessagePath", "/dev/termination-log"),
    ("terminationMessagePolicy", "File"),
    ("image", "auto"),
];

/// The same of fields of a pod's spec, where a template may set something else; in a container or in a
/// probe they mean something else.
fn is_default_of_pod(key: &str, before: &Value) -> bool {
    match key {
        "enableServiceLinks" => *before == Value::Bool(true),
        "restartPolicy" => *before == "Always",
        "terminationGracePeriodSeconds" => *before == 30,
        _ => false,
    }
}

/// The first place where something of the user's is missing or changed.
pub(crate) fn lost(before: &Value, after: &Value, key: &str) -> Option<String> {
    let at = |inner: String| Some(format!("{key}/{inner}"));
    match (before, after) {
        (Value::Null, _) => None,
        (Value::Object(before), Value::Object(after)) => before.iter().find_map(|(name, value)| {
            let null = Value::Null;
            if key == "spec" && is_default_of_pod(name, value) {
                return None;
            }
            lost(value, after.get(name).unwrap_or(&null), name).and_then(at)
        }),
        (Value::Array(before), Value::Array(after)) => {
            let mut rest = after.iter();
            let missing = before
                .iter()
                .position(|item| !rest.any(|found| lost(item, found, "").is_none()));
            missing.and_then(|index| at(index.to_string()))
        }
        _ if before == after || is_ours(key, before, after) => None,
        _ => Some(key.to_owned()),
    }
}

fn is_ours(key: &str, before: &Value, after: &Value) -> bool {
    let before = before.as_str().unwrap_or_default();
    let after = after.as_str().unwrap_or_default();
    OURS.iter().any(|prefix| key.starts_with(prefix))
        || key == SAFE_TO_EVICT && after.starts_with(before)
        || DEFAULTS.contains(&(key, before))
        // The policy that follows from an image counts as not written either.
        || key == "imagePullPolicy" && before != "Never"
}
