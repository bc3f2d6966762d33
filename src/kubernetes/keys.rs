//! The labels and annotations that Pillion and Kubernetes give a meaning to, each spelled once.

/// How Pillion's own keys begin.
pub(crate) const DOMAIN: &str = "pillion.dev/";
/// What stands between a template's name and a parameter in the key that sets it.
pub(crate) const PARAMETER_INFIX: &str = ".pillion.dev/";

/// Pod label that opts a pod in or out; annotation of pods and namespaces that lists templates.
pub(crate) const INJECT: &str = "pillion.dev/inject";
/// Namespace label that opts all its pods in or out.
pub(crate) const INJECTION: &str = "pillion.dev/injection";
/// Namespace label with which mandatory templates apply.
pub(crate) const MANDATORY: &str = "pillion.dev/mandatory";
/// Namespace annotation with policies of findings.
pub(crate) const FINDINGS: &str = "pillion.dev/findings";
/// Pod annotation that names the app containers that templates may edit.
pub(crate) const CONTAINERS: &str = "pillion.dev/containers";
/// How the annotations begin that hold each template's status.
pub(crate) const STATUS_PREFIX: &str = "pillion.dev/status.";
/// How the annotations begin that hold generated files.
pub(crate) const FILE_PREFIX: &str = "pillion.dev/file.";
/// Annotation of templates that silences lint codes.
pub(crate) const LINT_IGNORE: &str = "pillion.dev/lint-ignore";
/// Annotation that asks for a rotation of the authority's certificate.
pub(crate) const ROTATE: &str = "pillion.dev/rotate";
/// Label of a kept revision: the kind of its template.
pub(crate) const TEMPLATE_KIND: &str = "pillion.dev/template-kind";
/// Label of a kept revision: the name of its template.
pub(crate) const TEMPLATE_NAME: &str = "pillion.dev/template-name";
/// Label of a kept revision: the namespace of its template.
pub(crate) const TEMPLATE_NAMESPACE: &str = "pillion.dev/template-namespace";
/// Annotation of a kept revision: the uid of its template.
pub(crate) const TEMPLATE_UID: &str = "pillion.dev/template-uid";

/// Label that every namespace has, with its name.
pub(crate) const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";
/// Annotation of the mirror of a static pod, which the kubelet writes.
pub(crate) const MIRROR: &str = "kubernetes.io/config.mirror";
/// Annotation that names the container that kubectl means where none is named.
pub(crate) const DEFAULT_CONTAINER: &str = "kubectl.kubernetes.io/default-container";
/// Annotation that allows the cluster autoscaler to evict a pod.
pub(crate) const SAFE_TO_EVICT: &str = "cluster-autoscaler.kubernetes.io/safe-to-evict";
/// Annotation that lists the volumes whose loss does not keep the autoscaler from evicting.
pub(crate) const SAFE_TO_EVICT_VOLUMES: &str =
    "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes";
/// Namespace label with the Pod Security level that is enforced.
pub(crate) const ENFORCE: &str = "pod-security.kubernetes.io/enforce";
/// Namespace label with the version of that level.
pub(crate) const ENFORCE_VERSION: &str = "pod-security.kubernetes.io/enforce-version";
/// How the annotations begin that name a container's `AppArmor` profile.
pub(crate) const APP_ARMOR_PREFIX: &str = "container.apparmor.security.beta.kubernetes.io/";
/// Annotation that named the pod's seccomp profile before there was a field.
pub(crate) const SECCOMP_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
/// How the annotations begin that named a container's seccomp profile.
pub(crate) const SECCOMP_CONTAINER_PREFIX: &str = "container.seccomp.security.alpha.kubernetes.io/";
/// Annotation that says which pods of a `ReplicaSet` go first.
pub(crate) const POD_DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";
/// Annotation that held tolerations before there was a field.
pub(crate) const TOLERATIONS: &str = "scheduler.alpha.kubernetes.io/tolerations";
