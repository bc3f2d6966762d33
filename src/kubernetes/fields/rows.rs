//! The rows: one a field.

use super::DefaultValue::{EmptyObject, Number, Text, True};
use super::{FieldFacts, field};
use crate::kubernetes::names::Spelling;

/// Number without an upper bound.
const ANY: i64 = i64::MAX;
const LAST_PORT: i64 = 65535;
/// The largest user or group number (apimachinery:pkg/util/validation, `IsValidUserID`).
const LAST_ID: i64 = i32::MAX as i64;
/// The largest file mode.
pub(in crate::kubernetes) const LAST_MODE: i64 = 0o777;

const PULL_POLICIES: &[&str] = &["Always", "IfNotPresent", "Never"];
const PROFILE_TYPES: &[&str] = &["RuntimeDefault", "Localhost", "Unconfined"];
const HONOR: &[&str] = &["Honor", "Ignore"];

/// Every field with something to say; those with defaults in the order in which they are filled in.
pub(in crate::kubernetes) const FIELDS: &[FieldFacts] = &[
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
    field("PodSecurityContext", "supplementalGroups").range(0, LAST_ID),
    field("PodSecurityContext", "seLinuxChangePolicy").words(&["MountOption", "Recursive"]),
    field("Sysctl", "name")
        .never_empty()
        .spelled(Spelling::Sysctl),
    field("WindowsSecurityContextOptions", "gmsaCredentialSpecName")
        .never_empty()
        .spelled(Spelling::Object),
    field("WindowsSecurityContextOptions", "gmsaCredentialSpec").never_empty(),
    field("WindowsSecurityContextOptions", "runAsUserName").never_empty(),
    field("HostAlias", "hostnames")
        .never_empty()
        .spelled(Spelling::Host),
    field("PodDNSConfig", "searches")
        .never_empty()
        .spelled(Spelling::SearchDomain),
    field("PodDNSConfigOption", "name").never_empty(),
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
    field("ResourceClaim", "name").never_empty(),
    field("ResourceClaim", "request").spelled(Spelling::Label),
    field("SecurityContext", "runAsUser").range(0, LAST_ID),
    field("SecurityContext", "runAsGroup").range(0, LAST_ID),
    field("SecurityContext", "procMount").words(&["Default", "Unmasked"]),
    field("SeccompProfile", "type").words(PROFILE_TYPES),
    field("SeccompProfile", "localhostProfile").spelled(Spelling::Inside),
    field("AppArmorProfile", "type").words(PROFILE_TYPES),
    field("AppArmorProfile", "localhostProfile")
        .never_empty()
        .spelled(Spelling::Unpadded),
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
    field("HTTPGetAction", "protocol").words(&["HTTP1", "HTTP2"]),
    field("HTTPGetAction", "port").range(1, LAST_PORT),
    field("TCPSocketAction", "port").range(1, LAST_PORT),
    field("GRPCAction", "service").default(Text("")),
    field("GRPCAction", "mode").words(&["Plaintext", "TLS"]),
    field("GRPCAction", "port").range(1, LAST_PORT),
    field("SleepAction", "seconds").range(1, ANY),
    field("VolumeMount", "mountPath").never_empty(),
    field("VolumeMount", "mountPropagation").words(&["None", "HostToContainer", "Bidirectional"]),
    field("VolumeMount", "readOnly").zero_is_absent(),
    field("VolumeMount", "recursiveReadOnly").words(&["Disabled", "IfPossible", "Enabled"]),
    field("VolumeMount", "bindMountOptions").words(&["noexec", "nodev", "nosuid"]),
    field("VolumeDevice", "devicePath")
        .never_empty()
        .spelled(Spelling::Path),
    field("ObjectFieldSelector", "apiVersion")
        .default(Text("v1"))
        .words(&["", "v1"]),
    field("ResourceFieldSelector", "resource")
        .never_empty()
        .spelled(Spelling::ResourceField),
    field("ConfigMapEnvSource", "name")
        .never_empty()
        .spelled(Spelling::ObjectPrefix),
    field("SecretEnvSource", "name")
        .never_empty()
        .spelled(Spelling::ObjectPrefix),
    field("ConfigMapKeySelector", "name")
        .never_empty()
        .spelled(Spelling::Object),
    field("SecretKeySelector", "name")
        .never_empty()
        .spelled(Spelling::Object),
    field("ConfigMapKeySelector", "key")
        .never_empty()
        .spelled(Spelling::DataKey),
    field("SecretKeySelector", "key")
        .never_empty()
        .spelled(Spelling::DataKey),
    field("FileKeySelector", "volumeName")
        .never_empty()
        .spelled(Spelling::Label),
    field("FileKeySelector", "path")
        .never_empty()
        .spelled(Spelling::Path),
    field("FileKeySelector", "key")
        .never_empty()
        .spelled(Spelling::FileVariable),
    field("EnvFromSource", "prefix").spelled(Spelling::Variable),
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
    field("ServiceAccountTokenProjection", "path")
        .never_empty()
        .spelled(Spelling::InsideVisible),
    field("ClusterTrustBundleProjection", "path")
        .never_empty()
        .spelled(Spelling::InsideVisible),
    field("ClusterTrustBundleProjection", "name")
        .never_empty()
        .spelled(Spelling::TrustBundle),
    field("ClusterTrustBundleProjection", "signerName")
        .never_empty()
        .spelled(Spelling::Signer),
    field("PodCertificateProjection", "signerName")
        .never_empty()
        .spelled(Spelling::Signer),
    field("PodCertificateProjection", "keyType").words(&[
        "RSA3072",
        "RSA4096",
        "ECDSAP256",
        "ECDSAP384",
        "ECDSAP521",
        "ED25519",
    ]),
    field("PodCertificateProjection", "maxExpirationSeconds").range(3600, 91 * 24 * 3600),
    field("PodCertificateProjection", "credentialBundlePath").spelled(Spelling::InsideVisible),
    field("PodCertificateProjection", "keyPath").spelled(Spelling::InsideVisible),
    field("PodCertificateProjection", "certificateChainPath").spelled(Spelling::InsideVisible),
    field("ServiceAccountTokenProjection", "expirationSeconds")
        .default(Number(3600))
        .range(600, 1 << 32),
    field("KeyToPath", "key").never_empty(),
    field("KeyToPath", "path")
        .never_empty()
        .spelled(Spelling::InsideVisible),
    field("KeyToPath", "mode").range(0, LAST_MODE),
    field("DownwardAPIVolumeFile", "path")
        .never_empty()
        .spelled(Spelling::InsideVisible),
    field("DownwardAPIVolumeFile", "mode").range(0, LAST_MODE),
    field("ConfigMapVolumeSource", "defaultUser").range(0, LAST_ID),
    field("SecretVolumeSource", "defaultUser").range(0, LAST_ID),
    field("DownwardAPIVolumeSource", "defaultUser").range(0, LAST_ID),
    field("ProjectedVolumeSource", "defaultUser").range(0, LAST_ID),
    field("KeyToPath", "user").range(0, LAST_ID),
    field("DownwardAPIVolumeFile", "user").range(0, LAST_ID),
    field("ServiceAccountTokenProjection", "user").range(0, LAST_ID),
    field("ClusterTrustBundleProjection", "user").range(0, LAST_ID),
    field("PodCertificateProjection", "user").range(0, LAST_ID),
    field("ConfigMapProjection", "name").never_empty(),
    field("SecretProjection", "name").never_empty(),
    field("HostPathVolumeSource", "path")
        .never_empty()
        .spelled(Spelling::Path),
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
    field("NFSVolumeSource", "path")
        .never_empty()
        .spelled(Spelling::AbsolutePath),
    field("NFSVolumeSource", "server").never_empty(),
    field("NFSVolumeSource", "readOnly").zero_is_absent(),
    field("CSIVolumeSource", "driver")
        .never_empty()
        .spelled(Spelling::Driver),
    field("AWSElasticBlockStoreVolumeSource", "volumeID").never_empty(),
    field("AzureFileVolumeSource", "secretName").never_empty(),
    field("AzureFileVolumeSource", "shareName").never_empty(),
    field("CinderVolumeSource", "volumeID").never_empty(),
    field("FlexVolumeSource", "driver").never_empty(),
    field("GCEPersistentDiskVolumeSource", "pdName").never_empty(),
    field("GlusterfsVolumeSource", "endpoints").never_empty(),
    field("GlusterfsVolumeSource", "path").never_empty(),
    field("ISCSIVolumeSource", "targetPortal").never_empty(),
    field("ISCSIVolumeSource", "iqn").never_empty(),
    field("PortworxVolumeSource", "volumeID").never_empty(),
    field("QuobyteVolumeSource", "registry").never_empty(),
    field("QuobyteVolumeSource", "volume").never_empty(),
    field("RBDVolumeSource", "image").never_empty(),
    field("ScaleIOVolumeSource", "gateway").never_empty(),
    field("ScaleIOVolumeSource", "system").never_empty(),
    field("ScaleIOVolumeSource", "volumeName").never_empty(),
    field("VsphereVirtualDiskVolumeSource", "volumePath").never_empty(),
    field("GitRepoVolumeSource", "repository").never_empty(),
    field("AzureDiskVolumeSource", "diskName").never_empty(),
    field("AzureDiskVolumeSource", "diskURI").never_empty(),
    field("PhotonPersistentDiskVolumeSource", "pdID").never_empty(),
    field("GitRepoVolumeSource", "directory").spelled(Spelling::Inside),
    field("ISCSIVolumeSource", "lun").range(0, 255),
    field("ImageVolumeSource", "pullPolicy").words(PULL_POLICIES),
    field("ImageVolumeSource", "reference").never_empty(),
    field("EmptyDirVolumeSource", "mode").range(0, 0o1777),
    field("PersistentVolumeClaimSpec", "accessModes").words(&[
        "ReadWriteOnce",
        "ReadOnlyMany",
        "ReadWriteMany",
        "ReadWriteOncePod",
    ]),
    field("PersistentVolumeClaimSpec", "storageClassName").spelled(Spelling::Object),
    field("PersistentVolumeClaimSpec", "volumeAttributesClassName").spelled(Spelling::Object),
    field("PersistentVolumeClaimSpec", "volumeMode").words(&["Block", "Filesystem"]),
    field("PersistentVolumeClaimSpec", "resources").zero_is_absent(),
    field("PersistentVolumeClaimVolumeSource", "readOnly").zero_is_absent(),
    field("AWSElasticBlockStoreVolumeSource", "partition")
        .range(0, 255)
        .zero_is_absent(),
    field("AWSElasticBlockStoreVolumeSource", "readOnly").zero_is_absent(),
    field("AzureFileVolumeSource", "readOnly").zero_is_absent(),
    field("CephFSVolumeSource", "readOnly").zero_is_absent(),
    field("CinderVolumeSource", "readOnly").zero_is_absent(),
    field("FCVolumeSource", "readOnly").zero_is_absent(),
    field("FlexVolumeSource", "readOnly").zero_is_absent(),
    field("GCEPersistentDiskVolumeSource", "partition")
        .range(0, 255)
        .zero_is_absent(),
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
    field("TopologySpreadConstraint", "matchLabelKeys")
        .never_empty()
        .spelled(Spelling::Key),
    field("PodAffinityTerm", "matchLabelKeys")
        .never_empty()
        .spelled(Spelling::Key),
    field("PodAffinityTerm", "mismatchLabelKeys")
        .never_empty()
        .spelled(Spelling::Key),
    field("PodAffinityTerm", "namespaces")
        .never_empty()
        .spelled(Spelling::Label),
    field("TopologySpreadConstraint", "whenUnsatisfiable")
        .words(&["DoNotSchedule", "ScheduleAnyway"]),
    field("TopologySpreadConstraint", "nodeAffinityPolicy").words(HONOR),
    field("TopologySpreadConstraint", "nodeTaintsPolicy").words(HONOR),
    field("TopologySpreadConstraint", "maxSkew").range(1, ANY),
    field("TopologySpreadConstraint", "minDomains").range(1, ANY),
    field("PodAffinityTerm", "topologyKey")
        .never_empty()
        .spelled(Spelling::Key),
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
    field("LabelSelectorRequirement", "values").spelled(Spelling::LabelValue),
    field("LabelSelectorRequirement", "operator").words(&["In", "NotIn", "Exists", "DoesNotExist"]),
];
