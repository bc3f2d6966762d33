//! Digests of what stands in a pod, the same before and after the API server has read and written it.
//!
//! A digest says whether somebody changed an element since: what the API server fills in, spells
//! otherwise or leaves out, and the ServiceAccount plugin's mount, change nothing. It is FNV-1a of 64
//! bits: nothing trusts it, so that it need not be hard to forge.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use serde_json::{Map, Value};

use super::defaults::{self, TOKEN_VOLUME, is_token_mount};
use super::fields::DefaultValue;
use super::quantity::Quantity;
use super::schema::{self, Field, FieldType};

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// A value that knows its digest: what a template gives to every pod alike is digested once.
pub trait Digest<'v>: Copy {
    /// The value.
    fn value(self) -> &'v Value;

    /// Its digest as a value of this type.
    fn digest(self, ty: &FieldType) -> u64;
}

impl<'v> Digest<'v> for &'v Value {
    fn value(self) -> &'v Value {
        self
    }

    fn digest(self, ty: &FieldType) -> u64 {
        element_digest(ty, self)
    }
}

/// The digest of a value of this type.
pub fn element_digest(ty: &FieldType, value: &Value) -> u64 {
    match (ty, value) {
        (FieldType::Quantity, value) => match Quantity::in_field(value) {
            Some(quantity) => displayed(&quantity),
            None => displayed(value),
        },
        (FieldType::Object(definition), Value::Object(object)) => {
            let fields = object.iter().map(|(name, value)| (name.as_str(), value));
            object_digest(definition, fields, |name| object.get(name))
        }
        (FieldType::Map(inner), Value::Object(entries)) => map_digest(inner, entries.iter()),
        (FieldType::List(element), Value::Array(items)) => items
            .iter()
            .map(|item| element_digest(element, item))
            .fold(OFFSET, |hash, item| bytes(hash, &item.to_be_bytes())),
        (_, Value::String(value)) => text(value),
        (_, value) => displayed(value),
    }
}

/// The digest of a text.
pub(crate) fn text(text: &str) -> u64 {
    bytes(OFFSET, text.as_bytes())
}

/// The digest of texts with a NUL between them.
pub fn joined<'t>(texts: impl Iterator<Item = &'t str>) -> u64 {
    texts.enumerate().fold(OFFSET, |hash, (index, text)| {
        let between: &[u8] = if index == 0 { &[] } else { &[0] };
        bytes(bytes(hash, between), text.as_bytes())
    })
}

/// The digest of the text that something is written as.
pub fn displayed(written: &impl fmt::Display) -> u64 {
    struct Hash(u64);
    impl fmt::Write for Hash {
        fn write_str(&mut self, part: &str) -> fmt::Result {
            self.0 = bytes(self.0, part.as_bytes());
            Ok(())
        }
    }
    let mut hash = Hash(OFFSET);
    // A hash takes whatever is written.
    let _ = write!(hash, "{written}");
    hash.0
}

fn map_digest<'v>(
    inner: &FieldType,
    entries: impl Iterator<Item = (&'v String, &'v Value)>,
) -> u64 {
    entries
        .map(|(key, value)| pair(key, element_digest(inner, value)))
        .fold(OFFSET, u64::wrapping_add)
}

