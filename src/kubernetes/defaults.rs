//! The API server's defaults, which count as unset.
//!
//! The pod of a review is defaulted already: it holds `terminationGracePeriodSeconds: 30` whether
//! its author wrote that or nothing. So that "where the user has nothing" means the same for the
//! webhook and for a file, a value of this table counts as nothing, and expressions see the
//! defaults filled in either way (k8s:pkg/apis/core/v1/defaults.go; tried on a real API server).

mod plugins;
#[cfg(test)]
mod samples;

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use crate::kubernetes::fields::{DefaultValue, FIELDS};
use crate::kubernetes::image_reference::Reference;
use crate::kubernetes::quantity::Quantity;
use crate::kubernetes::schema::{self, Field, FieldType};
pub(crate) use plugins::{
    TOKEN_PATH, TOKEN_VOLUME, displaced_by, displaces, is_default_toleration, is_token_mount,
    without_plugins,
};
#[cfg(test)]
pub(crate) use samples::samples;

/// The default of a field, where it has one that does not depend on other fields.
pub(crate) fn default_of(definition: &str, field: &str) -> Option<Value> {
    let default = schema::facts(definition, field)?.default?;
    Some(default.to_value())
}

/// The default of a field in an object whose other fields `get` gives.
pub(crate) fn default_beside<'v>(
    definition: &str,
    field: &str,
    get: impl Fn(&str) -> Option<&'v Value>,
) -> Option<Value> {
    match image_of_policy(definition, field) {
        Some(image) => {
            let image = get(image).and_then(Value::as_str)?;
            Some(Reference::pull_policy(image).into())
        }
        None => default_of(definition, field),
    }
}

/// Whether a value says no more than the API server would have filled in.
pub(crate) fn is_default(definition: &str, field: &str, value: &Value) -> bool {
    schema::facts(definition, field)
        .and_then(|facts| facts.default)
        .is_some_and(|default| default.is(value))
}

/// Whether a field says what its absence would say, in an object whose other fields `get` gives.
pub(crate) fn says_nothing<'v>(
    definition: &str,
    name: &str,
    field: &Field,
    value: &Value,
    get: impl Fn(&str) -> Option<&'v Value>,
) -> bool {
    if absence_says(field, value) {
        return true;
    }
    match image_of_policy(definition, name) {
        Some(image) => {
            let image = get(image).and_then(Value::as_str);
            image.map(Reference::pull_policy) == value.as_str()
        }
        None => {
            let default = field.facts.and_then(|facts| facts.default);
            default.is_some_and(|default| default.is(value))
        }
    }
}

/// The field with the image by whose tag this pull policy is defaulted.
fn image_of_policy(definition: &str, field: &str) -> Option<&'static str> {
    match (definition, field) {
        ("Container", "imagePullPolicy") => Some("image"),
        ("ImageVolumeSource", "pullPolicy") => Some("reference"),
        _ => None,
    }
}

