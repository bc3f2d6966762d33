//! The controls of level restricted (psa:policy, one `check_*.go` each).

use std::collections::BTreeSet;

use super::baseline::{bad_seccomp, is_bad_profile, must_not_add, unmasked};
use super::subject::AuditScope;
use super::violation::ControlViolation;
use super::words::{containers, counted, plural, setters};
use crate::check::pod::{SecurityContext, Volume};

/// Volume sources that are allowed (`check_restrictedVolumes.go`).
const ALLOWED_SOURCES: [&str; 9] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
];
/// Those that are not, in the order in which the API server names them.
const FORBIDDEN_SOURCES: [&str; 21] = [
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "gitRepo",
    "nfs",
    "iscsi",
    "glusterfs",
    "rbd",
    "flexVolume",
    "cinder",
    "cephfs",
    "flocker",
    "fc",
    "azureFile",
    "vsphereVolume",
    "quobyte",
    "azureDisk",
    "photonPersistentDisk",
    "portworxVolume",
    "scaleIO",
    "storageos",
];
/// Since then Linux-only controls leave Windows pods alone (KEP-2802).
const WINDOWS_EXEMPT: u32 = 25;
/// Since then controls about root leave pods with a user namespace alone (KEP-127).
const USER_NAMESPACES: u32 = 35;
/// The one capability that containers may add.
pub(super) const MAY_ADD: &str = "NET_BIND_SERVICE";

pub(super) fn privilege_escalation(
    subject: AuditScope<'_, '_>,
    minor: u32,
) -> Option<ControlViolation> {
    if minor >= WINDOWS_EXEMPT && subject.is_windows() {
        return None;
    }
    let offenders =
        subject.offenders(|security| security.allow_privilege_escalation != Some(false));
    offenders.first()?;
    let detail = format!(
        "{} must set securityContext.allowPrivilegeEscalation=false",
        containers(&offenders)
    );
    let reason = "allowPrivilegeEscalation != false";
    let field = "allowPrivilegeEscalation";
    Some(ControlViolation::in_contexts(
        false, &offenders, field, reason, detail,
    ))
}

fn drops_all(security: &SecurityContext<'_>) -> bool {
    let capabilities = security.capabilities.as_ref();
    let drop = capabilities.and_then(|capabilities| capabilities.drop.as_ref());
    drop.is_some_and(|drop| drop.iter().any(|name| name.as_str() == "ALL"))
}

pub(super) fn capabilities(subject: AuditScope<'_, '_>, minor: u32) -> Option<ControlViolation> {
    if minor >= WINDOWS_EXEMPT && subject.is_windows() {
        return None;
    }
    let keeping = subject.offenders(|security| !drops_all(security));
    let adding =
        subject.offenders(|security| security.added_capabilities().any(is_restricted_capability));
    let mut details = Vec::new();
    if !keeping.is_empty() {
        details.push(format!(
            "{} must set securityContext.capabilities.drop=[\"ALL\"]",
            containers(&keeping)
        ));
    }
    if !adding.is_empty() {
        details.push(must_not_add(&adding, is_restricted_capability));
    }
    details.first()?;
    let (first, field) = if adding.is_empty() {
        (&keeping, "capabilities.drop")
    } else {
        (&adding, "capabilities.add")
    };
    let detail = details.join("; ");
    let reason = "unrestricted capabilities";
    let found = ControlViolation::in_contexts(false, first, field, reason, detail);
    let mut all = keeping;
    all.extend(adding);
    all.sort_by_key(|container| container.place);
    all.dedup_by_key(|container| container.place);
    Some(found.about(&all))
}

pub(super) fn proc_mount(subject: AuditScope<'_, '_>, _: u32) -> Option<ControlViolation> {
    unmasked(subject)
}

