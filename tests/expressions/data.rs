//! What generated expressions are made of.

/// A type that the generator makes expressions of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Integer,
    Number,
    Boolean,
    Texts,
    Integers,
    TextMap,
    Unknown,
}

/// Constants that both sides know by the same names, as variables.
pub(crate) const VARIABLES: &[(&str, Kind, &str)] = &[
    ("host", Kind::Text, "'db.example'"),
    ("spanish", Kind::Text, "'ñandú, año'"),
    ("wide", Kind::Text, "'日本 🚀x'"),
    ("empty", Kind::Text, "''"),
    ("port", Kind::Integer, "5432"),
    ("largest", Kind::Integer, "9223372036854775807"),
    ("zero", Kind::Integer, "0"),
    ("ratio", Kind::Number, "0.1"),
    ("huge", Kind::Number, "1.5e300"),
    ("verbose", Kind::Boolean, "true"),
    ("names", Kind::Texts, "['orders', 'users', 'ñ', '']"),
    ("nothing", Kind::Texts, "['x'].filter(x, false)"),
    ("counts", Kind::Integers, "[3, -1, 0, 3]"),
    (
        "secret",
        Kind::TextMap,
        "{'z': 'last', 'a': 'first', 'ñ': 'wide'}",
    ),
];

/// What is read of the pod: present, absent, or below something that has no fields.
pub(crate) const PATHS: &[&str] = &[
    "pod.metadata.name",
    "pod.metadata.labels.app",
    "pod.metadata.labels.missing",
    "pod.metadata.annotations",
    "pod.metadata.annotations['x/y']",
    "pod.spec.restartPolicy",
    "pod.spec.terminationGracePeriodSeconds",
    "pod.spec.hostNetwork",
    "pod.spec.priority",
    "pod.spec.containers",
    "pod.spec.containers[0].name",
    "pod.spec.containers[1].image",
    "pod.spec.containers[7].image",
    "pod.spec.containers[0].ports[0].containerPort",
    "pod.spec.containers[0].env",
    "pod.spec.restartPolicy.nothing",
    "pod.spec.containers.nothing",
    "pod.spec.volumes",
    "pod.spec.containers[0].resources.limits.cpu",
    "pod.spec.?hostname.orValue('none')",
    "pod.spec.?containers[0].?env.orValue([])",
    "pod.metadata.?labels['app'].orValue('')",
    "pod.metadata.?labels['no'].orValue(7)",
];

/// Optional reads.
pub(crate) const OPTIONALS: &[&str] = &[
    "pod.spec.?hostNetwork",
    "pod.spec.?restartPolicy",
    "pod.metadata.?labels.app",
    "pod.metadata.?annotations['x/y']",
    "pod.metadata.labels[?'app']",
    "pod.spec.containers[?1].?name",
    "pod.spec.containers[?9].name",
    "pod.spec.?securityContext.runAsUser",
    "pod.spec.restartPolicy.?nothing",
    "optional.none()",
];

pub(crate) const TEXTS: &[&str] = &[
    "''",
    "'a'",
    "'ñ'",
    "'a,b,,c'",
    "'  x '",
    "'é日🚀'",
    "'AbC'",
    "'12'",
    "'-7'",
    "'1.5'",
    "'true'",
    "'x\\ny'",
    "'\"'",
    "'500m'",
    "'1Gi'",
    "'inf'",
];

pub(crate) const PATTERNS: &[&str] = &[
    "'^a'",
    "'[a-z]+$'",
    "'.'",
    "'^$'",
    "'\\\\d+'",
    "'ñ'",
    "'^\\\\w*$'",
    "'(?i)abc'",
    "'^[^,]+,'",
    "'\\\\s'",
];
