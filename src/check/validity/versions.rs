//! What the cluster's version of Kubernetes does not know: the API server drops such a field, and the
//! pod is another one than the template means.

use super::{invalid, pod_security_by, security_by};
use crate::check::CheckContext;
use crate::check::pod::{Container, Place, Pod, Profile, Volume, text};
use crate::finding::Finding;

/// The first minor version that knows native sidecars (KEP-753). An older API server drops the
/// `restartPolicy` of an init container, and the app would wait for it to end.
const NATIVE_SIDECARS: u32 = 28;
/// KEP-3257.
const TRUST_BUNDLES: u32 = 29;
/// KEP-24; before, annotations said it.
const APP_ARMOR_FIELDS: u32 = 30;
/// KEP-4639.
const IMAGE_VOLUMES: u32 = 31;
/// KEP-3619.
const GROUPS_POLICY: u32 = 31;
/// KEP-3721.
const ENVIRONMENT_FILES: u32 = 34;
/// KEP-4317.
const POD_CERTIFICATES: u32 = 34;

/// Names what templates bring and the version does not know. A version that knows a field and leaves
/// it out unless a feature gate is on counts as one that knows it: nobody sees the gates from here.
pub(super) fn check(pod: &Pod<'_>, with: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    let minor = with.kubernetes_minor;
    for container in pod.all() {
        findings.extend(native_sidecar(minor, container));
        findings.extend(app_armor(minor, container));
        findings.extend(file_key(minor, container));
    }
    for volume in &pod.volumes {
        findings.extend(volume_source(minor, volume));
    }
    findings.extend(pod_app_armor(minor, pod));
    findings.extend(groups_policy(minor, pod));
}

/// `what` is a sentence about the field, `effect` what comes of the pod without it.
fn unknown(
    minor: u32,
    since: u32,
    path: String,
    [what, effect]: [&str; 2],
    by: Option<&str>,
) -> Option<Finding> {
    if minor >= since {
        return None;
    }
    let message = format!(
        "{what}, which Kubernetes 1.{minor} does not know: {effect}; update the cluster to \
         1.{since} or newer"
    );
    invalid(path, message, by)
}

/// A native sidecar where the API server knows none.
fn native_sidecar(minor: u32, container: &Container<'_>) -> Option<Finding> {
    let is_native = matches!(container.place, Place::Init(_)) && container.runs_beside();
    if !is_native || minor >= NATIVE_SIDECARS {
        return None;
    }
    let message = format!(
        "{} is a native sidecar, and Kubernetes 1.{minor} knows none: the app would wait for it to end; \
         give the template `lifecycle: Auto` or `Classic`, or update the cluster to \
         1.{NATIVE_SIDECARS} or newer",
        container.title()
    );
    let path = format!("{}.restartPolicy", container.place);
    invalid(path, message, container.added_by)
}

/// Whether a profile is the one that containers have anyway.
fn is_of_runtime(profile: &Profile<'_>) -> bool {
    text(profile.kind.as_ref()) == "RuntimeDefault"
}

/// The runtime's own profile is what containers get where nothing is said.
fn app_armor(minor: u32, container: &Container<'_>) -> Option<Finding> {
    let profile = container.security.app_armor_profile.as_ref()?;
    if is_of_runtime(profile) {
        return None;
    }
    let what = format!("{} has an appArmorProfile", container.title());
    let path = format!("{}.securityContext.appArmorProfile", container.place);
    let by = security_by(container, |before| before.app_armor_profile.is_some());
    let effect = "the runtime's own profile would confine it";
    unknown(minor, APP_ARMOR_FIELDS, path, [&what, effect], by)
}

fn pod_app_armor(minor: u32, pod: &Pod<'_>) -> Option<Finding> {
    let profile = pod.spec.security.app_armor_profile.as_ref()?;
    if is_of_runtime(profile) {
        return None;
    }
    let path = "spec.securityContext.appArmorProfile".to_owned();
    let by = pod_security_by(pod, |before| before.app_armor_profile.is_some());
    let words = [
        "the pod has an appArmorProfile",
        "the runtime's own profile would confine its containers",
    ];
    unknown(minor, APP_ARMOR_FIELDS, path, words, by)
}

/// `Merge` is what every version does.
fn groups_policy(minor: u32, pod: &Pod<'_>) -> Option<Finding> {
    let policy = pod.spec.security.supplemental_groups_policy.as_ref()?;
    if text(Some(policy)) != "Strict" {
        return None;
    }
    let path = "spec.securityContext.supplementalGroupsPolicy".to_owned();
    let by = pod_security_by(pod, |before| before.supplemental_groups_policy.is_some());
    let words = [
        "the pod has a supplementalGroupsPolicy",
        "the groups that the images name would count too",
    ];
    unknown(minor, GROUPS_POLICY, path, words, by)
}

fn file_key(minor: u32, container: &Container<'_>) -> Option<Finding> {
    let mut variables = container.env.iter().enumerate();
    let (index, by) = variables.find_map(|(index, variable)| {
        let source = variable.value_from.as_ref()?;
        source.file_key_ref.as_ref()?;
        Some((index, variable.by?))
    })?;
    let title = container.title();
    let what = format!("{title} reads a variable from a file (fileKeyRef)");
    let path = format!("{}.env[{index}].valueFrom.fileKeyRef", container.place);
    let effect = "the API server refuses a variable without a source";
    unknown(minor, ENVIRONMENT_FILES, path, [&what, effect], Some(by))
}

fn volume_source(minor: u32, volume: &Volume<'_>) -> Option<Finding> {
    let by = volume.added_by?;
    let title = format!("volume `{}` (template {by})", volume.name);
    if volume.kinds.contains(&"image") {
        let what = format!("{title} is an image");
        let path = format!("{}.image", volume.path());
        let effect = "an empty directory would stand there";
        return unknown(minor, IMAGE_VOLUMES, path, [&what, effect], Some(by));
    }
    let projected = volume.source.projected.as_ref()?;
    let mut sources = projected.sources.iter().flatten().enumerate();
    sources.find_map(|(index, source)| {
        let (kind, since) = if source.pod_certificate.is_some() {
            ("podCertificate", POD_CERTIFICATES)
        } else {
            source.cluster_trust_bundle.as_ref()?;
            ("clusterTrustBundle", TRUST_BUNDLES)
        };
        let what = format!("{title} has a {kind}");
        let path = format!("{}.projected.sources[{index}].{kind}", volume.path());
        let effect = "its files would not be there";
        unknown(minor, since, path, [&what, effect], Some(by))
    })
}
