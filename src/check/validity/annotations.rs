//! Annotations that the API server reads (`ValidatePodSpecificAnnotations`), and the fields that took
//! the place of some of them.

use super::{invalid, pod_security_by, security_by};
use crate::check::CheckContext;
use crate::check::pod::{Pod, Profile, SecurityContext, text};
use crate::finding::Finding;
use crate::kubernetes::keys::{
    APP_ARMOR_PREFIX, MIRROR, POD_DELETION_COST, SECCOMP_CONTAINER_PREFIX, SECCOMP_POD, TOLERATIONS,
};
use crate::kubernetes::names;

pub(super) fn check(pod: &Pod<'_>, with: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    for (key, value) in &pod.annotations {
        if let Some(problem) = problem(pod, key, value) {
            let path = format!("metadata.annotations['{key}']");
            let message = format!("the annotation {key} has the value `{value}`: {problem}");
            let logged = format!("the annotation {key}: {problem}");
            let finding = invalid(path, message, with.annotation_by(key));
            findings.extend(finding.map(|finding| finding.logged_as(logged)));
        }
    }
    for kind in [&APP_ARMOR, &SECCOMP] {
        container_profiles(pod, with, kind, findings);
    }
    findings.extend(pod_seccomp(pod, with));
}

/// What is wrong with a value by itself.
fn problem(pod: &Pod<'_>, key: &str, value: &str) -> Option<&'static str> {
    match key {
        POD_DELETION_COST => {
            (!is_cost(value)).then_some("a cost is a whole number of 32 bits, such as -100")
        }
        TOLERATIONS => (!is_list(value)).then_some("expected a list of tolerations in JSON"),
        MIRROR => {
            let node = text(pod.spec.node_name.as_ref());
            node.is_empty()
                .then_some("only a pod with a nodeName has it")
        }
        SECCOMP_POD => SECCOMP.problem(value),
        key if key.starts_with(SECCOMP_CONTAINER_PREFIX) => SECCOMP.problem(value),
        key if key.starts_with(APP_ARMOR_PREFIX) => APP_ARMOR.problem(value),
        _ => None,
    }
}

/// `GetDeletionCostFromPodAnnotations`.
fn is_cost(value: &str) -> bool {
    let is_plain = value == "0" || !value.starts_with(['+', '0']);
    is_plain && value.parse::<i32>().is_ok()
}

/// An empty annotation counts as absent.
fn is_list(value: &str) -> bool {
    value.is_empty() || serde_json::from_str::<Option<Vec<serde_json::Map<_, _>>>>(value).is_ok()
}

/// A kind of profile that annotations chose before there were fields.
struct ProfileKind {
    prefix: &'static str,
    field: &'static str,
    of: for<'p> fn(&'p SecurityContext<'_>) -> Option<&'p Profile<'p>>,
    /// What the runtime's own profile is called.
    defaults: &'static [&'static str],
    takes: fn(&str) -> bool,
    expected: &'static str,
}

const LOCAL: &str = "localhost/";

const APP_ARMOR: ProfileKind = ProfileKind {
    prefix: APP_ARMOR_PREFIX,
    field: "appArmorProfile",
    of: |security| security.app_armor_profile.as_ref(),
    defaults: &["runtime/default"],
    takes: |value| value.is_empty() || value.starts_with(LOCAL),
    expected: "expected runtime/default, unconfined or localhost/PROFILE",
};

const SECCOMP: ProfileKind = ProfileKind {
    prefix: SECCOMP_CONTAINER_PREFIX,
    field: "seccompProfile",
    of: |security| security.seccomp_profile.as_ref(),
    defaults: &["runtime/default", "docker/default"],
    takes: |value| {
        let path = value.strip_prefix(LOCAL);
        path.is_some_and(|path| names::not_inside(path).is_none())
    },
    expected: "expected runtime/default, unconfined or localhost/PATH",
};

impl ProfileKind {
    fn problem(&self, value: &str) -> Option<&'static str> {
        let is_word = value == "unconfined" || self.defaults.contains(&value);
        (!is_word && !(self.takes)(value)).then_some(self.expected)
    }

    /// Whether an annotation says the same as a field.
    fn agrees(&self, value: &str, profile: &Profile<'_>) -> bool {
        match text(profile.kind.as_ref()) {
            "Unconfined" => value == "unconfined",
            "RuntimeDefault" => self.defaults.contains(&value),
            "Localhost" => {
                let name = text(profile.localhost_profile.as_ref());
                value.strip_prefix(LOCAL) == Some(name)
            }
            _ => true,
        }
    }

    /// Says that an annotation and a field do not agree.
    fn conflict(
        &self,
        [key, value]: [&str; 2],
        [title, path]: [&str; 2],
        profile: &Profile<'_>,
        by: Option<&str>,
    ) -> Option<Finding> {
        let field = self.field;
        let message = format!(
            "{title} has {field} of type {}, and the annotation {key} has the value `{value}`: both \
             must say the same",
            text(profile.kind.as_ref())
        );
        let logged = format!("{title} has {field}, and the annotation {key} says another");
        let path = format!("{path}.securityContext.{field}");
        invalid(path, message, by).map(|finding| finding.logged_as(logged))
    }
}

/// Containers with a field and an annotation that do not agree. A field of the pod's is no matter:
/// the API server copies the annotation into the container before it looks.
fn container_profiles(
    pod: &Pod<'_>,
    with: &CheckContext<'_>,
    kind: &ProfileKind,
    findings: &mut Vec<Finding>,
) {
    if pod.spec.os_name() == "windows" {
        return;
    }
    for (key, value) in pod.annotations.range(kind.prefix..) {
        let Some(name) = key.strip_prefix(kind.prefix) else {
            return;
        };
        let Some(container) = pod.all().find(|container| container.name == name) else {
            continue;
        };
        let profile = (kind.of)(&container.security);
        let Some(profile) = profile.filter(|profile| !kind.agrees(value, profile)) else {
            continue;
        };
        let field_by = security_by(container, |before| (kind.of)(before).is_some());
        let by = with.later(field_by, with.annotation_by(key));
        let (title, path) = (container.title(), container.place.to_string());
        findings.extend(kind.conflict([key, value], [&title, &path], profile, by));
    }
}

/// `validateSeccompAnnotationsAndFields` of the pod itself.
fn pod_seccomp(pod: &Pod<'_>, with: &CheckContext<'_>) -> Option<Finding> {
    let value = pod.annotations.get(SECCOMP_POD)?;
    let profile = pod.spec.security.seccomp_profile.as_ref()?;
    if SECCOMP.agrees(value, profile) {
        return None;
    }
    let field_by = pod_security_by(pod, |before| before.seccomp_profile.is_some());
    let by = with.later(field_by, with.annotation_by(SECCOMP_POD));
    SECCOMP.conflict([SECCOMP_POD, value], ["the pod", "spec"], profile, by)
}