/// The digest of an object of this definition whose fields are given one by one.
pub fn object_digest<'v, D: Digest<'v>>(
    definition: &str,
    fields: impl Iterator<Item = (&'v str, D)>,
    get: impl Fn(&str) -> Option<&'v Value>,
) -> u64 {
    let known = schema::definition(definition);
    let said = fields.filter_map(|(name, digested)| {
        let value = digested.value();
        let Some(field) = known.and_then(|known| known.get(name)) else {
            return Some(pair(name, displayed(value)));
        };
        if says_nothing(definition, name, field, value, &get) {
            return None;
        }
        let ty = &field.ty;
        let digest = match (definition, name, value) {
            ("Container", "volumeMounts", Value::Array(mounts))
                if mounts.iter().any(is_token_mount) =>
            {
                let mut own = mounts.clone();
                own.retain(|mount| !is_token_mount(mount));
                if own.is_empty() {
                    return None;
                }
                element_digest(ty, &Value::Array(own))
            }
            // Each pod has a made-up name of its own for it.
            ("VolumeMount", "name", Value::String(volume)) if volume.starts_with(TOKEN_VOLUME) => {
                text(TOKEN_VOLUME)
            }
            ("ResourceRequirements", "requests", Value::Object(requests)) => {
                let mut own = without_limits(requests, get("limits")).peekable();
                own.peek()?;
                map_digest(&FieldType::Quantity, own)
            }
            _ => digested.digest(ty),
        };
        // An object in which nothing is said says nothing itself, where absence says the same.
        let is_empty =
            digest == OFFSET && value.is_object() && may_be_empty(definition, name, field);
        (!is_empty).then(|| pair(name, digest))
    });
    said.fold(OFFSET, u64::wrapping_add)
}

/// Whether the API server drops the field where it is an empty object, or fills one in.
fn may_be_empty(definition: &str, name: &str, field: &Field) -> bool {
    // A volume without a source is a directory.
    (definition, name) == ("Volume", "emptyDir")
        || field.facts.is_some_and(|facts| {
            facts.zero_is_absent || facts.default == Some(DefaultValue::EmptyObject)
        })
}

/// Whether a field tells nothing of what was wanted: its absence would say the same, or the API server
/// may have dropped it.
fn says_nothing<'v>(
    definition: &str,
    name: &str,
    field: &Field,
    value: &Value,
    get: &impl Fn(&str) -> Option<&'v Value>,
) -> bool {
    match (definition, name) {
        // On the node's network the API server gives every port of a container the host's.
        ("ContainerPort", "hostPort") if get("containerPort") == Some(value) => true,
        _ => {
            field.facts.is_some_and(|facts| facts.is_gated)
                || defaults::says_nothing(definition, name, field, value, get)
        }
    }
}

/// Whether a field of an object adds nothing to its digest, whatever else the object holds.
pub(crate) fn is_silent(definition: &str, name: &str, value: &Value) -> bool {
    object_digest(definition, std::iter::once((name, value)), |_| None) == OFFSET
}

/// Whether a value as received has a field that depends on a feature gate otherwise than a wanted one of
/// the same digest.
pub(crate) fn differs_by_gate(ty: &FieldType, received: &Value, wanted: &Value) -> bool {
    match (ty, received) {
        (FieldType::Object(definition), Value::Object(fields)) => {
            fields.iter().any(|(name, value)| {
                let Some(field) = schema::field(definition, name) else {
                    return false;
                };
                let wanted = wanted.get(name).unwrap_or(&Value::Null);
                match field.facts {
                    Some(facts) if facts.is_gated => {
                        let default = facts.default.filter(|_| wanted.is_null());
                        value != wanted && !default.is_some_and(|default| default.is(value))
                    }
                    _ => differs_by_gate(&field.ty, value, wanted),
                }
            })
        }
        (FieldType::List(element), Value::Array(items)) => {
            let wanted = wanted.as_array().into_iter().flatten();
            let mut pairs = items.iter().zip(wanted);
            pairs.any(|(item, wanted)| differs_by_gate(element, item, wanted))
        }
        _ => false,
    }
}

/// The fields in which an object of this definition as received differs from another.
pub(crate) fn differing_fields(definition: &str, received: &Value, other: &Value) -> Vec<String> {
    let digest = |object: &Value, name: &str| {
        let fields = object.get(name).into_iter().map(|value| (name, value));
        object_digest(definition, fields, |field| object.get(field))
    };
    let by_gate = |name: &str| {
        let fields = received.get(name).zip(schema::field(definition, name));
        fields.is_some_and(|(value, field)| {
            differs_by_gate(&field.ty, value, other.get(name).unwrap_or(&Value::Null))
        })
    };
    let names: BTreeSet<&String> = [received, other]
        .into_iter()
        .filter_map(Value::as_object)
        .flat_map(Map::keys)
        .collect();
    names
        .into_iter()
        .filter(|name| digest(received, name) != digest(other, name) || by_gate(name))
        .cloned()
        .collect()
}

/// The requests that are not copies of limits.
fn without_limits<'v>(
    requests: &'v Map<String, Value>,
    limits: Option<&'v Value>,
) -> impl Iterator<Item = (&'v String, &'v Value)> {
    requests.iter().filter(move |(resource, amount)| {
        let limit = limits.and_then(|limits| limits.get(resource.as_str()));
        limit.is_none_or(|limit| Quantity::in_field(limit) != Quantity::in_field(amount))
    })
}

