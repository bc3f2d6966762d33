//! The API server's defaults, which count as unset.
//!
//! The pod of a review is defaulted already: it holds `terminationGracePeriodSeconds: 30` whether
//! its author wrote that or nothing. So that "where the user has nothing" means the same for the
//! webhook and for a file, a value of this table counts as nothing, and expressions see the
//! defaults filled in either way (k8s:pkg/apis/core/v1/defaults.go; tried on a real API server).

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use crate::kubernetes::fields::{DefaultValue, FIELDS};
use crate::kubernetes::image_reference::Reference;
use crate::kubernetes::quantity::Quantity;
use crate::kubernetes::schema::{self, FieldType};

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

/// The default of a field, where it has one that does not depend on other fields.
pub(crate) fn default_of(definition: &str, field: &str) -> Option<Value> {
    let default = schema::facts(definition, field)?.default?;
    Some(default.to_value())
}

/// Whether a value says no more than the API server would have filled in.
pub(crate) fn is_default(definition: &str, field: &str, value: &Value) -> bool {
    schema::facts(definition, field)
        .and_then(|facts| facts.default)
        .is_some_and(|default| default.is(value))
}

/// The fields of a definition that have defaults.
fn filled(definition: &str) -> &'static [(&'static str, DefaultValue)] {
    static FILLED: LazyLock<HashMap<&str, Vec<(&str, DefaultValue)>>> = LazyLock::new(|| {
        let mut filled: HashMap<_, Vec<_>> = HashMap::new();
        for facts in FIELDS {
            if let Some(default) = facts.default {
                filled
                    .entry(facts.definition)
                    .or_default()
                    .push((facts.name, default));
            }
        }
        filled
    });
    FILLED.get(definition).map_or(&[], Vec::as_slice)
}

/// Fills in the API server's defaults, spells amounts as it does, and takes out what its admission
/// plugins add, in a value of this definition.
pub(crate) fn fill(definition: &str, value: &mut Value) {
    let Value::Object(object) = value else {
        return;
    };
    for (name, default) in filled(definition) {
        if object.get(*name).is_none_or(Value::is_null) {
            object.insert((*name).to_owned(), default.to_value());
        }
    }
    if definition == "Container" {
        fill_container(object);
    }
    for (name, inner) in object.iter_mut() {
        if let Some(field) = schema::field(definition, name) {
            fill_typed(&field.ty, inner);
        }
    }
    without_plugins(definition, object);
}

/// Fills in the API server's defaults in a value of this type, and spells amounts as it does: `1.5Gi`
/// of a file is `1536Mi` in a review, and `cpu: 1` is a text.
pub(crate) fn fill_typed(ty: &FieldType, value: &mut Value) {
    match (ty, value) {
        (FieldType::Object(name), value) => fill(name, value),
        (FieldType::Quantity, value) => {
            if let Some(amount) = Quantity::in_field(value) {
                *value = amount.to_string().into();
            }
        }
        (FieldType::List(element), Value::Array(items)) => {
            for item in items {
                fill_typed(element, item);
            }
        }
        (FieldType::Map(inner), Value::Object(fields)) => {
            for field in fields.values_mut() {
                fill_typed(inner, field);
            }
        }
        _ => {}
    }
}

/// Defaults that depend on other fields: the pull policy on the tag, requests on limits.
fn fill_container(container: &mut Map<String, Value>) {
    if let Some(image) = container.get("image").and_then(Value::as_str) {
        let policy = Reference::pull_policy(image);
        container
            .entry("imagePullPolicy")
            .or_insert_with(|| policy.into());
    }
    let Some(Value::Object(resources)) = container.get_mut("resources") else {
        return;
    };
    let Some(Value::Object(limits)) = resources.get("limits").cloned() else {
        return;
    };
    if let Value::Object(requests) = resources.entry("requests").or_insert_with(|| json!({})) {
        for (name, limit) in limits {
            requests.entry(name).or_insert(limit);
        }
    }
}

