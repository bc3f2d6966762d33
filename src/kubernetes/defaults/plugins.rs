//! What admission plugins of the API server add to every pod: the ServiceAccount's token and the default
//! tolerations.

use serde_json::{Map, Value, json};

/// Where the ServiceAccount admission plugin mounts its token.
pub(crate) const TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// How the name of that plugin's volume begins.
pub(crate) const TOKEN_VOLUME: &str = "kube-api-access-";
/// The tolerations that the DefaultTolerationSeconds admission plugin adds.
const DEFAULT_TOLERATIONS: [&str; 2] = [
    "node.kubernetes.io/not-ready",
    "node.kubernetes.io/unreachable",
];

/// For how long those tolerate.
const DEFAULT_TOLERATION_SECONDS: u32 = 300;

/// Whether an element is one that an admission plugin added.
type Test = fn(&Value) -> bool;

/// Takes out the ServiceAccount's volume and mounts, and the default tolerations.
pub(crate) fn without_plugins(definition: &str, object: &mut Map<String, Value>) {
    let lists: &[(&str, Test)] = match definition {
        "Container" => &[("volumeMounts", is_token_mount)],
        "PodSpec" => &[
            ("volumes", is_token_volume),
            ("tolerations", is_default_toleration),
        ],
        _ => return,
    };
    for (name, is_added) in lists {
        if let Some(Value::Array(items)) = object.get_mut(*name) {
            items.retain(|item| !is_added(item));
            if items.is_empty() {
                object.shift_remove(*name);
            }
        }
    }
}

/// Whether a mount is the ServiceAccount admission plugin's.
pub(crate) fn is_token_mount(mount: &Value) -> bool {
    mount.get("mountPath").and_then(Value::as_str) == Some(TOKEN_PATH)
}

/// Whether a volume is the ServiceAccount admission plugin's.
fn is_token_volume(volume: &Value) -> bool {
    let name = volume
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    name.starts_with(TOKEN_VOLUME) && volume.get("projected").is_some()
}

/// Whether a toleration is the DefaultTolerationSeconds admission plugin's.
pub(crate) fn is_default_toleration(toleration: &Value) -> bool {
    let key = toleration
        .get("key")
        .and_then(Value::as_str)
        .unwrap_or_default();
    DEFAULT_TOLERATIONS.contains(&key)
        && toleration.get("tolerationSeconds") == Some(&json!(DEFAULT_TOLERATION_SECONDS))
        && toleration.get("effect").and_then(Value::as_str) == Some("NoExecute")
}

/// Whether that plugin does not add this default beside a toleration.
pub(crate) fn displaces(toleration: &Value, default: &Value) -> bool {
    displaced_keys(toleration).any(|key| default.get("key") == Some(&json!(key)))
}

/// The default tolerations that a toleration displaces.
pub(crate) fn displaced_by(toleration: &Value) -> impl Iterator<Item = Value> {
    displaced_keys(toleration).map(|key| {
        json!({
            "key": key, "operator": "Exists", "effect": "NoExecute",
            "tolerationSeconds": DEFAULT_TOLERATION_SECONDS,
        })
    })
}

/// The taints that a toleration is about and the plugin too
/// (k8s:plugin/pkg/admission/defaulttolerationseconds).
fn displaced_keys(toleration: &Value) -> impl Iterator<Item = &'static str> {
    let text = |field: &str| toleration.get(field).and_then(Value::as_str);
    let is_evicting = matches!(text("effect").unwrap_or_default(), "" | "NoExecute");
    let key = text("key").unwrap_or_default().to_owned();
    DEFAULT_TOLERATIONS
        .into_iter()
        .filter(move |default| is_evicting && (key.is_empty() || key == *default))
}
