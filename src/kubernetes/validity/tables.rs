//! What single fields may hold, and which fields of an object exclude each other.

use serde_json::Value;

use super::{Problems, Step, field, is_certain};
use crate::kubernetes::fields::{FieldFacts, LAST_MODE};
use crate::kubernetes::object::ReadObject;

/// Objects that hold exactly one of these fields.
const ONE_OF: &[(&str, &[&str])] = &[
    ("Probe", &["exec", "httpGet", "tcpSocket", "grpc"]),
    (
        "LifecycleHandler",
        &["exec", "httpGet", "tcpSocket", "sleep"],
    ),
    ("EnvFromSource", &["configMapRef", "secretRef"]),
    (
        "EnvVarSource",
        &[
            "configMapKeyRef",
            "fieldRef",
            "fileKeyRef",
            "resourceFieldRef",
            "secretKeyRef",
        ],
    ),
    ("DownwardAPIVolumeFile", &["fieldRef", "resourceFieldRef"]),
    ("ClusterTrustBundleProjection", &["name", "signerName"]),
    (
        "VolumeProjection",
        &[
            "clusterTrustBundle",
            "configMap",
            "downwardAPI",
            "podCertificate",
            "secret",
            "serviceAccountToken",
        ],
    ),
];

/// Fields that the API server wants although their types do not say it.
const REQUIRED: &[(&str, &str)] = &[
    ("EphemeralVolumeSource", "volumeClaimTemplate"),
    ("ImageVolumeSource", "reference"),
    ("PersistentVolumeClaimSpec", "accessModes"),
    ("PersistentVolumeClaimSpec", "resources"),
    ("PodDNSConfigOption", "name"),
    ("SecretVolumeSource", "secretName"),
];

/// Checks what a single field may hold, and each element of a list.
pub(super) fn field_value(problems: &mut Problems, facts: &FieldFacts, value: &Value) {
    let name = facts.name;
    match value {
        Value::Array(items) if facts.judges() => {
            for (index, item) in items.iter().enumerate() {
                for problem in scalar(facts, item) {
                    problems.at([field(name), Step::Index(index)], problem);
                }
            }
        }
        _ => {
            for problem in scalar(facts, value) {
                problems.at([field(name)], problem);
            }
        }
    }
}

/// What is wrong with a text or number.
fn scalar(facts: &FieldFacts, value: &Value) -> impl Iterator<Item = String> {
    let text = value.as_str();
    let empty = text
        .filter(|text| text.is_empty() && facts.is_never_empty)
        .map(|_| format!("`{}` must not be empty", facts.name));
    let unknown = text
        .filter(|word| !facts.words.is_empty() && !facts.words.contains(word))
        .map(|word| {
            let words = facts.words.iter().filter(|word| !word.is_empty());
            let known: Vec<_> = words.copied().collect();
            format!("expected one of {}, found `{word}`", known.join(", "))
        });
    let misspelled = text
        .filter(|text| !text.is_empty())
        .and_then(|text| facts.spelling?.problem(text));
    // A port by number or name is checked as a number here.
    let outside = facts
        .range
        .zip(value.as_i64())
        .filter(|((least, most), number)| !(*least..=*most).contains(number))
        .map(|(range, number)| {
            let range = match range {
                (least, i64::MAX) => format!("at least {least}"),
                (0, LAST_MODE) => "a file mode from 0 to 0777 (octal)".to_owned(),
                (least, most) => format!("{least} to {most}"),
            };
            format!("expected {range}, found {number}")
        });
    [empty, unknown, misspelled, outside].into_iter().flatten()
}

/// Checks that what the API server wants is there.
pub(super) fn required(problems: &mut Problems, definition: &str, fields: &dyn ReadObject) {
    for (_, name) in REQUIRED.iter().filter(|(of, _)| *of == definition) {
        if !fields.contains_key(name) {
            problems.at([field(name)], format!("`{name}` must not be empty"));
        }
    }
}

/// Checks that one of several fields stands in an object. A `null` or a map with `$when` may be it.
pub(super) fn one_of(problems: &mut Problems, definition: &str, fields: &dyn ReadObject) {
    for (_, names) in ONE_OF.iter().filter(|(of, _)| *of == definition) {
        let there = || names.iter().filter_map(|name| fields.get(name));
        let certain = there().filter(|value| is_certain(value)).count();
        if certain > 1 {
            problems.here(format!("only one of {} can stand here", names.join(", ")));
        } else if there().next().is_none() {
            problems.here(format!("one of {} is required here", names.join(", ")));
        }
    }
}
