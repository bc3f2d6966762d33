//! Whom probes and hooks ask.
//!
//! The kubelet asks from the node. The name of a port it looks up in the same container
//! (kubernetes:pkg/probe/util.go, `ResolveContainerPort`); where it finds none it asks nobody, and the
//! container stays what it was: running, but neither started nor ready (pkg/kubelet/prober/worker.go).
//! A `host` it takes as it is, so that a loopback address is the node's.

use core::net::IpAddr;

use super::super::pod::{Container, Network, Pod, PortNumber, text};
use crate::finding::{Code, Finding};
use crate::wording::{shown, some};

pub(super) fn check(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    for container in pod.running() {
        for target in probed(container).chain(hooked(container)) {
            findings.extend(target.unnamed());
            if !pod.spec.host_network {
                findings.extend(target.on_node());
            }
        }
    }
}

/// What a probe or hook of a container connects to.
struct Target<'p, 'a> {
    container: &'p Container<'a>,
    /// The field of the container: a probe, or `lifecycle`.
    field: &'static str,
    /// The probe or hook as a person reads of it.
    words: &'static str,
    /// Where it stands below the container: the probe or hook, and its handler.
    path: [&'static str; 2],
    network: &'p Network<'a>,
    /// What follows where nobody can be asked, and where nobody answers.
    effects: [&'static str; 2],
}

fn probed<'p, 'a>(container: &'p Container<'a>) -> impl Iterator<Item = Target<'p, 'a>> {
    container.probes().filter_map(move |(field, probe)| {
        let handlers = [
            ("httpGet", &probe.http_get),
            ("tcpSocket", &probe.tcp_socket),
        ];
        let (handler, network) = connected(handlers)?;
        Some(Target {
            container,
            field,
            words: field,
            path: [field, handler],
            network,
            effects: match field {
                "startupProbe" => ["it never counts as started"; 2],
                "readinessProbe" => ["it is never ready"; 2],
                _ => ["nobody notices when it hangs", "it is restarted for ever"],
            },
        })
    })
}

fn hooked<'p, 'a>(container: &'p Container<'a>) -> impl Iterator<Item = Target<'p, 'a>> {
    let hooks = container.lifecycle.iter().flat_map(|hooks| {
        let failed = "it is killed as soon as it has started";
        [
            (
                ["postStart hook", "lifecycle.postStart"],
                &hooks.post_start,
                failed,
            ),
            (
                ["preStop hook", "lifecycle.preStop"],
                &hooks.pre_stop,
                "the hook does nothing",
            ),
        ]
    });
    hooks.filter_map(move |([words, path], hook, effect)| {
        let hook = hook.as_ref()?;
        let handlers = [("httpGet", &hook.http_get), ("tcpSocket", &hook.tcp_socket)];
        let (handler, network) = connected(handlers)?;
        Some(Target {
            container,
            field: "lifecycle",
            words,
            path: [path, handler],
            network,
            effects: [effect; 2],
        })
    })
}

/// The handler that is there, with the field's name.
fn connected<'p, 'a>(
    handlers: [(&'static str, &'p Option<Network<'a>>); 2],
) -> Option<(&'static str, &'p Network<'a>)> {
    let mut handlers = handlers.into_iter();
    handlers.find_map(|(field, network)| Some((field, network.as_ref()?)))
}

impl Target<'_, '_> {
    /// The name of a port that the container does not declare. A number in quotes counts as one.
    fn unnamed(&self) -> Option<Finding> {
        let Some(PortNumber::Name(name)) = &self.network.port else {
            return None;
        };
        let name = name.as_str();
        let ports = self.container.ports.iter();
        let names = ports.filter_map(|port| Some(port.name.as_ref()?.as_str()));
        let is_declared = names.clone().any(|declared| declared == name);
        if name.is_empty() || name.parse::<u16>().is_ok() || is_declared {
            return None;
        }
        let (words, title, [effect, _]) = (self.words, self.container.title(), self.effects);
        let (name, declared) = (shown(name), some(names));
        let message = format!(
            "the {words} of {title} names the port `{name}`, and the container declares {declared}, so \
             that {effect}"
        );
        Some(self.finding(Code::ProbePortNotFound, "port", message))
    }

    /// An address that is the node's for the kubelet, and the container's for the author.
    fn on_node(&self) -> Option<Finding> {
        let host = text(self.network.host.as_ref());
        let address = host.trim_start_matches('[').trim_end_matches(']');
        let is_loopback = address.eq_ignore_ascii_case("localhost")
            || address
                .parse::<IpAddr>()
                .is_ok_and(|address| address.is_loopback());
        if !is_loopback {
            return None;
        }
        let (words, title, [_, effect]) = (self.words, self.container.title(), self.effects);
        let message = format!(
            "the {words} of {title} asks `{host}`, which is the node for the kubelet and not the pod, so \
             that {effect}: leave the host out"
        );
        Some(self.finding(Code::ProbeOnNode, "host", message))
    }

    fn finding(&self, code: Code, field: &str, message: String) -> Finding {
        let [target, handler] = self.path;
        let path = format!("{}.{target}.{handler}.{field}", self.container.place);
        Finding::new(code, path, message).of(self.container.field_by(self.field))
    }
}
