//! What the API says of single fields beyond their types: one row a field.
//!
//! Sources: `+listType` and `+listMapKey` of api:core/v1/types.go, k8s:pkg/apis/core/v1/defaults.go,
//! k8s:pkg/apis/core/validation/validation.go; tried on a real API server. Where versions of
//! Kubernetes differ, the strictest supported one (1.30) decides. A field without a row takes every
//! value of its type, has no default, and as a list is atomic.

use serde_json::{Value, json};

/// What the API says of one field.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one thing that the API says of the field, or does not"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FieldFacts {
    /// The API type that has the field.
    pub(crate) definition: &'static str,
    pub(crate) name: &'static str,
    /// The fields that identify an element of a list. Where these and the strategic-merge keys differ
    /// (ports, topology spread constraints) the map keys are right: by `containerPort` alone, 53/TCP
    /// and 53/UDP would be one port.
    pub(crate) keys: &'static [&'static str],
    /// The API calls the list atomic, but its elements add up: a pod tolerates what any of its
    /// tolerations names.
    pub(crate) is_additive: bool,
    /// Likewise, and a later element wins over an earlier one: of two sources with one variable the
    /// user's is taken where ours stand in front.
    pub(crate) is_additive_in_front: bool,
    /// The default that the API server fills in, where it does not depend on other fields.
    pub(crate) default: Option<DefaultValue>,
    /// The only words that the field takes.
    pub(crate) words: &'static [&'static str],
    /// The smallest and the largest number that the field takes.
    pub(crate) range: Option<(i64, i64)>,
    /// The text must not be empty although the field's type would allow it.
    pub(crate) is_never_empty: bool,
    /// The API server drops the field where it is zero, `false` or `{}`: it is no pointer in its
    /// types, and `omitempty`. Of all others absence says something else than zero.
    pub(crate) zero_is_absent: bool,
    /// Templates may set the field in an app container where the user has nothing.
    pub(crate) is_for_app: bool,
    /// Templates may set the field of the pod: it was proven on a real API server.
    pub(crate) is_for_pod: bool,
}

/// A default of the API server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DefaultValue {
    Text(&'static str),
    Number(i64),
    True,
    EmptyObject,
}

impl DefaultValue {
    /// The default as data.
    pub(crate) fn to_value(self) -> Value {
        match self {
            Self::Text(text) => text.into(),
            Self::Number(number) => number.into(),
            Self::True => true.into(),
            Self::EmptyObject => json!({}),
        }
    }

    /// Whether a value is the default.
    pub(crate) fn is(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Text(default), Value::String(text)) => default == text,
            (Self::Number(default), Value::Number(number)) => number.as_i64() == Some(default),
            (Self::True, Value::Bool(value)) => *value,
            (Self::EmptyObject, Value::Object(fields)) => fields.is_empty(),
            _ => false,
        }
    }
}

impl FieldFacts {
    const fn keys(mut self, keys: &'static [&'static str]) -> Self {
        self.keys = keys;
        self
    }

    const fn additive(mut self) -> Self {
        self.is_additive = true;
        self
    }

    const fn additive_in_front(mut self) -> Self {
        self.is_additive_in_front = true;
        self
    }

    const fn default(mut self, default: DefaultValue) -> Self {
        self.default = Some(default);
        self
    }

    const fn words(mut self, words: &'static [&'static str]) -> Self {
        self.words = words;
        self
    }

    const fn range(mut self, least: i64, most: i64) -> Self {
        self.range = Some((least, most));
        self
    }

    const fn never_empty(mut self) -> Self {
        self.is_never_empty = true;
        self
    }

    const fn zero_is_absent(mut self) -> Self {
        self.zero_is_absent = true;
        self
    }

    const fn for_app(mut self) -> Self {
        self.is_for_app = true;
        self
    }

    const fn for_pod(mut self) -> Self {
        self.is_for_pod = true;
        self
    }
}

const fn field(definition: &'static str, name: &'static str) -> FieldFacts {
    FieldFacts {
        definition,
        name,
        keys: &[],
        is_additive: false,
        is_additive_in_front: false,
        default: None,
        words: &[],
        range: None,
        is_never_empty: false,
        zero_is_absent: false,
        is_for_app: false,
        is_for_pod: false,
    }
}

/// Number without an upper bound.
const ANY: i64 = i64::MAX;
const LAST_PORT: i64 = 65535;
/// The largest user or group number (apimachinery:pkg/util/validation, `IsValidUserID`).
const LAST_ID: i64 = i32::MAX as i64;
/// The largest file mode.
pub(super) const LAST_MODE: i64 = 0o777;

