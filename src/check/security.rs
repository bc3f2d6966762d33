//! Privilege: what the namespace's Pod Security level refuses, and what a helper gets that the app
//! does not have.

mod user;

use super::CheckContext;
use super::pod::{Container, Pod, SecurityContext};
use super::pod_security::{self, Enforced, Level, Violation, is_restricted_capability};
use crate::finding::{Code, Finding};
use crate::review::Text;
use crate::template::Template;

/// Finds what the namespace refuses, and what helpers may do that the app may not.
pub(super) fn check(pod: &Pod<'_>, with: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    violations(pod, with, findings);
    capabilities(pod, findings);
    host_namespaces(pod, findings);
    process_namespace(pod, with, findings);
    root(pod, findings);
    tokens(pod, findings);
    user::check(pod, with, findings);
}

/// What templates add against the level that the namespace enforces.
fn violations(pod: &Pod<'_>, with: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    let around = &with.surroundings;
    let defaults = &with.settings.pod_security;
    let runtime_class = pod.spec.runtime_class_name.as_ref().map(Text::as_str);
    if defaults.exempt(around.namespace, around.user, runtime_class) {
        return;
    }
    let enforced = pod_security::enforced(around.labels, defaults);
    if enforced.level == Level::Privileged {
        return;
    }
    let newest = with.kubernetes_minor;
    for template in with.templates {
        let Enforced { level, version } = enforced;
        let name = &template.name;
        for violation in pod_security::violations_by(pod, name, level, version, newest) {
            findings.push(violated(&violation, template, enforced, around.namespace));
        }
    }
}

fn violated(
    violation: &Violation,
    template: &Template,
    enforced: Enforced,
    namespace: &str,
) -> Finding {
    let name = &template.name;
    let control = violation.control.as_str();
    let level = violation.control.level();
    let start = format!(
        "the template {name} violates control {control} of Pod Security level {level}, and the \
         namespace {namespace} enforces {enforced}: {}",
        violation.reason
    );
    let needs = match template.pod_security_level {
        Some(needed) if needed < enforced.level => {
            format!("; the template says that it needs level {needed}")
        }
        _ => String::new(),
    };
    let message = format!("{start} ({}){needs}", violation.detail);
    // Details repeat values: hosts, profiles, names of settings.
    let logged = match violation.containers.as_slice() {
        [] => format!("{start}{needs}"),
        names => format!("{start} ({}){needs}", names.join(", ")),
    };
    Finding::new(Code::PodSecurityViolated, violation.path.clone(), message)
        .logged_as(logged)
        .of(Some(name))
}

/// The capabilities that a context adds beyond level restricted.
fn added<'s>(security: &'s SecurityContext<'_>) -> impl Iterator<Item = &'s str> {
    let added = security.added_capabilities();
    added.filter(|name| is_restricted_capability(name))
}

fn capabilities(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    for container in pod.all() {
        let Some(by) = adder(container, "securityContext") else {
            continue;
        };
        let before = container.security_before.as_ref();
        let had = |name: &str| before.is_some_and(|before| added(before).any(|had| had == name));
        let mut names = added(&container.security)
            .filter(|name| !had(name))
            .peekable();
        let all = container.security.privileged == Some(true)
            && before.is_none_or(|before| before.privileged != Some(true));
        let (field, what) = if all {
            (
                "privileged",
                "is privileged and so has all Linux capabilities".to_owned(),
            )
        } else if names.peek().is_some() {
            let names = names.collect::<Vec<_>>().join(", ");
            (
                "capabilities.add",
                format!("gets the Linux capabilities {names}"),
            )
        } else {
            continue;
        };
        let message = match container.added_by {
            Some(_) => format!(
                "{} {what}, beyond what level restricted allows",
                container.title()
            ),
            None => format!(
                "{} {what} from the template {by}, beyond what level restricted allows",
                container.title()
            ),
        };
        let path = format!("{}.securityContext.{field}", container.place);
        findings.push(Finding::new(Code::CapabilityAdded, path, message).of(Some(by)));
    }
}

