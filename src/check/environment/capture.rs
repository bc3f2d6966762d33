//! Init containers between a template's capture of the network and the start of its proxy.
//!
//! A template's init container that redirects the pod's packets to a proxy cuts off each init container
//! that runs before that proxy: with a classic sidecar, each behind it.

use super::super::CheckContext;
use super::super::pod::{Container, Pod};
use super::mesh::needs_network;
use crate::finding::{Code, Finding};

pub(super) fn check(pod: &Pod<'_>, with: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    for template in with.templates {
        findings.extend(cut_off(pod, &template.name));
    }
}

/// The first init container that a template's capture cuts off.
fn cut_off(pod: &Pod<'_>, template: &str) -> Option<Finding> {
    let is_ours = |container: &&Container<'_>| container.added_by == Some(template);
    let ours = || pod.all().filter(is_ours);
    let capture = ours().find(|container| container.is_step() && container.changes_network())?;
    // In the order of their start, as regular containers come after all init containers.
    let mut proxies =
        ours().filter(|container| container.runs_beside() && container.place > capture.place);
    let proxy = proxies.next()?;
    let step = pod.init_containers.iter().find(|step| {
        step.is_step()
            && step.added_by != Some(template)
            && (capture.place..proxy.place).contains(&step.place)
            && needs_network(step)
    })?;
    let message = format!(
        "the init container {} needs the network, which {} may have redirected by then to {}, which \
         does not run yet",
        step.title(),
        capture.title(),
        proxy.title()
    );
    let finding = Finding::new(Code::InitCutOff, step.place.to_string(), message);
    Some(finding.of(Some(template)))
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::check::test_support::table;

    #[test]
    fn what_needs_the_network_does_not_run_between_capture_and_proxy() {
        let capture = "{name: t-init, securityContext: {capabilities: {add: [NET_ADMIN]}}}";
        let step = "{name: migrate, command: [curl, 'http://x/']}";
        let of = |inits: &[&str], containers: &str| {
            format!(
                "{{initContainers: [{}], containers: [{containers}]}}",
                inits.join(", ")
            )
        };
        let (classic, native) = (
            "{name: app}, {name: t-proxy}",
            "{name: t-proxy, restartPolicy: Always}",
        );
        let found = "t InitCutOff";
        let cases = [
            (of(&[capture, step], classic), found),
            (of(&[step, capture], classic), ""),
            (of(&[capture, native, step], "{name: app}"), ""),
            (of(&[capture, step, native], "{name: app}"), found),
            (
                of(&[capture, "{name: migrate, command: [chown, x]}"], classic),
                "",
            ),
            (of(&[capture, step], "{name: app}"), ""),
            (of(&["{name: t-init}", step], classic), ""),
        ];
        table(check, &cases);
    }
}