const PULL_POLICIES: &[&str] = &["Always", "IfNotPresent", "Never"];
const PROFILE_TYPES: &[&str] = &["RuntimeDefault", "Localhost", "Unconfined"];
const HONOR: &[&str] = &["Honor", "Ignore"];

use DefaultValue::{EmptyObject, Number, Text, True};

/// Every field with something to say; those with defaults in the order in which they are filled in.
pub(super) const FIELDS: &[FieldFacts] = &[
    field("PodSpec", "terminationGracePeriodSeconds")
        .default(Number(30))
        .range(0, ANY)
        .for_pod(),
    field("PodSpec", "restartPolicy").default(Text("Always")),
    field("PodSpec", "dnsPolicy")
        .default(Text("ClusterFirst"))
        .words(&["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"])
        .for_pod(),
    field("PodSpec", "schedulerName").default(Text("default-scheduler")),
    field("PodSpec", "enableServiceLinks")
        .default(True)
        .for_pod(),
    field("PodSpec", "securityContext")
        .default(EmptyObject)
        .for_pod(),
    field("PodSpec", "serviceAccountName").default(Text("default")),
    field("PodSpec", "serviceAccount").default(Text("default")),
    field("PodSpec", "priority").default(Number(0)),
    field("PodSpec", "preemptionPolicy").default(Text("PreemptLowerPriority")),
    field("PodSpec", "volumes").keys(&["name"]),
    field("PodSpec", "initContainers").keys(&["name"]),
    field("PodSpec", "containers").keys(&["name"]),
    field("PodSpec", "ephemeralContainers").keys(&["name"]),
    field("PodSpec", "imagePullSecrets")
        .keys(&["name"])
        .for_pod(),
    field("PodSpec", "hostAliases").keys(&["ip"]).for_pod(),
    field("PodSpec", "topologySpreadConstraints")
        .keys(&["topologyKey", "whenUnsatisfiable"])
        .for_pod(),
    field("PodSpec", "schedulingGates").keys(&["name"]),
    field("PodSpec", "resourceClaims").keys(&["name"]),
    field("PodSpec", "evictionResponders").keys(&["name"]),
    field("PodSpec", "tolerations").additive().for_pod(),
    field("PodSpec", "affinity").for_pod(),
    field("PodSpec", "dnsConfig").for_pod(),
    field("PodSpec", "nodeSelector").for_pod(),
    field("PodSpec", "shareProcessNamespace").for_pod(),
    field("PodSpec", "hostIPC").zero_is_absent(),
    field("PodSpec", "hostNetwork").zero_is_absent(),
    field("PodSpec", "hostPID").zero_is_absent(),
    field("PodSecurityContext", "runAsUser").range(0, LAST_ID),
    field("PodSecurityContext", "runAsGroup").range(0, LAST_ID),
    field("PodSecurityContext", "fsGroup").range(0, LAST_ID),
    field("PodSecurityContext", "fsGroupChangePolicy").words(&["OnRootMismatch", "Always"]),
    field("PodSecurityContext", "supplementalGroupsPolicy").words(&["Merge", "Strict"]),
    field("Container", "terminationMessagePath").default(Text("/dev/termination-log")),
    field("Container", "terminationMessagePolicy")
        .default(Text("File"))
        .words(&["File", "FallbackToLogsOnError"]),
    field("Container", "resources")
        .default(EmptyObject)
        .zero_is_absent()
        .for_app(),
    field("Container", "image").never_empty(),
    field("Container", "imagePullPolicy").words(PULL_POLICIES),
    field("Container", "ports")
        .keys(&["containerPort", "protocol"])
        .for_app(),
    field("Container", "env").keys(&["name"]).for_app(),
    field("Container", "envFrom").additive_in_front().for_app(),
    field("Container", "volumeMounts")
        .keys(&["mountPath"])
        .for_app(),
    field("Container", "volumeDevices").keys(&["devicePath"]),
    field("Container", "lifecycle").for_app(),
    field("Container", "livenessProbe").for_app(),
    field("Container", "readinessProbe").for_app(),
    field("Container", "startupProbe").for_app(),
    field("Container", "securityContext").for_app(),
    field("Container", "stdin").zero_is_absent(),
    field("Container", "stdinOnce").zero_is_absent(),
    field("Container", "tty").zero_is_absent(),
    field("ContainerPort", "containerPort").range(1, LAST_PORT),
    field("ContainerPort", "hostPort")
        .range(0, LAST_PORT)
        .zero_is_absent(),
    field("ContainerPort", "protocol")
        .default(Text("TCP"))
        .words(&["TCP", "UDP", "SCTP"]),
    field("ContainerResizePolicy", "resourceName").words(&["cpu", "memory"]),
    field("ContainerResizePolicy", "restartPolicy").words(&["NotRequired", "RestartContainer"]),
    field("ResourceRequirements", "claims").keys(&["name"]),
    field("SecurityContext", "runAsUser").range(0, LAST_ID),
    field("SecurityContext", "runAsGroup").range(0, LAST_ID),
    field("SecurityContext", "procMount").words(&["Default", "Unmasked"]),
    field("SeccompProfile", "type").words(PROFILE_TYPES),
    field("AppArmorProfile", "type").words(PROFILE_TYPES),
    field("Probe", "timeoutSeconds")
        .default(Number(1))
        .range(0, ANY),
    field("Probe", "successThreshold")
        .default(Number(1))
        .range(0, ANY),
    field("Probe", "periodSeconds")
        .default(Number(10))
        .range(0, ANY),
    field("Probe", "failureThreshold")
        .default(Number(3))
        .range(0, ANY),
    field("Probe", "initialDelaySeconds")
        .range(0, ANY)
        .zero_is_absent(),
    field("Probe", "terminationGracePeriodSeconds").range(1, ANY),
    field("HTTPGetAction", "scheme")
        .default(Text("HTTP"))
        .words(&["HTTP", "HTTPS"]),
    field("HTTPGetAction", "path").default(Text("/")),
    field("HTTPGetAction", "port").range(1, LAST_PORT),
    field("TCPSocketAction", "port").range(1, LAST_PORT),
    field("GRPCAction", "service").default(Text("")),
    field("GRPCAction", "port").range(1, LAST_PORT),
    field("SleepAction", "seconds").range(1, ANY),
    field("VolumeMount", "mountPath").never_empty(),
    field("VolumeMount", "mountPropagation").words(&["None", "HostToContainer", "Bidirectional"]),
    field("VolumeMount", "readOnly").zero_is_absent(),
    field("VolumeMount", "recursiveReadOnly").words(&["Disabled", "IfPossible", "Enabled"]),
    field("VolumeDevice", "devicePath").never_empty(),
    field("ObjectFieldSelector", "apiVersion").default(Text("v1")),
    field("ResourceFieldSelector", "resource").words(&[
        "limits.cpu",
        "limits.memory",
        "limits.ephemeral-storage",
        "requests.cpu",
        "requests.memory",
        "requests.ephemeral-storage",
    ]),
    field("ConfigMapEnvSource", "name").never_empty(),
    field("SecretEnvSource", "name").never_empty(),
    field("ConfigMapKeySelector", "name").never_empty(),
    field("SecretKeySelector", "name").never_empty(),
    field("LocalObjectReference", "name").never_empty(),
    field("ConfigMapVolumeSource", "name").never_empty(),
    field("ConfigMapVolumeSource", "defaultMode")
        .default(Number(0o644))
        .range(0, LAST_MODE),
    field("SecretVolumeSource", "secretName").never_empty(),
    field("SecretVolumeSource", "defaultMode")
        .default(Number(0o644))
        .range(0, LAST_MODE),
    field("DownwardAPIVolumeSource", "defaultMode")
        .default(Number(0o644))
        .range(0, LAST_MODE),
    field("ProjectedVolumeSource", "defaultMode")
        .default(Number(0o644))
        .range(0, LAST_MODE),
    field("ServiceAccountTokenProjection", "expirationSeconds")
        .default(Number(3600))
        .range(600, 1 << 32),
    field("KeyToPath", "key").never_empty(),
    field("KeyToPath", "path").never_empty(),
    field("KeyToPath", "mode").range(0, LAST_MODE),
    field("DownwardAPIVolumeFile", "path").never_empty(),
    field("DownwardAPIVolumeFile", "mode").range(0, LAST_MODE),
    field("HostPathVolumeSource", "path").never_empty(),
    field("HostPathVolumeSource", "type")
        .default(Text(""))
        .words(&[
            "",
            "DirectoryOrCreate",
            "Directory",
            "FileOrCreate",
            "File",
            "Socket",
            "CharDevice",
            "BlockDevice",
        ]),
    field("NFSVolumeSource", "path").never_empty(),
    field("NFSVolumeSource", "server").never_empty(),
    field("NFSVolumeSource", "readOnly").zero_is_absent(),
    field("CSIVolumeSource", "driver").never_empty(),
    field("ImageVolumeSource", "pullPolicy").words(PULL_POLICIES),
    field("PersistentVolumeClaimSpec", "resources").zero_is_absent(),
    field("PersistentVolumeClaimVolumeSource", "readOnly").zero_is_absent(),
    field("AWSElasticBlockStoreVolumeSource", "partition").zero_is_absent(),
    field("AWSElasticBlockStoreVolumeSource", "readOnly").zero_is_absent(),
    field("AzureFileVolumeSource", "readOnly").zero_is_absent(),
    field("CephFSVolumeSource", "readOnly").zero_is_absent(),
    field("CinderVolumeSource", "readOnly").zero_is_absent(),
    field("FCVolumeSource", "readOnly").zero_is_absent(),
    field("FlexVolumeSource", "readOnly").zero_is_absent(),
    field("GCEPersistentDiskVolumeSource", "partition").zero_is_absent(),
    field("GCEPersistentDiskVolumeSource", "readOnly").zero_is_absent(),
    field("GlusterfsVolumeSource", "readOnly").zero_is_absent(),
    field("ISCSIVolumeSource", "chapAuthDiscovery").zero_is_absent(),
    field("ISCSIVolumeSource", "chapAuthSession").zero_is_absent(),
    field("ISCSIVolumeSource", "readOnly").zero_is_absent(),
    field("PortworxVolumeSource", "readOnly").zero_is_absent(),
    field("QuobyteVolumeSource", "readOnly").zero_is_absent(),
    field("RBDVolumeSource", "readOnly").zero_is_absent(),
    field("ScaleIOVolumeSource", "readOnly").zero_is_absent(),
    field("ScaleIOVolumeSource", "sslEnabled").zero_is_absent(),
    field("StorageOSVolumeSource", "readOnly").zero_is_absent(),
    field("Toleration", "operator").words(&["Equal", "Exists"]),
    field("Toleration", "effect").words(&["", "NoSchedule", "PreferNoSchedule", "NoExecute"]),
    field("TopologySpreadConstraint", "topologyKey").never_empty(),
    field("TopologySpreadConstraint", "whenUnsatisfiable")
        .words(&["DoNotSchedule", "ScheduleAnyway"]),
    field("TopologySpreadConstraint", "nodeAffinityPolicy").words(HONOR),
    field("TopologySpreadConstraint", "nodeTaintsPolicy").words(HONOR),
    field("TopologySpreadConstraint", "maxSkew").range(1, ANY),
    field("TopologySpreadConstraint", "minDomains").range(1, ANY),
    field("PodAffinityTerm", "topologyKey").never_empty(),
    field("PreferredSchedulingTerm", "weight").range(1, 100),
    field("WeightedPodAffinityTerm", "weight").range(1, 100),
    field("NodeSelectorRequirement", "operator").words(&[
        "In",
        "NotIn",
        "Exists",
        "DoesNotExist",
        "Gt",
        "Lt",
    ]),
    field("LabelSelectorRequirement", "operator").words(&["In", "NotIn", "Exists", "DoesNotExist"]),
];