/// The template that added a container, or to this field of the user's.
fn adder<'a>(container: &Container<'a>, field: &str) -> Option<&'a str> {
    container.added_by.or_else(|| {
        let mut by = container.fields_by.iter().rev();
        by.find(|(name, _)| *name == field).map(|(_, by)| *by)
    })
}

/// Once for each template: the first container that it added.
fn first_of_each<'p, 'a>(pod: &'p Pod<'a>) -> impl Iterator<Item = &'p Container<'a>> {
    pod.helpers().filter(|helper| {
        let mut earlier = pod
            .helpers()
            .take_while(|other| other.place != helper.place);
        earlier.all(|other| other.added_by != helper.added_by)
    })
}

fn host_namespaces(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    let (field, what) = match (pod.spec.host_pid, pod.spec.host_ipc) {
        (false, false) => return,
        (true, false) => ("hostPID", "sees every process of the node"),
        (false, true) => ("hostIPC", "shares the node's inter-process communication"),
        (true, true) => (
            "hostPID",
            "sees every process of the node and shares its inter-process communication",
        ),
    };
    for helper in first_of_each(pod) {
        let asks = if pod.spec.host_pid && pod.spec.host_ipc {
            "hostPID: true and hostIPC: true".to_owned()
        } else {
            format!("{field}: true")
        };
        let message = format!("{} {what}, as the pod has {asks}", helper.title());
        let finding = Finding::new(Code::HostNamespaceShared, format!("spec.{field}"), message);
        findings.push(finding.of(helper.added_by));
    }
}

fn process_namespace(pod: &Pod<'_>, with: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    let field = "shareProcessNamespace";
    if !pod.spec.share_process_namespace {
        return;
    }
    let mut templates = with.templates.iter();
    if let Some(template) = templates.find(|template| pod.changed(field, &template.name)) {
        let message = format!(
            "the template {} lets all containers of the pod see each other's processes, their \
             environment and their files",
            template.name
        );
        let finding = Finding::new(
            Code::ProcessNamespaceShared,
            format!("spec.{field}"),
            message,
        );
        findings.push(finding.of(Some(&template.name)));
    }
}

/// Whether a container surely runs as root, or surely does not; `None`: its image decides.
fn is_root(pod: &Pod<'_>, container: &Container<'_>) -> Option<bool> {
    let user = container
        .security
        .run_as_user
        .or(pod.spec.security.run_as_user);
    let not_root = container
        .security
        .run_as_non_root
        .or(pod.spec.security.run_as_non_root);
    match (user, not_root) {
        (Some(user), _) => Some(user == 0),
        (None, Some(true)) => Some(false),
        _ => None,
    }
}

/// In a user namespace of the pod's own root is nobody on the node (KEP-127).
fn root(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    if pod.spec.host_users == Some(false) {
        return;
    }
    let mut users = pod
        .containers
        .iter()
        .filter(|container| container.added_by.is_none());
    let Some(app) = users.find(|app| is_root(pod, app) == Some(false)) else {
        return;
    };
    for helper in pod
        .helpers()
        .filter(|helper| is_root(pod, helper) == Some(true))
    {
        let message = format!(
            "{} runs as root, and {} beside it does not",
            helper.title(),
            app.title()
        );
        let path = format!("{}.securityContext.runAsUser", helper.place);
        findings.push(Finding::new(Code::HelperRunsAsRoot, path, message).of(helper.added_by));
    }
}

fn tokens(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    if pod.spec.automount_service_account_token != Some(false) {
        return;
    }
    for container in pod.all() {
        let mounts = container.mounts.iter().enumerate();
        let mut ours = mounts.filter_map(|(index, mount)| Some((index, mount.by?, mount)));
        let token = ours.find_map(|(index, by, mount)| {
            let volume = pod.volume_of(mount)?;
            volume.has_token().then_some((index, by, volume))
        });
        if let Some((index, by, volume)) = token {
            let message = format!(
                "{} gets a service account token from volume `{}`, and the pod has \
                 automountServiceAccountToken: false",
                container.title(),
                volume.name
            );
            let path = format!("{}.volumeMounts[{index}]", container.place);
            findings.push(Finding::new(Code::TokenMounted, path, message).of(Some(by)));
        }
    }
}

#[cfg(test)]
mod tests;