/// The digest of a key with its value; those of an object are added up, in whatever order.
fn pair(key: &str, value: u64) -> u64 {
    let hash = bytes(text(key), &[0]);
    // Sums of plain FNV digests would meet too often.
    let mixed = bytes(hash, &value.to_be_bytes());
    (mixed ^ (mixed >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn bytes(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(PRIME)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn container(value: &Value) -> u64 {
        element_digest(&FieldType::Object("Container".to_owned()), value)
    }

    #[test]
    fn what_the_api_server_fills_in_changes_nothing() {
        let written = json!({"name": "a", "image": "a:1", "env": [{"name": "X", "value": ""}],
            "ports": [{"containerPort": 80}], "args": [], "resources": {"limits": {"cpu": "0.5"}},
            "readinessProbe": {"httpGet": {"port": 80}}, "stdin": false});
        let received = json!({"env": [{"name": "X"}], "image": "a:1", "name": "a",
            "imagePullPolicy": "IfNotPresent", "ports": [{"containerPort": 80, "hostPort": 80,
            "protocol": "TCP"}], "resources": {"limits": {"cpu": "500m"}, "requests": {"cpu": "500m"}},
            "readinessProbe": {"httpGet": {"port": 80, "path": "/", "scheme": "HTTP"},
                "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1,
                "failureThreshold": 3},
            "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
            "volumeMounts": [{"name": "kube-api-access-x", "readOnly": true,
                "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}]});
        assert_eq!(container(&written), container(&received));
        let bare = json!({"name": "a"});
        assert_eq!(
            container(&bare),
            container(&json!({"name": "a", "resources": {"limits": {}}}))
        );
    }

    #[test]
    fn each_value_has_the_digest_that_it_has_when_the_api_server_has_written_it() {
        for (definition, written, stored) in crate::kubernetes::defaults::samples() {
            let ty = FieldType::Object(definition.to_owned());
            assert_eq!(
                element_digest(&ty, &written),
                element_digest(&ty, &stored),
                "{written} and {stored}"
            );
        }
    }

    #[test]
    fn a_field_that_a_gate_drops_changes_nothing_and_is_put_back_where_it_is_another() {
        let ty = FieldType::Object("Container".to_owned());
        let hook = json!({"exec": {"command": ["a"]}});
        let wanted = json!({"name": "a", "lifecycle": {"stopSignal": "SIGUSR1", "preStop": hook}});
        let alone = json!({"name": "a", "lifecycle": {"stopSignal": "SIGUSR1"}});
        let dropped = json!({"name": "a", "lifecycle": {"preStop": hook}});
        let other = json!({"name": "a", "lifecycle": {"stopSignal": "SIGKILL", "preStop": hook}});
        for received in [&dropped, &other, &wanted] {
            assert_eq!(container(&wanted), container(received), "{received}");
            let is_other = *received == other;
            assert_eq!(
                differs_by_gate(&ty, received, &wanted),
                is_other,
                "{received}"
            );
        }
        assert!(differs_by_gate(&ty, &alone, &json!({"name": "a"})));
        assert!(is_silent("Container", "lifecycle", &alone["lifecycle"]));
        assert!(!is_silent("Container", "lifecycle", &dropped["lifecycle"]));
        let http1 =
            json!({"name": "a", "livenessProbe": {"httpGet": {"port": 1, "protocol": "HTTP1"}}});
        let plain = json!({"name": "a", "livenessProbe": {"httpGet": {"port": 1}}});
        assert!(!differs_by_gate(&ty, &http1, &plain));
    }

    #[test]
    fn what_somebody_changes_changes_it() {
        let base = json!({"name": "a", "image": "a:1", "args": ["x", "y"],
            "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]});
        let changes = [
            ("/image", json!("b:1")),
            ("/args", json!(["y", "x"])),
            ("/env/0/value", json!("2")),
            (
                "/env",
                json!([{"name": "B", "value": "2"}, {"name": "A", "value": "1"}]),
            ),
            ("/name", json!("b")),
        ];
        for (pointer, value) in changes {
            let mut changed = base.clone();
            *changed.pointer_mut(pointer).unwrap() = value;
            assert_ne!(container(&base), container(&changed), "{pointer}");
        }
        let mut more = base.clone();
        more["resources"] = json!({"limits": {"cpu": "1"}});
        assert_ne!(container(&base), container(&more));
    }
}