/// The source of a volume that is not allowed. A volume without any that the API server knows is
/// an emptyDir (v1/defaults.go, `SetDefaults_Volume`).
fn forbidden_source(volume: &Volume<'_>) -> Option<&'static str> {
    let has = |source: &&str| volume.kinds.contains(source);
    if ALLOWED_SOURCES.iter().any(has) {
        return None;
    }
    FORBIDDEN_SOURCES.iter().copied().find(|source| has(source))
}

pub(super) fn volumes(subject: AuditScope<'_, '_>, _: u32) -> Option<ControlViolation> {
    let bad: Vec<(&Volume<'_>, &str)> = subject
        .volumes()
        .filter_map(|volume| Some((volume, forbidden_source(volume)?)))
        .collect();
    let (first, source) = bad.first()?;
    let path = format!("{}.{source}", first.path());
    let names = bad.iter().map(|(volume, _)| volume.name);
    let sources: BTreeSet<&str> = bad.iter().map(|(_, source)| *source).collect();
    let detail = format!(
        "{} {} {}",
        counted("volume", "volumes", names),
        plural("uses", "use", bad.len()),
        counted(
            "restricted volume type",
            "restricted volume types",
            sources.iter(),
        ),
    );
    Some(ControlViolation::at(
        path,
        "restricted volume types",
        detail,
    ))
}

pub(super) fn run_as_non_root(subject: AuditScope<'_, '_>, minor: u32) -> Option<ControlViolation> {
    if minor >= USER_NAMESPACES && subject.has_user_namespace() {
        return None;
    }
    let reason = "runAsNonRoot != true";
    let field = "runAsNonRoot";
    let pod = subject.pod_offends(|security| security.run_as_non_root == Some(false));
    let explicit = subject.offenders(|security| security.run_as_non_root == Some(false));
    if pod || !explicit.is_empty() {
        let detail = format!(
            "{} must not set securityContext.runAsNonRoot=false",
            setters(pod, &explicit)
        );
        return Some(ControlViolation::in_contexts(
            pod, &explicit, field, reason, detail,
        ));
    }
    if subject.pod.spec.security.run_as_non_root == Some(true) {
        return None;
    }
    let implicit = subject.offenders(|security| security.run_as_non_root.is_none());
    implicit.first()?;
    let detail = format!(
        "pod or {} must set securityContext.runAsNonRoot=true",
        containers(&implicit)
    );
    Some(ControlViolation::in_contexts(
        false, &implicit, field, reason, detail,
    ))
}

pub(super) fn run_as_user(subject: AuditScope<'_, '_>, minor: u32) -> Option<ControlViolation> {
    if minor >= USER_NAMESPACES && subject.has_user_namespace() {
        return None;
    }
    let pod = subject.pod_offends(|security| security.run_as_user == Some(0));
    let offenders = subject.offenders(|security| security.run_as_user == Some(0));
    if !pod && offenders.is_empty() {
        return None;
    }
    let detail = format!("{} must not set runAsUser=0", setters(pod, &offenders));
    Some(ControlViolation::in_contexts(
        pod,
        &offenders,
        "runAsUser",
        "runAsUser=0",
        detail,
    ))
}

pub(super) fn seccomp(subject: AuditScope<'_, '_>, minor: u32) -> Option<ControlViolation> {
    if minor >= WINDOWS_EXEMPT && subject.is_windows() {
        return None;
    }
    if let Some(found) = bad_seccomp(subject) {
        return Some(found);
    }
    let of_pod = subject.pod.spec.security.seccomp_profile.as_ref();
    if of_pod.is_some_and(|profile| !is_bad_profile(Some(profile))) {
        return None;
    }
    let implicit = subject.offenders(|security| security.seccomp_profile.is_none());
    implicit.first()?;
    let detail = format!(
        "pod or {} must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \
         \"Localhost\"",
        containers(&implicit)
    );
    let field = "seccompProfile.type";
    Some(ControlViolation::in_contexts(
        false,
        &implicit,
        field,
        "seccompProfile",
        detail,
    ))
}

/// Whether a capability is beyond what level restricted lets a container add.
pub(in crate::check) fn is_restricted_capability(name: &str) -> bool {
    name != MAY_ADD
}
