//! `AppArmor` profiles, which pods choose by fields and, older ones, by annotations.

use std::collections::BTreeSet;

use super::baseline::is_bad_profile;
use super::subject::AuditScope;
use super::violation::ControlViolation;
use super::words::{containers, plural, quoted};
use crate::check::pod::{Container, Profile, text};
use crate::kubernetes::keys::APP_ARMOR_PREFIX;

/// The profile of the annotation `unconfined`.
const UNCONFINED: &str = "Unconfined";

/// `check_appArmorProfile.go`.
pub(super) fn check(subject: AuditScope<'_, '_>, _: u32) -> Option<ControlViolation> {
    let pod = subject.pod_offends(|security| is_bad_profile(security.app_armor_profile.as_ref()));
    let offenders = offenders(subject);
    let annotations = annotations(subject);
    if !pod && offenders.is_empty() && annotations.is_empty() {
        return None;
    }
    let of_pod = subject.pod.spec.security.app_armor_profile.as_ref();
    let types: BTreeSet<&str> = offenders
        .iter()
        .map(|container| own(container))
        .chain(of_pod.filter(|_| pod).map(kind))
        .collect();
    let mut who: Vec<String> = pod.then(|| "pod".to_owned()).into_iter().collect();
    if !offenders.is_empty() {
        who.push(containers(&offenders));
    }
    if !annotations.is_empty() {
        let word = plural("annotation", "annotations", annotations.len());
        who.push(word.to_owned());
    }
    let annotated = annotations.iter().map(String::as_str);
    let detail = format!(
        "{} must not set AppArmor profile type to {}",
        who.join(" and "),
        quoted(types.iter().copied().chain(annotated)),
    );
    let reason = match types.len() + annotations.len() {
        1 => "forbidden AppArmor profile",
        _ => "forbidden AppArmor profiles",
    };
    if !pod && offenders.is_empty() {
        return Some(ControlViolation::at(
            "metadata.annotations".to_owned(),
            reason,
            detail,
        ));
    }
    let field = "appArmorProfile.type";
    Some(ControlViolation::in_contexts(
        pod, &offenders, field, reason, detail,
    ))
}

fn kind<'p>(profile: &'p Profile<'_>) -> &'p str {
    text(profile.kind.as_ref())
}

/// The profile of an offender: its own, else that of its annotation.
fn own<'c>(container: &'c Container<'_>) -> &'c str {
    let profile = container.security.app_armor_profile.as_ref();
    profile.map_or(UNCONFINED, kind)
}

/// Containers whose field is bad, or becomes so: the API server copies an annotation into a field
/// that is absent, unless the pod's own says the same (registry/core/pod/strategy.go,
/// `applyAppArmorVersionSkew`).
fn offenders<'p, 'a>(subject: AuditScope<'p, 'a>) -> Vec<&'p Container<'a>> {
    let mut offenders =
        subject.offenders(|security| is_bad_profile(security.app_armor_profile.as_ref()));
    let pod = subject.pod;
    let mut annotations = pod.annotations_with_prefix(APP_ARMOR_PREFIX);
    let is_copied = annotations.any(|(_, value)| value == "unconfined");
    let of_pod = pod.spec.security.app_armor_profile.as_ref().map(kind);
    if !is_copied || of_pod == Some(UNCONFINED) || subject.is_windows() {
        return offenders;
    }
    let copied = pod.all().filter(|container| {
        let key = format!("{APP_ARMOR_PREFIX}{}", container.name);
        subject.counts(container)
            && container.security.app_armor_profile.is_none()
            && pod.annotations.get(key.as_str()) == Some(&"unconfined")
    });
    offenders.extend(copied);
    offenders.sort_by_key(|container| container.place);
    offenders
}

/// The annotations that may not be set, as `key="value"`, sorted.
fn annotations(subject: AuditScope<'_, '_>) -> Vec<String> {
    subject
        .pod
        .annotations_with_prefix(APP_ARMOR_PREFIX)
        .filter(|(_, value)| {
            !value.is_empty() && *value != "runtime/default" && !value.starts_with("localhost/")
        })
        .filter(|(key, _)| {
            let name = key.trim_start_matches(APP_ARMOR_PREFIX);
            let mut all = subject.pod.all();
            subject.is_whole()
                || all.any(|container| container.name == name && subject.counts(container))
        })
        .map(|(key, value)| format!("{key}={value:?}"))
        .collect()
}
