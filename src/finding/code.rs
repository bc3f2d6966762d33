//! The registry: every code with its family, severity, default policy, meaning and remedy.
//!
//! Codes are stable: policies, scripts, alerts and searches rely on them. A code for what validation
//! of pods refuses can be `Deny` or `Skip` only, as anything milder would let a pod pass that is
//! refused a moment later with words about fields that nobody wrote.

use std::fmt;

/// What a code is about; one file of `check` for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// What composing templates met.
    Composition,
    /// Ports and the pod's network.
    Network,
    /// Volumes and mounts.
    Storage,
    /// Starting, ending and probing.
    Lifecycle,
    /// Requests, limits and quotas.
    Resources,
    /// Pod Security and privilege.
    Security,
    /// Images and how they are pulled.
    Images,
    /// What else is in the pod, and where it runs.
    Environment,
    /// What the API server asks across the parts of a pod.
    Validity,
    /// Objects that the pod needs.
    References,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The pod is refused, or fails.
    Error,
    /// The pod may fail, or something else suffers.
    Warning,
    /// Worth knowing.
    Info,
}

/// Why the API server refuses a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Validation of pods: whatever the cluster.
    Invalid,
    /// Admission of this cluster, as far as it is known.
    Forbidden,
}

/// What follows from a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Policy {
    /// The pod is refused.
    Deny,
    /// The template is not applied to this pod.
    Skip,
    /// The person is told.
    Warn,
    /// Nothing; `pillion explain` shows it all the same.
    Ignore,
}

impl Policy {
    /// Every policy, strictest first.
    pub(crate) const ALL: [Self; 4] = [Self::Deny, Self::Skip, Self::Warn, Self::Ignore];

    /// The word that is written in templates, annotations and configuration.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Deny => "Deny",
            Self::Skip => "Skip",
            Self::Warn => "Warn",
            Self::Ignore => "Ignore",
        }
    }

    /// The policy of this word.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.as_str() == word)
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Declares the codes once.
macro_rules! codes {
    ($($name:ident: $family:ident, $severity:ident, $policy:ident $(, $refusal:ident)?;
       $meaning:literal; $help:literal;)*) => {
        /// What a check can find.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(clippy::doc_markdown, reason = "the meanings are printed for people too")]
        pub enum Code { $(#[doc = $meaning] $name,)* }

        impl Code {
            /// Every code, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word that is printed everywhere.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// What it is about.
            pub fn family(self) -> Family {
                match self { $(Self::$name => Family::$family,)* }
            }

            /// How bad it is.
            pub fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)* }
            }

            /// What follows from it where nobody chose otherwise.
            pub fn default_policy(self) -> Policy {
                match self { $(Self::$name => Policy::$policy,)* }
            }

            /// Whether and why the API server refuses such a pod itself.
            pub fn refusal(self) -> Option<Refusal> {
                match self { $(Self::$name => codes!(@refusal $($refusal)?),)* }
            }

            /// One sentence: what the pod would have.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)* }
            }

            /// What to do about it.
            pub fn help(self) -> &'static str {
                match self { $(Self::$name => $help,)* }
            }
        }
    };
    (@refusal) => { None };
    (@refusal $refusal:ident) => { Some(Refusal::$refusal) };
}