/// The fields of a definition that every API server fills in.
fn filled(definition: &str) -> &'static [(&'static str, DefaultValue)] {
    static FILLED: LazyLock<HashMap<&str, Vec<(&str, DefaultValue)>>> = LazyLock::new(|| {
        let mut filled: HashMap<_, Vec<_>> = HashMap::new();
        for facts in FIELDS.iter().filter(|facts| !facts.is_gated) {
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

/// Makes a value of this definition what it is once the API server has read and written it: with its
/// defaults, with amounts as it spells them, without what says nothing, and without what its admission plugins
/// add.
pub fn fill(definition: &str, value: &mut Value) {
    let Value::Object(object) = value else {
        return;
    };
    for (name, inner) in object.iter_mut() {
        if let Some(field) = schema::field(definition, name) {
            fill_typed(&field.ty, inner);
        }
    }
    without_zeros(definition, object);
    for (name, default) in filled(definition) {
        if object.get(*name).is_none_or(Value::is_null) {
            object.insert((*name).to_owned(), default.to_value());
        }
    }
    match definition {
        "Container" => fill_container(object),
        "ImageVolumeSource" => fill_policy(definition, "pullPolicy", object),
        // Without a source it is a directory.
        "Volume" if !object.keys().any(|name| name != "name") => {
            object.insert("emptyDir".to_owned(), json!({}));
        }
        _ => {}
    }
    without_plugins(definition, object);
}

/// Takes out what the API server leaves out when it writes an object; what has a default gets that in
/// its place.
fn without_zeros(definition: &str, object: &mut Map<String, Value>) {
    let Some(known) = schema::definition(definition) else {
        return;
    };
    object.retain(|name, value| {
        let Some(field) = known.get(name).filter(|field| !field.required) else {
            return true;
        };
        let default = field.facts.and_then(|facts| facts.default);
        match (field.facts.is_some_and(|facts| facts.is_gated), default) {
            (true, default) => !default.is_some_and(|default| default.is(value)),
            (false, _) if !absence_says(field, value) => true,
            (false, Some(default)) => {
                *value = default.to_value();
                true
            }
            (false, None) => false,
        }
    });
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

/// Gives a pull policy that is not set the default by the image's tag.
fn fill_policy(definition: &str, policy: &str, object: &mut Map<String, Value>) {
    let default = default_beside(definition, policy, |name| object.get(name));
    if let Some(default) = default {
        object.entry(policy).or_insert(default);
    }
}

/// Defaults that depend on other fields: the pull policy on the tag, requests on limits.
fn fill_container(container: &mut Map<String, Value>) {
    fill_policy("Container", "imagePullPolicy", container);
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

/// Gives a container's ports the node's of the same number, as the API server does on the node's network.
pub(crate) fn fill_host_ports(container: &mut Value) {
    let ports = container.get_mut("ports").and_then(Value::as_array_mut);
    for port in ports.into_iter().flatten().filter_map(Value::as_object_mut) {
        if let Some(number) = port.get("containerPort").cloned() {
            port.entry("hostPort").or_insert(number);
        }
    }
}

/// Whether a field's absence says the same as a value: the API server leaves the field out where it has
/// that.
pub(crate) fn absence_says(field: &Field, value: &Value) -> bool {
    let drops_zero = field.facts.is_some_and(|facts| facts.zero_is_absent);
    match (&field.ty, value) {
        (FieldType::Text, Value::String(text)) => {
            text.is_empty() && !field.facts.is_some_and(|facts| facts.keeps_empty)
        }
        (_, Value::Object(fields)) => {
            fields.is_empty() && (drops_zero || matches!(field.ty, FieldType::Map(_)))
        }
        (_, Value::Bool(value)) => drops_zero && !value,
        (_, Value::Number(number)) => drops_zero && number.as_i64() == Some(0),
        (ty, value) => nothing_says(ty, value),
    }
}

/// Whether a value of this type says as little as nothing at all, whatever field it is for.
pub(crate) fn nothing_says(ty: &FieldType, value: &Value) -> bool {
    match (ty, value) {
        (_, Value::Null) => true,
        (FieldType::Text, Value::String(text)) => text.is_empty(),
        (FieldType::List(_), Value::Array(items)) => items.is_empty(),
        (FieldType::Map(_), Value::Object(fields)) => fields.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without_nulls(mut value: Value) -> Value {
        match &mut value {
            Value::Object(fields) => {
                fields.retain(|_, field| {
                    let was_empty = field.as_object().is_some_and(Map::is_empty);
                    *field = without_nulls(field.take());
                    let is_empty = field.as_object().is_some_and(Map::is_empty);
                    !field.is_null() && (was_empty || !is_empty)
                });
            }
            Value::Array(items) => {
                for item in items {
                    *item = without_nulls(item.take());
                }
            }
            _ => {}
        }
        value
    }

    #[test]
    fn each_value_is_filled_to_what_the_api_server_stores() {
        for (definition, mut written, stored) in samples() {
            fill(definition, &mut written);
            assert_eq!(written, without_nulls(stored.clone()), "{stored}");
        }
    }

    #[test]
    fn what_is_stored_as_it_is_written_stays() {
        let claim = json!({"storageClassName": ""});
        let mut filled = claim.clone();
        fill("PersistentVolumeClaimSpec", &mut filled);
        assert_eq!(filled["storageClassName"], "");
        let field = schema::field("PersistentVolumeClaimSpec", "storageClassName").unwrap();
        assert!(!absence_says(field, &claim["storageClassName"]));
        let mut header = json!({"name": "A", "value": ""});
        fill("HTTPHeader", &mut header);
        assert_eq!(header["value"], "");
    }

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
