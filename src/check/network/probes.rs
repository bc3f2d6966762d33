//! Ports that only probes show.
//!
//! A port need not be declared to be listened on, and a probe without `host` says that somebody
//! does: the kubelet asks the pod's address, where the containers are not told apart. Who listens
//! is not certain, so that the person is told what the probe can mean, and no pod is refused.

use super::super::CheckContext;
use super::super::pod::{Container, Pod};
use super::listed;
use crate::finding::{Code, Finding};

pub(super) fn check(pod: &Pod<'_>, with: &CheckContext<'_>, findings: &mut Vec<Finding>) {
    if pod.helpers().next().is_none() {
        return;
    }
    for container in pod.running() {
        for (index, (field, probe)) in container.probes().enumerate() {
            let number = probe
                .own_port()
                .filter(|number| !declares(container, *number));
            let Some(number) = number else {
                continue;
            };
            let mut earlier = container.probes().take(index);
            if earlier.any(|(_, probe)| probe.own_port() == Some(number)) {
                continue;
            }
            let probed = Probed {
                container,
                field,
                number,
            };
            findings.extend(probed.asks_other(pod).or_else(|| probed.clashes(pod, with)));
        }
    }
}

fn declares(container: &Container<'_>, number: i64) -> bool {
    let mut ports = container.ports.iter();
    ports.any(|port| port.container_port == Some(number) && port.protocol() == "TCP")
}

/// A container that is probed on a port which it does not declare.
struct Probed<'p, 'a> {
    container: &'p Container<'a>,
    field: &'static str,
    number: i64,
}

impl Probed<'_, '_> {
    fn path(&self) -> String {
        format!("{}.{}", self.container.place, self.field)
    }

    /// The port is declared by another container, and one of the two is a helper.
    fn asks_other(&self, pod: &Pod<'_>) -> Option<Finding> {
        let by = self.container.field_by(self.field);
        let declared = || {
            listed(pod).filter(|port| {
                port.port.container_port == Some(self.number) && port.port.protocol() == "TCP"
            })
        };
        // Where the user declares it at another container of theirs, they know whom they ask.
        let users = declared().find(|port| port.port.by.is_none());
        let other = users.or_else(|| declared().next())?;
        let template = match (by, other.port.by) {
            (None, None) => return None,
            (None, theirs) => theirs,
            // A template that probes its own ports knows whom it asks.
            (Some(ours), Some(theirs)) if ours == theirs => return None,
            (Some(_), _) => by,
        };
        let (title, theirs, number) =
            (self.container.title(), other.container.title(), self.number);
        let message = format!(
            "{title} is probed on port {number}/TCP, which only {theirs} declares: the probe asks \
             that one, and if both listen there the second to start fails"
        );
        Some(Finding::new(Code::ProbePortOfOther, self.path(), message).of(template))
    }

    /// Nobody declares the port, and a helper of another template is probed on it as well.
    fn clashes(&self, pod: &Pod<'_>, with: &CheckContext<'_>) -> Option<Finding> {
        let by = self.container.added_by?;
        let other = pod
            .helpers()
            .filter(|other| other.runs_beside())
            .find(|other| {
                let mut probes = other.probes();
                other.added_by != Some(by)
                    && with.later(other.added_by, Some(by)) == Some(by)
                    && probes.any(|(_, probe)| probe.own_port() == Some(self.number))
            })?;
        let (title, theirs, number) = (self.container.title(), other.title(), self.number);
        let message = format!(
            "{title} is probed on port {number}/TCP, and so is {theirs}, and nobody declares it: if \
             both listen there the second to start fails"
        );
        Some(Finding::new(Code::ProbePortOfOther, self.path(), message).of(Some(by)))
    }
}
