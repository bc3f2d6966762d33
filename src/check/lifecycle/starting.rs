//! What stands between the pod and the start of its app.
//!
//! Some of it is found in the user's own parts as well and is nobody's addition: such a pod hangs or
//! is refused with or without a helper, and the person learns why here first.

use super::super::CheckContext;
use super::super::pod::{Container, Pod, text};
use super::command::never_ends;
use crate::finding::{Code, Finding};
use crate::review::Text;
use crate::template::compiled::Pattern;

pub(super) fn check(pod: &Pod<'_>, with: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    for container in &pod.init_containers {
        if container.is_step() {
            findings.extend(endless(container));
            findings.extend(probed(container));
        } else {
            findings.extend(not_awaited(with, container));
        }
    }
    findings.extend(pod.containers.iter().filter_map(restarted));
}

/// A step that surely never ends.
fn endless(step: &Container<'_>) -> Option<Finding> {
    let command: Vec<&str> = step
        .command
        .iter()
        .chain(&step.args)
        .map(Text::as_str)
        .collect();
    if !never_ends(&command) {
        return None;
    }
    let title = step.title();
    let message = format!(
        "the init container {title} runs a command that never ends, so the app never starts"
    );
    let field = if step.command.is_empty() {
        "args"
    } else {
        "command"
    };
    let path = format!("{}.{field}", step.place);
    Some(Finding::new(Code::InitNeverEnds, path, message).of(step.added_by))
}

/// A step with a probe or a hook (validation.go, `validateInitContainers`).
fn probed(step: &Container<'_>) -> Option<Finding> {
    let probe = step.probes().next().map(|(field, _)| field);
    let field = probe.or_else(|| step.lifecycle.as_ref().map(|_| "lifecycle"))?;
    let title = step.title();
    let message = format!(
        "the init container {title} has a {field}, which only a container that keeps running may have"
    );
    let path = format!("{}.{field}", step.place);
    let by = step.field_by(field);
    Some(Finding::new(Code::ProbeOnInitStep, path, message).of(by))
}

/// A regular container whose author meant a sidecar. Who writes rules for restarts knows what the
/// field does.
fn restarted(container: &Container<'_>) -> Option<Finding> {
    let policy = text(container.restart_policy.as_ref());
    if policy != "Always" || !container.restart_policy_rules.is_empty() {
        return None;
    }
    let title = container.title();
    let message = format!(
        "{title} is a regular container with restartPolicy: Always, which does not make it a sidecar"
    );
    let path = format!("{}.restartPolicy", container.place);
    Some(
        Finding::new(Code::RestartPolicyOnContainer, path, message)
            .of(container.field_by("restartPolicy")),
    )
}

/// A native sidecar that the app talks to, and that nothing waits for: the kubelet starts the next
/// container once the startup probe has succeeded and the postStart hook has ended, and without
/// both at once. The app talks to what an Ambassador listens on.
fn not_awaited(with: &CheckContext<'_>, sidecar: &Container<'_>) -> Option<Finding> {
    let template = with.template(sidecar.added_by?)?;
    let waits_in_hook = sidecar
        .lifecycle
        .as_ref()
        .is_some_and(|hooks| hooks.post_start.is_some());
    if template.pattern != Pattern::Ambassador || sidecar.startup.is_some() || waits_in_hook {
        return None;
    }
    let listens = !sidecar.ports.is_empty()
        || sidecar
            .probes()
            .any(|(_, probe)| probe.own_port().is_some());
    if !listens && template.sidecars.len() > 1 {
        return None;
    }
    let title = sidecar.title();
    let message = format!(
        "the app talks to {title} and starts without waiting for it, as it has no startupProbe"
    );
    let path = format!("{}.startupProbe", sidecar.place);
    Some(Finding::new(Code::SidecarNotAwaited, path, message).of(sidecar.added_by))
}
