//! The user that each container runs as, where it must not be root.
//!
//! The kubelet compares the effective `runAsNonRoot` with the effective `runAsUser`, each the container's
//! own or else the pod's (`kubernetes:pkg/kubelet/kuberuntime/security_context.go`,
//! `verifyRunAsNonRoot`): where they contradict each other the container is never created, although
//! the API server takes the pod.

use std::ops::RangeInclusive;

use super::super::CheckContext;
use super::super::pod::{Container, Pod};
use crate::finding::{Code, Finding};

pub(super) fn check(pod: &Pod<'_>, with: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    if pod.spec.windows_reason().is_some() {
        return;
    }
    for container in pod.all() {
        findings.extend(forbidden(pod, with, container));
        findings.extend(unknown(pod, with, container));
        findings.extend(out_of_range(with, container));
    }
}

/// A value that a container has, or takes from the pod, and whether it is its own.
fn effective<T>(own: Option<T>, of_pod: Option<T>) -> Option<(T, bool)> {
    let own = own.map(|value| (value, true));
    own.or_else(|| of_pod.map(|value| (value, false)))
}

/// The template that a container's security context comes from, or what it takes from the pod's.
fn by<'a>(pod: &Pod<'a>, with: &CheckContext<'_>, container: &Container<'a>) -> Option<&'a str> {
    with.later(
        container.field_by("securityContext"),
        pod.field_by("securityContext"),
    )
}

/// A container that must not run as root, and does.
fn forbidden(pod: &Pod<'_>, with: &CheckContext<'_>, container: &Container<'_>) -> Option<Finding> {
    let (own, of_pod) = (&container.security, &pod.spec.security);
    let (_, is_own_demand) =
        effective(own.run_as_non_root, of_pod.run_as_non_root).filter(|(must_not, _)| *must_not)?;
    let (_, is_own_user) =
        effective(own.run_as_user, of_pod.run_as_user).filter(|(user, _)| *user == 0)?;
    let place = |is_own| {
        if is_own {
            container.place.to_string()
        } else {
            "spec".to_owned()
        }
    };
    let (demand, user) = (place(is_own_demand), place(is_own_user));
    let message = format!(
        "{} would run as root ({user}.securityContext.runAsUser: 0) and must not \
         ({demand}.securityContext.runAsNonRoot: true), so the kubelet never starts it",
        container.title()
    );
    let path = format!("{}.securityContext", container.place);
    Some(Finding::new(Code::RootForbidden, path, message).of(by(pod, with, container)))
}

/// A container that must not run as root, and whose image decides: a helper because the pod says so, as an
/// author who says it knows the image, and an app because a template says so.
fn unknown(pod: &Pod<'_>, with: &CheckContext<'_>, container: &Container<'_>) -> Option<Finding> {
    let (own, of_pod) = (&container.security, &pod.spec.security);
    let (must_not, is_own) = effective(own.run_as_non_root, of_pod.run_as_non_root)?;
    let is_known = own.run_as_user.or(of_pod.run_as_user).is_some();
    if !must_not || is_known {
        return None;
    }
    let had = |before: Option<bool>| before == Some(true);
    let by = match (container.added_by, is_own) {
        // Its author says it, and knows the image.
        (Some(_), true) => return None,
        (Some(by), false) => Some(by),
        (None, true) => {
            let before = container.security_before.as_ref()?;
            let by = by(pod, with, container).filter(|_| !had(before.run_as_non_root))?;
            let template = with.template(by)?;
            (!template.has_helper(container.name)).then_some(by)
        }
        (None, false) => {
            let before = pod.spec.security_before.as_ref()?;
            let by = pod.field_by("securityContext");
            by.filter(|_| !had(before.run_as_non_root))
        }
    }?;
    let demand = if is_own {
        container.place.to_string()
    } else {
        "spec".to_owned()
    };
    let message = format!(
        "{} must not run as root ({demand}.securityContext.runAsNonRoot: true), and nothing says its \
         user: the kubelet starts it only if its image names a user by a number other than 0",
        container.title()
    );
    let path = format!("{}.securityContext.runAsUser", container.place);
    Some(Finding::new(Code::UserUnknown, path, message).of(Some(by)))
}

/// A helper whose user or group OpenShift's `restricted-v2` does not allow in the namespace.
fn out_of_range(with: &CheckContext<'_>, helper: &Container<'_>) -> Option<Finding> {
    helper.added_by?;
    let security = &helper.security;
    let annotations = with.surroundings.annotations;
    let ids = [
        (
            "runAsUser",
            security.run_as_user,
            "openshift.io/sa.scc.uid-range",
        ),
        (
            "runAsGroup",
            security.run_as_group,
            "openshift.io/sa.scc.supplemental-groups",
        ),
    ];
    let (field, id, key, ranges) = ids.into_iter().find_map(|(field, id, key)| {
        let (id, ranges) = (id?, annotations.get(key)?);
        is_outside(id, ranges).then_some((field, id, key, ranges))
    })?;
    let message = format!(
        "{} has {field}: {id}, outside the namespace's range {ranges} ({key}): OpenShift admits that \
         only where the service account may use a wider constraint",
        helper.title()
    );
    let path = format!("{}.securityContext.{field}", helper.place);
    Some(Finding::new(Code::UserOutsideRange, path, message).of(helper.added_by))
}

