//! A port of the pod that two containers listen on.

use super::super::CheckContext;
use super::super::pod::{Container, Pod};
use super::{Listed, clash, host, ours};
use crate::finding::{Code, Finding};

pub(super) fn check(pod: &Pod<'_>, with: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    for port in ours(pod) {
        let clashes = clash(pod, with, port, |other| {
            port.same_socket(other)
                && !host::is_refused(pod, &port, other)
                && !is_declared_for_all(&port, other)
        });
        let Some(other) = clashes else {
            continue;
        };
        let (label, title, theirs) = (
            port.label(),
            port.container.title(),
            other.container.title(),
        );
        let message = format!("port {label} of {title} is already bound by {theirs}");
        findings.push(Finding::new(Code::PortConflict, port.path(), message).of(port.port.by));
    }
    jmx(pod, findings);
}

/// The option with which a Java virtual machine listens for JMX.
const JMX: &str = "-Dcom.sun.management.jmxremote.port=";

/// Java virtual machines that a template lets listen on one port: the second does not start.
fn jmx(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    let mut bound: Vec<(&str, &Container<'_>)> = Vec::new();
    for container in pod.running() {
        let found = container.env.iter().enumerate().find_map(|(index, env)| {
            let (_, rest) = env.value.as_ref()?.as_str().split_once(JMX)?;
            let end = rest
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(rest.len());
            Some((index, env.by, rest.get(..end)?))
        });
        let Some((index, by, port)) = found else {
            continue;
        };
        let other = bound.iter().find(|(taken, _)| *taken == port);
        if let Some((_, other)) = other.filter(|_| by.is_some()) {
            let message = format!(
                "port {port}/TCP of {} is already bound by {}: a template starts the Java virtual \
                 machines of both with JMX on it",
                container.title(),
                other.title()
            );
            let path = format!("{}.env[{index}]", container.place);
            findings.push(Finding::new(Code::PortConflict, path, message).of(by));
        }
        bound.push((port, container));
    }
}

/// Whether one template declares the port for several app containers: then the declaration says
/// what the template expects, and not that each of them listens.
fn is_declared_for_all(one: &Listed<'_, '_>, other: &Listed<'_, '_>) -> bool {
    one.port.by == other.port.by
        && one.container.added_by.is_none()
        && other.container.added_by.is_none()
}
