//! How the lists of a pod merge: by the API's map keys, never by position.
//!
//! A list without keys (see the rows of `fields`) is atomic: it is compared and set as a whole.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::Value;

use super::element_digest::element_digest;
use super::object::DIGEST_LENGTH;
use super::paths;
use super::schema::{self, FieldType};

/// Definitions of which one member excludes the others, or that mean something only as a whole:
/// they are added whole or not at all.
const WHOLE: &[&str] = &[
    "Affinity",
    "AppArmorProfile",
    "EnvVar",
    "EnvVarSource",
    "HostAlias",
    "LifecycleHandler",
    "LocalObjectReference",
    "PodDNSConfig",
    "PodSecurityContext",
    "Probe",
    "SeccompProfile",
    "SecurityContext",
    "Toleration",
    "TopologySpreadConstraint",
    "Volume",
    "VolumeDevice",
    "VolumeMount",
    "VolumeProjection",
];

/// So many keys are compared with each other.
const FEW: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListMerge {
    /// Element by element, identified by these fields.
    ByKeys(&'static [&'static str]),
    /// Our elements are appended unless an equal one is there.
    Additive,
    /// Our elements stand in front unless an equal one is there.
    AdditiveInFront,
    /// As a whole.
    Atomic,
}

/// How the list in this field of this definition merges.
pub(crate) fn list_merge(definition: &str, field: &str) -> ListMerge {
    match schema::facts(definition, field) {
        Some(facts) if !facts.keys.is_empty() => ListMerge::ByKeys(facts.keys),
        Some(facts) if facts.is_additive => ListMerge::Additive,
        Some(facts) if facts.is_additive_in_front => ListMerge::AdditiveInFront,
        _ => ListMerge::Atomic,
    }
}

/// Whether values of this definition are added whole or not at all.
pub(crate) fn is_whole(definition: &str) -> bool {
    WHOLE.contains(&definition)
}

/// What identifies an element of a list: the values of its key fields, defaults filled in.
pub(crate) fn element_key(element: &Value, keys: &[&str]) -> Option<String> {
    key_of(element, keys).map(Cow::into_owned)
}

/// The same, borrowed where it is one text.
pub(crate) fn key_of<'v>(element: &'v Value, keys: &[&str]) -> Option<Cow<'v, str>> {
    if let [single] = keys {
        return part(element, single);
    }
    let mut whole = String::new();
    for (index, key) in keys.iter().enumerate() {
        if index > 0 {
            whole.push('/');
        }
        whole.push_str(&part(element, key)?);
    }
    Some(Cow::Owned(whole))
}

fn part<'v>(element: &'v Value, key: &str) -> Option<Cow<'v, str>> {
    match element.get(key) {
        Some(Value::String(text)) if key.ends_with("Path") => Some(paths::shortest(text)),
        Some(Value::String(text)) => Some(Cow::Borrowed(text.as_str())),
        Some(value) if !value.is_null() => Some(Cow::Owned(value.to_string())),
        _ if key == "protocol" => Some(Cow::Borrowed("TCP")),
        _ => None,
    }
}

/// What identifies an element that has no keys: a digest of what it says.
pub(crate) fn additive_key(element: &FieldType, value: &Value) -> String {
    let digest = element_digest(element, value);
    let mut key = format!("{digest:016x}");
    key.truncate(DIGEST_LENGTH);
    key
}

/// The elements of a list by what identifies them, in their order. Of several with one key, such as
/// environment variables, the last counts.
pub(crate) fn by_key<'v, T: Copy>(
    items: impl IntoIterator<Item = T>,
    value: impl Fn(T) -> &'v Value,
    keys: &[&str],
) -> Vec<(Cow<'v, str>, T)> {
    let mut elements: Vec<(Cow<'v, str>, T)> = items
        .into_iter()
        .filter_map(|item| Some((key_of(value(item), keys)?, item)))
        .collect();
    let mut numbered = elements.iter().enumerate();
    // A template gives few, mostly one or two.
    if elements.len() > FEW
        || numbered.any(|(index, (key, _))| {
            let mut before = elements.iter().take(index);
            before.any(|(other, _)| other == key)
        })
    {
        let mut seen = HashSet::with_capacity(elements.len());
        elements.reverse();
        elements.retain(|(key, _)| seen.insert(key.clone()));
        elements.reverse();
    }
    elements
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_whole_definition_is_in_the_schema() {
        for name in WHOLE {
            assert!(schema::definition(name).is_some(), "{name}");
        }
    }

    #[test]
    fn an_element_without_keys_is_itself_however_it_is_written() {
        let ty = FieldType::Object("Toleration".to_owned());
        let key = |value| additive_key(&ty, &value);
        let stored = key(json!({"operator": "Exists", "key": "gpu"}));
        assert_eq!(
            key(json!({"key": "gpu", "operator": "Exists", "value": ""})),
            stored
        );
        assert_ne!(key(json!({"key": "gpu"})), stored);
        assert_eq!(stored.len(), DIGEST_LENGTH);
    }

    #[test]
    fn a_port_is_itself_by_number_and_protocol() {
        let ListMerge::ByKeys(keys) = list_merge("Container", "ports") else {
            panic!("ports merge by key");
        };
        let key = |port: Value| element_key(&port, keys);
        assert_eq!(key(json!({"containerPort": 53})), Some("53/TCP".to_owned()));
        assert_eq!(
            key(json!({"containerPort": 53, "protocol": "UDP"})),
            Some("53/UDP".to_owned())
        );
        assert_eq!(key(json!({"name": "dns"})), None);
    }
}
