//! Privilege above the Pod Security level that the template states; *restricted* where it states
//! none (Pod Security Standards, <https://kubernetes.io/docs/concepts/security/pod-security-standards>).
//!
//! What an expression decides is taken to be right: nobody can tell before there is a pod.

use super::LintCode;
use super::subject::{Helper, LintContext, entries, has, is_dynamic, items};
use crate::kubernetes::pod_security_level::BASELINE_CAPABILITIES;
use crate::template::PodSecurityLevel;
use crate::template::compile::{join, privileges};
use crate::template::node::{Node, NodeValue};

/// Volume sources that the level *restricted* takes; `files` becomes a `downwardAPI` volume.
const RESTRICTED_SOURCES: [&str; 9] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "files",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

pub(super) fn lint(subject: &mut LintContext<'_>) {
    let stated = subject.template.pod_security_level;
    let level = stated.unwrap_or(PodSecurityLevel::Restricted);
    if level == PodSecurityLevel::Privileged {
        return;
    }
    for (node, field) in privileges(subject.spec) {
        if is_dynamic(node) {
            continue;
        }
        let message = format!(
            "this is above the level baseline, but the template states {level}: take it out, or \
             say `podSecurityLevel: privileged` and why"
        );
        subject.add(LintCode::PodSecurityExceeded, node.place, &field, message);
    }
    if level == PodSecurityLevel::Restricted {
        for helper in subject.helpers() {
            lint_restricted(subject, &helper);
        }
        lint_volumes(subject);
    }
}

/// What the level *restricted* asks of every container.
fn lint_restricted(subject: &mut LintContext<'_>, helper: &Helper<'_>) {
    let own = helper.node.get("securityContext");
    if own.is_some_and(is_dynamic) {
        return;
    }
    let pod = subject
        .spec
        .get("pod")
        .and_then(|pod| pod.get("securityContext"));
    let in_own = |field: &str| own.and_then(|context| context.get(field));
    let in_either = |field: &str| in_own(field).or_else(|| pod?.get(field));
    let may_be = |node: Option<&Node>, wanted: &NodeValue| {
        node.is_some_and(|node| node.value == *wanted || is_dynamic(node))
    };
    let mut wanted = Vec::new();
    if !may_be(
        in_own("allowPrivilegeEscalation"),
        &NodeValue::Boolean(false),
    ) {
        wanted.push("`allowPrivilegeEscalation: false`");
    }
    let capabilities = in_own("capabilities");
    if !capabilities.is_some_and(|node| is_dynamic(node) || drops_all(node)) {
        wanted.push("`capabilities: {drop: [ALL]}`");
    }
    if !may_be(in_either("runAsNonRoot"), &NodeValue::Boolean(true)) {
        wanted.push("`runAsNonRoot: true`");
    }
    if in_either("runAsUser").is_some_and(|node| node.value == NodeValue::Integer(0)) {
        wanted.push("another `runAsUser` than 0");
    }
    let profile = in_either("seccompProfile");
    if !profile.is_some_and(|node| is_dynamic(node) || has(node, "type")) {
        wanted.push("`seccompProfile: {type: RuntimeDefault}`");
    }
    if !wanted.is_empty() {
        let message = format!(
            "the level restricted asks `{}` for {}; where it cannot, state a `podSecurityLevel` \
             and say why",
            helper.name,
            wanted.join(", ")
        );
        let field = format!("{}.securityContext", helper.path);
        let place = own.unwrap_or(helper.node).place;
        subject.add(LintCode::PodSecurityExceeded, place, &field, message);
    }
    lint_added(subject, capabilities, helper);
}

fn drops_all(capabilities: &Node) -> bool {
    let drop = capabilities.get("drop");
    drop.is_some_and(|drop| {
        is_dynamic(drop) || items(drop).iter().any(|item| item.text() == Some("ALL"))
    })
}

/// The level *restricted* takes one added capability; what *baseline* refuses was told already.
fn lint_added(subject: &mut LintContext<'_>, capabilities: Option<&Node>, helper: &Helper<'_>) {
    let added = capabilities.and_then(|capabilities| capabilities.get("add"));
    for item in added.map(items).unwrap_or_default() {
        let Some(name) = item.text() else {
            continue;
        };
        if BASELINE_CAPABILITIES.contains(&name) && name != "NET_BIND_SERVICE" {
            let message = format!(
                "the level restricted lets `{}` add NET_BIND_SERVICE only, not {name}",
                helper.name
            );
            let field = format!("{}.securityContext.capabilities.add", helper.path);
            subject.add(LintCode::PodSecurityExceeded, item.place, &field, message);
        }
    }
}

fn lint_volumes(subject: &mut LintContext<'_>) {
    let volumes = subject.spec.get("volumes").map(items).unwrap_or_default();
    for (index, volume) in volumes.iter().enumerate() {
        for entry in entries(volume) {
            let key = entry.key.as_str();
            let is_source = !["$when", "adopt", "name"].contains(&key);
            // `hostPath` is above baseline and was told already.
            if is_source && key != "hostPath" && !RESTRICTED_SOURCES.contains(&key) {
                let message = format!("the level restricted refuses the volume source `{key}`");
                let field = join(&format!("spec.volumes[{index}]"), key);
                subject.add(LintCode::PodSecurityExceeded, entry.place, &field, message);
            }
        }
    }
}
