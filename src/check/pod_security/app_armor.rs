//! `AppArmor` profiles, which pods choose by fields and, older ones, by annotations.

use std::collections::BTreeSet;

use super::baseline::{is_bad_profile, words};
use super::subject::{AuditScope, Whose};
use super::violation::ControlViolation;
use super::words::{containers, plural, quoted};
use crate::check::pod::{Container, Profile};
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
    let of_pod = of_pod.filter(|_| pod).map(kind);
    let profiles = offenders.iter().map(|container| own(container));
    let values: BTreeSet<&str> = of_pod.into_iter().chain(profiles).collect();
    let mut values: Vec<String> = values.into_iter().map(str::to_owned).collect();
    let mut who: Vec<String> = pod.then(|| "pod".to_owned()).into_iter().collect();
    if !offenders.is_empty() {
        who.push(containers(&offenders));
    }
    if !annotations.is_empty() {
        let word = plural("annotation", "annotations", annotations.len());
        who.push(word.to_owned());
    }
    let by_annotation = !pod && offenders.is_empty();
    values.extend(annotations);
    let detail = format!(
        "{} must not set AppArmor profile type to {}",
        who.join(" and "),
        quoted(&values),
    );
    let reason = match values.len() {
        1 => "forbidden AppArmor profile",
        _ => "forbidden AppArmor profiles",
    };
    if by_annotation {
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
    words(profile.kind.as_ref())
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
    let unconfined = pod.annotations.range(APP_ARMOR_PREFIX..);
    let unconfined = unconfined.take_while(|(key, _)| key.starts_with(APP_ARMOR_PREFIX));
    let mut unconfined = unconfined.filter(|(_, value)| **value == "unconfined");
    let of_pod = pod.spec.security.app_armor_profile.as_ref().map(kind);
    if unconfined.next().is_none() || of_pod == Some(UNCONFINED) || subject.is_windows() {
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
    let pod = subject.pod;
    let set = pod.annotations.range(APP_ARMOR_PREFIX..);
    let set = set.take_while(|(key, _)| key.starts_with(APP_ARMOR_PREFIX));
    let bad = set.filter(|(_, value)| {
        !value.is_empty() && **value != "runtime/default" && !value.starts_with("localhost/")
    });
    let counted = bad.filter(|(key, _)| match subject.whose {
        Whose::Everybody => true,
        Whose::Template(_) => {
            let name = key.trim_start_matches(APP_ARMOR_PREFIX);
            let mut all = pod.all();
            all.any(|container| container.name == name && subject.counts(container))
        }
    });
    counted
        .map(|(key, value)| format!("{key}={value:?}"))
        .collect()
}
