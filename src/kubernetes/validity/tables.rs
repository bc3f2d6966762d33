//! Words, ranges and choices that single fields have.

use serde_json::Value;

use super::{Problems, field, is_certain};
use crate::kubernetes::object::ReadObject;

/// Fields that take one of a few words.
const WORDS: &[(&str, &str, &[&str])] = &[
    (
        "Container",
        "imagePullPolicy",
        &["Always", "IfNotPresent", "Never"],
    ),
    (
        "Container",
        "terminationMessagePolicy",
        &["File", "FallbackToLogsOnError"],
    ),
    ("ContainerPort", "protocol", &["TCP", "UDP", "SCTP"]),
    ("ContainerResizePolicy", "resourceName", &["cpu", "memory"]),
    (
        "ContainerResizePolicy",
        "restartPolicy",
        &["NotRequired", "RestartContainer"],
    ),
    ("HTTPGetAction", "scheme", &["HTTP", "HTTPS"]),
    (
        "VolumeMount",
        "mountPropagation",
        &["None", "HostToContainer", "Bidirectional"],
    ),
    (
        "VolumeMount",
        "recursiveReadOnly",
        &["Disabled", "IfPossible", "Enabled"],
    ),
    ("SecurityContext", "procMount", &["Default", "Unmasked"]),
    (
        "SeccompProfile",
        "type",
        &["RuntimeDefault", "Localhost", "Unconfined"],
    ),
    (
        "AppArmorProfile",
        "type",
        &["RuntimeDefault", "Localhost", "Unconfined"],
    ),
    (
        "PodSecurityContext",
        "fsGroupChangePolicy",
        &["OnRootMismatch", "Always"],
    ),
    (
        "PodSecurityContext",
        "supplementalGroupsPolicy",
        &["Merge", "Strict"],
    ),
    (
        "PodSpec",
        "dnsPolicy",
        &["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"],
    ),
    ("Toleration", "operator", &["Equal", "Exists"]),
    (
        "Toleration",
        "effect",
        &["", "NoSchedule", "PreferNoSchedule", "NoExecute"],
    ),
    (
        "TopologySpreadConstraint",
        "whenUnsatisfiable",
        &["DoNotSchedule", "ScheduleAnyway"],
    ),
    (
        "TopologySpreadConstraint",
        "nodeAffinityPolicy",
        &["Honor", "Ignore"],
    ),
    (
        "TopologySpreadConstraint",
        "nodeTaintsPolicy",
        &["Honor", "Ignore"],
    ),
    (
        "NodeSelectorRequirement",
        "operator",
        &["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"],
    ),
    (
        "LabelSelectorRequirement",
        "operator",
        &["In", "NotIn", "Exists", "DoesNotExist"],
    ),
    (
        "ImageVolumeSource",
        "pullPolicy",
        &["Always", "IfNotPresent", "Never"],
    ),
    (
        "HostPathVolumeSource",
        "type",
        &[
            "",
            "DirectoryOrCreate",
            "Directory",
            "FileOrCreate",
            "File",
            "Socket",
            "CharDevice",
            "BlockDevice",
        ],
    ),
    (
        "ResourceFieldSelector",
        "resource",
        &[
            "limits.cpu",
            "limits.memory",
            "limits.ephemeral-storage",
            "requests.cpu",
            "requests.memory",
            "requests.ephemeral-storage",
        ],
    ),
];

const PORTS: (i64, i64) = (1, 65535);
const FROM_ZERO: (i64, i64) = (0, i64::MAX);
const FROM_ONE: (i64, i64) = (1, i64::MAX);
/// User and group numbers (apimachinery:pkg/util/validation, `IsValidUserID`).
const IDENTITIES: (i64, i64) = (0, i32::MAX as i64);
/// File modes up to 0777.
const MODES: (i64, i64) = (0, 0o777);
const WEIGHTS: (i64, i64) = (1, 100);

/// Fields that take numbers of a range. A port by number or name is checked as a number here.
const RANGES: &[(&str, &str, (i64, i64))] = &[
    ("ContainerPort", "containerPort", PORTS),
    ("ContainerPort", "hostPort", (0, 65535)),
    ("HTTPGetAction", "port", PORTS),
    ("TCPSocketAction", "port", PORTS),
    ("GRPCAction", "port", PORTS),
    ("Probe", "initialDelaySeconds", FROM_ZERO),
    ("Probe", "timeoutSeconds", FROM_ZERO),
    ("Probe", "periodSeconds", FROM_ZERO),
    ("Probe", "successThreshold", FROM_ZERO),
    ("Probe", "failureThreshold", FROM_ZERO),
    ("Probe", "terminationGracePeriodSeconds", FROM_ONE),
    ("SleepAction", "seconds", FROM_ONE),
    ("SecurityContext", "runAsUser", IDENTITIES),
    ("SecurityContext", "runAsGroup", IDENTITIES),
    ("PodSecurityContext", "runAsUser", IDENTITIES),
    ("PodSecurityContext", "runAsGroup", IDENTITIES),
    ("PodSecurityContext", "fsGroup", IDENTITIES),
    ("PodSpec", "terminationGracePeriodSeconds", FROM_ZERO),
    ("TopologySpreadConstraint", "maxSkew", FROM_ONE),
    ("TopologySpreadConstraint", "minDomains", FROM_ONE),
    ("PreferredSchedulingTerm", "weight", WEIGHTS),
    ("WeightedPodAffinityTerm", "weight", WEIGHTS),
    ("ConfigMapVolumeSource", "defaultMode", MODES),
    ("SecretVolumeSource", "defaultMode", MODES),
    ("DownwardAPIVolumeSource", "defaultMode", MODES),
    ("ProjectedVolumeSource", "defaultMode", MODES),
    ("KeyToPath", "mode", MODES),
    ("DownwardAPIVolumeFile", "mode", MODES),
    (
        "ServiceAccountTokenProjection",
        "expirationSeconds",
        (600, 1 << 32),
    ),
];

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

/// Checks the words of an object's fields.
pub(super) fn words(problems: &mut Problems, definition: &str, fields: &dyn ReadObject) {
    for (_, name, words) in WORDS.iter().filter(|(of, ..)| *of == definition) {
        let Some(word) = super::text(fields, name) else {
            continue;
        };
        if !words.contains(&word) {
            let known: Vec<_> = words
                .iter()
                .filter(|word| !word.is_empty())
                .copied()
                .collect();
            let message = format!("expected one of {}, found `{word}`", known.join(", "));
            problems.at([field(name)], message);
        }
    }
}

/// Checks the ranges of an object's numbers.
pub(super) fn ranges(problems: &mut Problems, definition: &str, fields: &dyn ReadObject) {
    for (_, name, (least, most)) in RANGES.iter().filter(|(of, ..)| *of == definition) {
        let Some(number) = fields.get(name).and_then(Value::as_i64) else {
            continue;
        };
        if number < *least || number > *most {
            let range = match (*least, *most) {
                (least, i64::MAX) => format!("at least {least}"),
                (0, 0o777) => "a file mode from 0 to 0777 (octal)".to_owned(),
                (least, most) => format!("{least} to {most}"),
            };
            problems.at([field(name)], format!("expected {range}, found {number}"));
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
