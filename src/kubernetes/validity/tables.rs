//! What single fields may hold, and which fields of an object exclude each other.

use serde_json::Value;

use super::{Problems, field, is_certain};
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

/// Checks what a single field may hold.
pub(super) fn field_value(problems: &mut Problems, facts: &FieldFacts, value: &Value) {
    let name = facts.name;
    if let Some(word) = value.as_str() {
        if facts.is_never_empty && word.is_empty() {
            problems.at([field(name)], format!("`{name}` must not be empty"));
        }
        if !facts.words.is_empty() && !facts.words.contains(&word) {
            let known: Vec<_> = facts
                .words
                .iter()
                .filter(|word| !word.is_empty())
                .copied()
                .collect();
            let message = format!("expected one of {}, found `{word}`", known.join(", "));
            problems.at([field(name)], message);
        }
    }
    // A port by number or name is checked as a number here.
    if let (Some((least, most)), Some(number)) = (facts.range, value.as_i64())
        && !(least..=most).contains(&number)
    {
        let range = match (least, most) {
            (least, i64::MAX) => format!("at least {least}"),
            (0, LAST_MODE) => "a file mode from 0 to 0777 (octal)".to_owned(),
            (least, most) => format!("{least} to {most}"),
        };
        problems.at([field(name)], format!("expected {range}, found {number}"));
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