/// Whether a field's absence says the same as a value; `drops_zero`: the API server drops the field
/// where it is zero.
pub(crate) fn absence_says(drops_zero: bool, ty: &FieldType, value: &Value) -> bool {
    match (ty, value) {
        (_, Value::Null) => true,
        (FieldType::Text, Value::String(text)) => text.is_empty(),
        (FieldType::List(_), Value::Array(items)) => items.is_empty(),
        (FieldType::Map(_), Value::Object(fields)) => fields.is_empty(),
        (_, Value::Object(fields)) => drops_zero && fields.is_empty(),
        (_, Value::Bool(value)) => drops_zero && !value,
        (_, Value::Number(number)) => drops_zero && number.as_i64() == Some(0),
        _ => false,
    }
}

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
pub(crate) fn is_token_volume(volume: &Value) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_and_a_defaulted_container_look_the_same() {
        let mut written = json!({"name": "a", "image": "r:5000/a", "ports": [{"containerPort": 80}],
            "resources": {"limits": {"cpu": "1"}}, "livenessProbe": {"httpGet": {"port": 80}}});
        let mut defaulted = json!({"name": "a", "image": "r:5000/a", "imagePullPolicy": "Always",
            "ports": [{"containerPort": 80, "protocol": "TCP"}],
            "resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "1"}},
            "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
            "livenessProbe": {"httpGet": {"port": 80, "path": "/", "scheme": "HTTP"},
                "timeoutSeconds": 1, "successThreshold": 1, "periodSeconds": 10,
                "failureThreshold": 3},
            "volumeMounts": [{"name": "kube-api-access-x", "mountPath": TOKEN_PATH}]});
        fill("Container", &mut written);
        fill("Container", &mut defaulted);
        assert_eq!(written, defaulted);
    }

    #[test]
    fn amounts_are_spelled_as_the_api_server_spells_them() {
        let mut spec = json!({
            "terminationGracePeriodSeconds": 5, "overhead": {"cpu": 1, "memory": "0.5Gi"},
            "resources": {"limits": {"memory": "4096Mi"}},
            "volumes": [{"name": "v", "emptyDir": {"sizeLimit": 1000}},
                {"name": "e", "ephemeral": {"volumeClaimTemplate": {"spec": {
                    "resources": {"requests": {"storage": "2.50Gi"}}}}}}],
            "containers": [{"name": "a", "image": "a:1",
                "env": [{"name": "M", "valueFrom": {"resourceFieldRef":
                    {"resource": "limits.memory", "divisor": "1024Ki"}}}, {"name": "T", "value": "1000m"}],
                "resources": {"limits": {"cpu": 0.5, "memory": "1.5Gi", "example.com/x": "1000m"},
                    "requests": {"cpu": "0.1", "memory": "1e3", "odd": "much"}}}]});
        fill("PodSpec", &mut spec);
        for (pointer, expected) in [
            ("/terminationGracePeriodSeconds", json!(5)),
            ("/overhead", json!({"cpu": "1", "memory": "512Mi"})),
            ("/resources/limits/memory", json!("4Gi")),
            ("/volumes/0/emptyDir/sizeLimit", json!("1k")),
            (
                "/volumes/1/ephemeral/volumeClaimTemplate/spec/resources/requests/storage",
                json!("2560Mi"),
            ),
            (
                "/containers/0/env/0/valueFrom/resourceFieldRef/divisor",
                json!("1Mi"),
            ),
            ("/containers/0/env/1/value", json!("1000m")),
            (
                "/containers/0/resources/limits",
                json!({"cpu": "500m", "memory": "1536Mi", "example.com/x": "1"}),
            ),
            (
                "/containers/0/resources/requests",
                json!({"cpu": "100m", "memory": "1e3", "odd": "much", "example.com/x": "1"}),
            ),
        ] {
            assert_eq!(spec.pointer(pointer), Some(&expected), "{pointer}");
        }
    }
}