codes! {
    FieldKept: Composition, Info, Warn;
    "The pod has a value of its own where the template wants another; the pod's is kept.";
    "Remove the pod's own value to get the template's, or leave it: nothing of yours is overwritten.";

    ChangedByOther: Composition, Info, Warn;
    "Another webhook, or somebody by hand, has changed what a template added; the change stays.";
    "Nothing is to be done where the change is meant; a mandatory template puts back what its `override` does not name.";

    EditReplaced: Composition, Warning, Warn;
    "What a template had added was changed by somebody, and is made anew, as the template has another revision or other parameters.";
    "Set what was changed by a parameter of the template, or by a container of the helper's name in the manifest.";

    TakenOut: Composition, Info, Warn;
    "Something was taken out of the pod that its status says a template had added, and that is not added any more: the template has another revision or other parameters, or is gone or not selected for the pod.";
    "Nothing is to be done where the template had added it. Where it is somebody else's, the status was copied or written by hand: remove the annotation `pillion.dev/status.<template>` before the pod is applied.";

    MandatoryReverted: Composition, Warning, Warn;
    "Another webhook has changed the helper of a mandatory template, and the template's fields were put back.";
    "Name the fields in the template's `override` where the other webhook is right.";

    LeftBehind: Composition, Warning, Warn;
    "The pod's status names something as a template's that is neither as it was added nor of a name that the template adds; it stays.";
    "Remove it by hand where it is a template's.";

    PlaceholderUnfilled: Composition, Warning, Warn;
    "A container has the image `auto`, which no template here fills in; where no other webhook does, it cannot start.";
    "Ask for the template that the container belongs to, or give it an image.";

    ResourcesKept: Composition, Info, Warn;
    "A template wants resources for an app container, and the pod has pod-level resources, which rule.";
    "Set the container's resources yourself, within spec.resources.";

    PolicyInvalid: Composition, Warning, Warn;
    "The namespace's annotation `pillion.dev/findings` has an entry that cannot be taken; it is left out.";
    "Write CODE=Deny, CODE=Skip, CODE=Warn or CODE=Ignore, separated by commas, with codes of this page.";

    PortConflict: Network, Error, Deny;
    "A helper, or the app by a template, listens on a port of the pod or of the node that another container beside it has; the second to start fails.";
    "Give one of the two another port: by the template's parameter, or in the app.";

    HostPortConflict: Network, Error, Deny, Invalid;
    "Two regular containers want the same hostPort with the same protocol and hostIP (on the node's network: the same containerPort); the API server refuses the pod.";
    "Remove one hostPort, or give it another number.";

    PortNameConflict: Network, Warning, Warn;
    "Two containers give ports of one protocol the same name; a Service that names it reaches the first only.";
    "Rename one of the two ports.";

    ProbePortOfOther: Network, Warning, Warn;
    "A container is probed on a port that only another one declares, and one of the two is a helper: the kubelet asks that other one, or both listen there. Or two helpers of different templates are probed on a port that nobody declares.";
    "Declare the port where it is listened on, or probe a port of the container's own.";

    ProbePortNotFound: Network, Error, Warn;
    "A probe or hook names a port that its own container does not declare: the kubelet does not ask it, and without startup or readiness nothing goes on.";
    "Declare a port of that name in the container, correct the name, or give the number.";

    ProbeOnNode: Network, Error, Warn;
    "A probe or hook has a loopback address as its host: the kubelet asks the node's own, where the container does not listen.";
    "Leave the host out, so that the pod is asked, or use `exec`.";

    HostNetworkShared: Network, Warning, Ignore;
    "Several containers of the user's own listen on the node's network: their ports are open on the node, and clash with those of other pods there.";
    "Take the pod off the node's network, or give each container ports that nothing on the node has.";

    HostNetworkHelper: Network, Warning, Warn;
    "A helper that listens, or may change the network, runs in a pod on the node's network: its ports are open on the node, and clash with those of other pods there.";
    "Take the pod off the node's network, or leave the helper out.";

    VolumeNotFound: Storage, Error, Deny, Invalid;
    "A template mounts, or reads a variable from, a volume that the pod does not have, by a name from an expression; the API server refuses the pod.";
    "Correct the parameter that names the volume, or add the volume to the pod.";

    MountOverFile: Storage, Warning, Warn;
    "A template mounts a directory in an app container at a path that looks like a file's.";
    "Name the directory that the file is in.";

    MountWritable: Storage, Warning, Warn;
    "A helper mounts a volume without `readOnly: true` that nobody can write, such as configuration: it fails where it writes there.";
    "Add `readOnly: true` to the mount, or give a helper that writes another volume.";

    SubPathNotFound: Storage, Warning, Warn;
    "A mount's subPath names no file of its volume, which lists its files: the container finds an empty directory there.";
    "Name one of the volume's files, or add the file.";

    FilesUnreadable: Storage, Warning, Warn;
    "A container that does not run as root mounts files that root alone can read: a Secret, ConfigMap or generated file with a mode such as 0400, in a pod without fsGroup.";
    "Give the pod securityContext.fsGroup, which lets that group read them, or the volume defaultMode: 0444.";

    CommandNotExecutable: Storage, Error, Deny;
    "A container's command is a file of a volume whose mode lets nobody execute it, as that of generated files: the container never starts.";
    "Run it by its interpreter (`sh /path/run.sh`), or give the ConfigMap's or Secret's volume defaultMode: 0555.";

    MountConflict: Storage, Error, Deny;
    "A volume is mounted where another one is mounted in the same container, and one of the two by a template; one hides the other. Or a template mounts one at `/`, at `/dev`, at or in `/proc`, or in an app where its service account token belongs.";
    "Mount one of them elsewhere.";

    NestedMount: Storage, Warning, Warn;
    "A volume of a template is mounted above or below another mount of the same container, or a helper lacks what the app has mounted inside a volume that both use.";
    "Choose paths that do not contain each other, or mount the app's volume at exactly the template's path.";

    SharedWrite: Storage, Info, Warn;
    "A helper and another container that runs beside it can both write the same files.";
    "Mount the volume read-only where it is only read.";

    MemoryVolumeOverLimit: Storage, Warning, Warn;
    "The memory-backed emptyDirs that a container writes can together grow to its memory limit, and it is killed.";
    "Lower the volume's sizeLimit, or raise the container's memory limit.";

    MemoryVolumeUnbounded: Storage, Warning, Warn;
    "A memory-backed emptyDir has no sizeLimit: what is written there counts as memory of the pod.";
    "Set emptyDir.sizeLimit.";

    EmptyDirUnbounded: Storage, Warning, Warn;
    "An emptyDir of a template has no sizeLimit, and no container a limit of ephemeral-storage: it can fill the node's disk.";
    "Set emptyDir.sizeLimit.";

    EphemeralStorageLimit: Storage, Warning, Warn;
    "A helper is the first container with a limit of ephemeral-storage, which becomes the whole pod's; or the pod's emptyDirs, one of them a template's, may grow above the sum of these limits. The kubelet evicts such a pod.";
    "Leave the helper's limit out, raise the limits, or lower the volume's sizeLimit.";

    EmptyDirBlocksAutoscaler: Storage, Info, Ignore;
    "A hostPath volume of a template keeps the cluster autoscaler from removing the node; emptyDirs of templates are named as safe to evict.";
    "Name the volume in the annotation cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes.";

    RestartPolicyOnContainer: Lifecycle, Warning, Warn;
    "A regular container, perhaps of the user's own, has restartPolicy: Always, which does not make it a sidecar.";
    "Move the container to initContainers: there it starts before the app and ends after it.";

    InitNeverEnds: Lifecycle, Error, Warn;
    "An init container, perhaps of the user's own, runs a command that surely never ends, so that the app never starts.";
    "Let it end, or make it a native sidecar with restartPolicy: Always.";

    SidecarNotAwaited: Lifecycle, Warning, Warn;
    "An Ambassador's native sidecar has neither a startup probe nor a postStart hook: the app starts before it answers.";
    "Give the template's sidecar a readinessProbe and waitForReady: true, or a startupProbe.";

    InitBeforeAmbassador: Lifecycle, Error, Deny;
    "An init container is told of an Ambassador that starts after it: if it waits for that, the app never starts.";
    "Let the Ambassador be a native sidecar (Kubernetes 1.32 or newer, or `--native-sidecars`), leave the init container out of pillion.dev/containers, or give it the real address.";

    SidecarKeepsJob: Lifecycle, Warning, Ignore;
    "A run-to-completion pod of the user's has a regular container that looks like a server beside one that ends: the pod ends only when both do.";
    "Make the server a native sidecar: an init container with restartPolicy: Always.";

    PreStopTooLong: Lifecycle, Warning, Warn;
    "A preStop hook pauses at least as long as the pod's grace period; the container is killed before it can end.";
    "Raise terminationGracePeriodSeconds, or shorten the hook.";

    GracePeriodShortened: Lifecycle, Warning, Warn;
    "A template gives the pod less time to end than it would have without: an app that takes longer is killed.";
    "Give the template 30 seconds or more, leave the field out, or set the pod's own terminationGracePeriodSeconds, which stays.";

    PreStopSleepRefused: Lifecycle, Error, Deny, Invalid;
    "A sleep hook, preStop or postStart, is longer than the pod's grace period or negative, or takes no time and Kubernetes is older than 1.33; the API server refuses the pod.";
    "Raise terminationGracePeriodSeconds, or shorten the sleep.";

    ProbeOnInitStep: Lifecycle, Error, Deny, Invalid;
    "An init container, perhaps of the user's own, has a probe or a lifecycle hook; the API server refuses the pod.";
    "Remove it, or make the init container a native sidecar with restartPolicy: Always.";

    PodResourcesExceeded: Resources, Error, Deny, Invalid;
    "The containers together exceed the pod's own spec.resources; the API server refuses the pod.";
    "Raise spec.resources by what the helpers need.";

    RequestsMissing: Resources, Warning, Warn;
    "A helper has no CPU or memory request where the app has one: a HorizontalPodAutoscaler on the pod's utilisation stops working.";
    "Set the helper's requests, or scale on the app alone with a ContainerResource metric.";

    QosClassChanged: Resources, Warning, Warn;
    "The helpers cost the pod its quality-of-service class Guaranteed: it is evicted earlier.";
    "Give the helpers limits equal to their requests, for CPU and memory.";

    LimitRangeViolated: Resources, Error, Deny, Forbidden;
    "A LimitRange of the namespace does not allow the resulting pod; the API server refuses it.";
    "Change the helper's resources by the template's parameters, or the LimitRange.";

    QuotaExceeded: Resources, Error, Warn;
    "The ResourceQuota of the namespace has no room for the resulting pod, or wants resources that a helper lacks.";
    "Free some of the quota, raise it, or ask for smaller helpers.";

    HelperLargerThanApp: Resources, Info, Ignore;
    "The helpers request more than the app itself.";
    "Consider one shared Deployment or DaemonSet instead of a helper in every pod.";

    PodSecurityViolated: Security, Error, Deny, Forbidden;
    "What a template adds violates the Pod Security level that is enforced in the namespace; the API server refuses the pod.";
    "Use a template that fits the level, or have the namespace's label pod-security.kubernetes.io/enforce changed.";

    CapabilityAdded: Security, Warning, Warn;
    "A helper gets Linux capabilities beyond what level restricted allows.";
    "Make sure that the template may have them; its author can set this finding to Ignore where they are the point.";

    HostNamespaceShared: Security, Warning, Warn;
    "A helper runs in the node's process or IPC namespace, as the pod asks for that.";
    "Leave the helper out of this pod, or the pod out of the node's namespaces.";

    ProcessNamespaceShared: Security, Warning, Warn;
    "A template makes the containers share their process namespace: each sees the others' processes, environment and files.";
    "Make sure that this is wanted; the template's author can set this finding to Ignore where it is the point.";

    RootForbidden: Security, Error, Deny;
    "A container must not run as root (runAsNonRoot) and its user is 0, each by the container or by the pod: the kubelet never starts it.";
    "Set runAsUser to a number other than 0 where the image can run as that, or runAsNonRoot: false on the container.";

    UserUnknown: Security, Warning, Warn;
    "The pod demands runAsNonRoot of a helper, or a template of the app, and nothing says the container's user: the kubelet starts it only if its image names a user by a number other than 0.";
    "Set the container's runAsUser, or runAsNonRoot: true in the template's helper where its image is known to name one.";

    UserOutsideRange: Security, Warning, Warn;
    "A helper has a user or group outside the range that the namespace's openshift.io/sa.scc annotations allow: OpenShift admits such a pod only where its service account may use a wider SecurityContextConstraint.";
    "Leave the user to the cluster, or allow the service account another SecurityContextConstraint.";

    HelperRunsAsRoot: Security, Warning, Warn;
    "A helper runs as root beside an app that does not.";
    "Set the helper's runAsUser, or runAsNonRoot: true where its image names a user.";

    TokenMounted: Security, Warning, Warn;
    "A helper gets a service account token in a pod that has automountServiceAccountToken: false.";
    "Make sure that the helper needs the API, and that its service account may do no more than that.";

    ImageInvalid: Images, Error, Deny;
    "A helper's image is no reference that a container runtime takes: the kubelet never starts it (InvalidImageName).";
    "Correct the image: HOST/NAME:TAG, lower-case letters in the name, no spaces.";

    ImageTagFloating: Images, Warning, Warn;
    "A helper's image has no digest, and no tag or one that moves by habit, such as latest or stable: two pods may run different programs.";
    "Name a released version, or a digest.";

    ImageNotPinned: Images, Info, Ignore;
    "A helper's image is named by tag and not by digest.";
    "Name the image as NAME:TAG@sha256:DIGEST.";

    PullSecretMissing: Images, Warning, Warn;
    "A helper's image comes from a private registry, and the pod names no imagePullSecrets.";
    "Add imagePullSecrets to the pod, to its service account, or by the template.";

    WindowsPod: Environment, Error, Skip;
    "The pod runs on Windows nodes, and the helper's image is for Linux.";
    "Leave the template out there; an author whose image runs on Windows sets this finding to Ignore.";

    VirtualNode: Environment, Warning, Warn;
    "The pod may run on a virtual node that knows no init containers or native sidecars, or on Fargate, which runs no privileged helpers and no hostPorts.";
    "Keep the pod on real nodes, or leave the helper out.";

    InitCutOff: Environment, Warning, Warn;
    "An init container needs the network after a template's init container may have redirected it (NET_ADMIN), and before the template's proxy runs.";
    "Let the proxy be a native sidecar (Kubernetes 1.32 or newer, or `--native-sidecars`), or give the template an `order` that puts its init container behind the others.";

    ForeignMesh: Environment, Warning, Warn;
    "A service mesh captures the pod's traffic, and a helper may change it too, is a step that needs the network between the capture and the start of the proxy, or a sidecar whose startupProbe does.";
    "Use one of the two, exclude the helper's ports and user from the mesh, or probe it by a command.";

    EnvReferenceBroken: Environment, Warning, Warn;
    "A variable of a template refers by $(NAME) to one that is defined behind it, or nowhere, and the text stays as it is; or a subPathExpr does, and the container does not start.";
    "Define the variable before it is referred to.";

    EnvFromHidden: Environment, Warning, Warn;
    "A variable of a template may hide one of the container's envFrom: what stands in env wins.";
    "Set the variable in the container's own env, which no template changes, or leave it to the template.";

    EnvDuplicate: Environment, Warning, Warn;
    "A template defines an environment variable that the container defines once more; the last one counts.";
    "Remove one of the two.";

    ResourceFieldBroken: Environment, Error, Warn;
    "A variable or file shows a resource of a container that the pod does not have (resourceFieldRef): what reads it never starts.";
    "Name a container of the pod; a variable that names none shows its own container's.";

    TooManyHelpers: Environment, Info, Warn;
    "More helpers run beside the app than `--most-helpers` allows, which is 8 by default.";
    "Consider a shared Deployment or DaemonSet for some of them.";

    PodInvalid: Validity, Error, Deny, Invalid;
    "A template brings a field or an annotation that the rest of the pod excludes or does not complete, or that this version of Kubernetes does not know; the API server refuses the pod, or drops the field.";
    "Change the field that the sentence names, in the template, its parameters or the pod.";

    SecretNotFound: References, Error, Warn;
    "A Secret that a helper needs does not exist, or lacks the key; the pod would wait for it.";
    "Create it, or correct the parameter that names it.";

    ConfigMapNotFound: References, Error, Warn;
    "A ConfigMap that a helper needs does not exist, or lacks the key; the pod would wait for it.";
    "Create it, or correct the parameter that names it.";

    ServiceAccountNotFound: References, Error, Warn, Forbidden;
    "The pod's service account does not exist; the API server refuses the pod.";
    "Create it, or name another one.";
}

impl Code {
    /// The code of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == word)
    }
}

impl Family {
    /// The heading of the family.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Composition => "Composition",
            Self::Network => "Network",
            Self::Storage => "Storage",
            Self::Lifecycle => "Lifecycle",
            Self::Resources => "Resources",
            Self::Security => "Security",
            Self::Images => "Images",
            Self::Environment => "Environment",
            Self::Validity => "Validity",
            Self::References => "References",
        }
    }
}

impl Severity {
    /// The word that is printed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "Error",
            Self::Warning => "Warning",
            Self::Info => "Info",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_validation_refuses_is_never_let_pass() {
        for code in Code::ALL {
            assert_eq!(Code::parse(code.as_str()), Some(*code));
            let says_so = ["refuses the pod", "refuses it"]
                .iter()
                .any(|words| code.meaning().contains(words));
            assert_eq!(says_so, code.refusal().is_some(), "{code}");
            if code.refusal() == Some(Refusal::Invalid) {
                assert!(code.default_policy() <= Policy::Skip, "{code}");
            }
        }
    }
}