/// Whether a number is in none of the ranges, separated by commas. Where one cannot be read nothing is
/// known.
fn is_outside(id: i64, ranges: &str) -> bool {
    let ranges: Option<Vec<_>> = ranges.split(',').map(range).collect();
    ranges.is_some_and(|ranges| !ranges.iter().any(|range| range.contains(&id)))
}

/// A range as `FIRST/COUNT` or `FIRST-LAST`.
fn range(text: &str) -> Option<RangeInclusive<i64>> {
    let number = |text: &str| text.trim().parse::<i64>().ok();
    if let Some((first, count)) = text.split_once('/') {
        let first = number(first)?;
        return Some(first..=first.checked_add(number(count)?)?.checked_sub(1)?);
    }
    let (first, last) = text.split_once('-')?;
    Some(number(first)?..=number(last)?)
}

#[cfg(test)]
mod tests {
    use super::{check, is_outside};
    use crate::check::pod::{PodSecurityContext, SecurityContext};
    use crate::check::test_support::{Scene, found_with, short, table};
    use serde_json::json;

    #[test]
    fn effective_users_fit_what_is_demanded() {
        table(
            check,
            &[
                (
                    "{securityContext: {runAsNonRoot: true}, containers: [{name: t-p, securityContext: {runAsUser: 0}}]}",
                    "t RootForbidden",
                ),
                (
                    "{securityContext: {runAsUser: 0}, containers: [{name: t-p, securityContext: {runAsNonRoot: true}}]}",
                    "t RootForbidden",
                ),
                (
                    "containers: [{name: t-p, securityContext: {runAsUser: 0, runAsNonRoot: true}}]",
                    "t RootForbidden",
                ),
                (
                    "{securityContext: {runAsUser: 0}, containers: [{name: t-p, securityContext: {runAsNonRoot: true, runAsUser: 7}}]}",
                    "",
                ),
                (
                    "{securityContext: {runAsNonRoot: true}, containers: [{name: t-p, securityContext: {runAsNonRoot: false, runAsUser: 0}}]}",
                    "",
                ),
                (
                    "{securityContext: {runAsNonRoot: true}, initContainers: [{name: t-p}], containers: [{name: app}]}",
                    "t UserUnknown",
                ),
                (
                    "{securityContext: {runAsNonRoot: true, runAsUser: 7}, initContainers: [{name: t-p}]}",
                    "",
                ),
                (
                    "containers: [{name: t-p, securityContext: {runAsNonRoot: true}}]",
                    "",
                ),
                (
                    "{securityContext: {runAsNonRoot: true}, containers: [{name: app, securityContext: {runAsUser: 0}}]}",
                    "- RootForbidden",
                ),
                (
                    "{os: {name: windows}, securityContext: {runAsNonRoot: true}, containers: [{name: t-p, securityContext: {runAsUser: 0}}]}",
                    "",
                ),
            ],
        );
    }

    #[test]
    fn a_context_of_the_pod_that_a_template_brings_is_the_templates() {
        let pod = "{securityContext: {runAsNonRoot: true}, containers: [{name: app, securityContext: {runAsUser: 0}}]}";
        let found = found_with(check, pod, |pod, _| {
            pod.fields_by.push(("securityContext", "s"));
        });
        assert_eq!(short(&found), ["s RootForbidden"]);
    }

    #[test]
    fn a_demand_that_a_template_makes_of_the_app_is_told() {
        let demand = "securityContext: {runAsNonRoot: true}";
        let of_pod = format!("{{{demand}, containers: [{{name: app}}]}}");
        let of_app = format!("containers: [{{name: app, {demand}}}]");
        let found = |pod: &str, had: bool| {
            found_with(check, pod, |pod, _| {
                let security = "securityContext";
                if pod.spec.security.run_as_non_root.is_some() {
                    pod.fields_by.push((security, "s"));
                    let before = pod
                        .spec
                        .security_before
                        .insert(PodSecurityContext::default());
                    before.run_as_non_root = had.then_some(true);
                }
                let app = &mut pod.containers[0];
                if app.security.run_as_non_root.is_some() {
                    app.fields_by.push((security, "s"));
                    let before = app.security_before.insert(SecurityContext::default());
                    before.run_as_non_root = had.then_some(true);
                }
            })
        };
        for pod in [&of_pod, &of_app] {
            assert_eq!(short(&found(pod, false)), ["s UserUnknown"], "{pod}");
            assert!(found(pod, true).is_empty(), "{pod}");
        }
    }

    #[test]
    fn ranges_of_openshift_hold_for_helpers() {
        let mut scene = Scene::new();
        let key = "openshift.io/sa.scc.uid-range";
        scene
            .annotations
            .insert(key.to_owned(), "1000660000/10000".to_owned());
        let pod = |user: i64| {
            json!({"spec": {"containers": [
                {"name": "app", "securityContext": {"runAsUser": 1}},
                {"name": "mesh-a", "securityContext": {"runAsUser": user}},
            ]}})
        };
        let within = pod(1_000_669_999);
        assert!(scene.found(&Scene::pod(&within), check).is_empty());
        let outside = pod(1_000_670_000);
        let found = scene.found(&Scene::pod(&outside), check);
        assert!(
            found[0].starts_with("UserOutsideRange mesh spec.containers[1]"),
            "{found:?}"
        );
        assert!(!is_outside(7, "1-3,5-9") && is_outside(4, "1-3,5-9") && !is_outside(4, "all"));
    }
}