/// The fields of an app container that templates may set where the user has nothing, by name.
pub(crate) fn for_app() -> Vec<&'static str> {
    sorted(|facts| facts.is_for_app)
}

/// The fields of the pod that templates may set, by name.
pub(crate) fn for_pod() -> Vec<&'static str> {
    sorted(|facts| facts.is_for_pod)
}

fn sorted(is_wanted: fn(&FieldFacts) -> bool) -> Vec<&'static str> {
    let mut names: Vec<_> = FIELDS
        .iter()
        .filter(|facts| is_wanted(facts))
        .map(|facts| facts.name)
        .collect();
    names.sort_unstable();
    names
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::kubernetes::schema::{self, FieldType};

    #[test]
    fn every_row_is_about_a_field_of_the_schema_and_its_type() {
        let mut seen = BTreeSet::new();
        for facts in FIELDS {
            let place = format!("{}.{}", facts.definition, facts.name);
            let field = schema::field(facts.definition, facts.name);
            let ty = &field.unwrap_or_else(|| panic!("no field {place}")).ty;
            assert!(seen.insert(place.clone()), "two rows for {place}");
            assert!(
                facts.words.is_empty() && !facts.is_never_empty || *ty == FieldType::Text,
                "{place}"
            );
            for key in facts.keys {
                let FieldType::List(element) = ty else {
                    panic!("{place} is no list");
                };
                let FieldType::Object(element) = element.as_ref() else {
                    panic!("{place} holds no objects");
                };
                assert!(schema::field(element, key).is_some(), "{element}.{key}");
            }
            let default_fits = matches!(
                (facts.default, ty),
                (None, _)
                    | (Some(Text(_)), FieldType::Text)
                    | (Some(Number(_)), FieldType::Integer32 | FieldType::Integer64)
                    | (Some(True), FieldType::Boolean)
                    | (Some(EmptyObject), FieldType::Object(_))
            );
            assert!(default_fits, "{place}");
        }
    }
}
